/** Joins the rooms into what each process of a server is made of, whether or not it serves: store, custody, records and due work. */

import { Adoption } from "../audit/adoption.ts";
import { MemorySink } from "../audit/memory-sink.ts";
import { type AuditRecorder, createRecorder } from "../audit/recorder.ts";
import { slotOf } from "../audit/slot.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { PostClient } from "../base/outbound-post.ts";
import type { RootKey } from "../custody/root-key.ts";
import { openCustody, type SoftwareCustody } from "../custody/software.ts";
import type { Listener, Log, Route } from "../gateway/gateway.ts";
import type { TlsOptions } from "../gateway/tls.ts";
import { CredentialUsages } from "../iam/credential-usage.ts";
import { DELETE_KEY, deleteKeyWhenDue } from "../kms/deletion.ts";
import { ERASE_MATERIAL, EXPIRE_MATERIAL, eraseMaterialWhenDue, expireMaterialWhenDue } from "../kms/importing.ts";
import { Clusters } from "../kms/key-stores/clusters.ts";
import { SETTLE_KEY_STORE, settleKeyStoreWhenDue } from "../kms/key-stores/connection.ts";
import { HealthWatch } from "../kms/key-stores/health-watch.ts";
import type { KeyStoreMeter } from "../kms/key-stores/meter.ts";
import { type KeyStoreSettings, NO_SETTINGS } from "../kms/key-stores/places.ts";
import { SETTLE_BACKING_KEY, settleBackingKeyWhenDue } from "../kms/key-stores/token-keys.ts";
import { XksClient } from "../kms/key-stores/xks-client.ts";
import { type LastUsages, openLastUsages } from "../kms/last-usage.ts";
import { RequestMeter } from "../kms/metering/request-meter.ts";
import { ROTATE_KEY, rotateKeyWhenDue } from "../kms/rotation.ts";
import { SETTLE_KEY, settleKeyWhenDue } from "../kms/transient-states.ts";
import { DestructionGuard } from "../pipeline/destruction-guard.ts";
import { type DueHandler, DueWork } from "../pipeline/due-work.ts";
import type { Propagation } from "../pipeline/propagation.ts";
import type { QuotaProfile } from "../pipeline/quotas.ts";
import type { Bodies } from "../services/s3/bodies.ts";
import { DELETE_SECRET, deleteSecretWhenDue } from "../services/secretsmanager/deletion.ts";
import { actOnPoliciesWhenDue, PARAMETER_POLICY } from "../services/ssm/policies.ts";
import type { EventTarget } from "../signals/events/targets.ts";
import { RequestCounters } from "../signals/prometheus/requests.ts";
import { domainKeyStore } from "../storage/domain-keys.ts";
import { FeedPruner } from "../storage/feed-pruning.ts";
import type { Store } from "../storage/store.ts";
import { auditSinks } from "./audit-sinks.ts";
import { PRIMARY_SLOT, requireNoWorkers, slotDirectory } from "./audit-slots.ts";
import { eraseLog } from "./erase-log.ts";
import { type AuditApi, openAuditApi } from "./open-audit-api.ts";
import { objectHandlers, openBodies } from "./open-objects.ts";
import { openSignals, type Signals } from "./open-signals.ts";
import { openStore, type StoreConfig, type WorkerSeat } from "./open-store.ts";
import { RootProof } from "./root-proof.ts";

export interface ServerConfig extends StoreConfig {
  readonly host: string;
  readonly port: number;
  /** Further listeners, each the network side of a VPC endpoint. */
  readonly vpcEndpoints?: readonly Listener[];
  readonly tls?: TlsOptions;
  readonly rootKeys: readonly RootKey[];
  readonly clock: Clock;
  /** Given in a worker; without it this is the only process that serves. */
  readonly worker?: WorkerSeat;
  /** Whether workers serve what this process opens. */
  readonly hasWorkers?: boolean;
  /** A file, or `-` for standard output: a copy of every record, one JSON text a line. */
  readonly auditLog?: string;
  /** Whether each append waits for the disk. */
  readonly auditSync: boolean;
  /** DER of the roots that attestation documents are verified under; without one, none is valid. */
  readonly attestationRoots?: readonly Uint8Array[];
  /** Whether RSA pairs are made ahead of time, which is what they are unless this is false. */
  readonly readyPairs?: boolean;
  readonly log: Log;
  /** Where the bodies of S3 objects are; nodes with one database share it. Absent: in the directory, or temporary. */
  readonly objects?: string;
  /** Whether policies may name accounts, users and roles that are not here (dev only); the log warns of each. */
  readonly allowUnknownPrincipals?: boolean;
  /** Hosts (`HOST` or `HOST:PORT`) that URLs of tenants may lead to though they are not on the public internet. */
  readonly outboundAllowed?: readonly string[];
  /** Where target ARNs of EventBridge rules lead to. */
  readonly eventTargets?: readonly EventTarget[];
  /** Where the buckets of trails are, as folders; without it there are none. */
  readonly trailDirectory?: string;
  /** How long new keys, aliases and grants lag (dev only). */
  readonly propagation?: Propagation;
  /** What the operator says of key stores and the ways to them. */
  readonly keyStores?: KeyStoreSettings;
  /** What counts the use of external key stores, in place of what CloudWatch shows (tests). */
  readonly keyStoreMeter?: KeyStoreMeter;
  /** Absent: resource quotas as on AWS, and no request quotas. */
  readonly quotas?: QuotaProfile;
  /** Work on the store before anybody can connect: accounts and seeds. */
  prepare?(parts: ServerParts): Promise<void>;
  routes?(parts: ServerParts): ReadonlyMap<string, Route>;
}

export interface ServerParts {
  readonly store: Store;
  readonly custody: SoftwareCustody;
  readonly recorder: AuditRecorder;
  readonly dueWork: DueWork;
  readonly feedPruner: FeedPruner;
  readonly lastUsages: LastUsages;
  readonly credentialUsages: CredentialUsages;
  /** Counts requests of KMS for whoever is charged for them. */
  readonly requestMeter: RequestMeter;
  /** Asks the proxies of external key stores. */
  readonly xks: XksClient;
  /** CloudHSM clusters, and the tokens that they are. */
  readonly clusters: Clusters;
  /** Its connections. */
  readonly post: PostClient;
  readonly healthWatch: HealthWatch;
  /** What this process shows of its root keys; none in `dev`. */
  readonly rootProof: RootProof | undefined;
  readonly signals: Signals;
  readonly auditApi: AuditApi;
  /** Requests of this process. */
  readonly requests: RequestCounters;
  /** What S3 objects hold. */
  readonly bodies: Bodies;
  /** Keeps destructive work waiting after a start. */
  readonly guard: DestructionGuard;
  /** Sees to the records of nodes that are gone, where several share a database. */
  readonly adoption: Adoption | undefined;
}

/** Starts what one process of a server does for all of them. */
export function startBackground({
  dueWork,
  feedPruner,
  healthWatch,
  signals,
  auditApi,
}: Pick<ServerParts, "dueWork" | "feedPruner" | "healthWatch" | "signals" | "auditApi">): void {
  healthWatch.start();
  dueWork.start();
  feedPruner.start();
  signals.start();
  auditApi.start();
}

/** Opens what a process of a server needs beside its listeners. */
export async function openParts(config: ServerConfig): Promise<ServerParts> {
  const { kind, clock, log, worker } = config;
  const slot = auditSlotOf(config);
  const store = await openStore(config, {
    lock: "server",
    clock,
    slot,
    warn: (text, cause) => (cause === undefined ? log.warn({}, text) : log.error({ err: cause }, text)),
    ...(worker && { worker }),
  });
  try {
    if (worker === undefined && config.directory !== undefined) requireNoWorkers(config.directory);
    const custody = await openCustody({
      store: domainKeyStore(store, clock),
      rootKeys: config.rootKeys,
      clock,
      singleRootKey: kind === "dev",
      publicFingerprints: kind === "dev",
      incarnation: store.incarnation,
      ...(worker && { processes: worker.workers }),
      ...(config.readyPairs !== undefined && { readyPairs: config.readyPairs }),
      warn: (text) => log.warn?.({}, text),
    });
    store.onChange((changed, [, keyId]) => {
      if ((changed === "key" || changed === "material") && keyId !== undefined) custody.forget(keyId);
    });
    store.onReset(() => custody.forgetAll());
    const memory = config.directory === undefined ? new MemorySink() : undefined;
    const sinks = auditSinks(config, store, memory); // may refuse, so it comes before whatever has timers
    const lastUsages = await openLastUsages({
      store,
      clock,
      onError: (cause) => log.error({ err: cause }, "The last use of keys could not be written."),
    });
    const credentialUsages = new CredentialUsages({
      store,
      onError: (cause) => log.error({ err: cause }, "The last use of access keys could not be written."),
    });
    const requestMeter = new RequestMeter({
      store,
      onError: (cause) => log.error({ err: cause }, "Counts of requests could not be written."),
    });
    const signals = openSignals({ ...config, store });
    const recorder = createRecorder({
      store,
      sinks,
      slot,
      syncEveryAppend: config.auditSync,
      movesOutbox: worker === undefined || config.database !== undefined,
      appended: (entry, records) => {
        lastUsages.note(entry, records);
        signals.uses.note(entry);
      },
      enlisted: (tx, entry, records) => signals.bus.sendRecords(tx, entry, records),
      onError: (cause) => log.error({ err: cause }, "Audit records could not be moved to their segment."),
    });
    const {
      keyStores: settings = NO_SETTINGS,
      outboundAllowed = [],
      keyStoreMeter: meter = signals.keyStoreMeter,
    } = config;
    const post = new PostClient({ certificates: settings.certificates, allowed: outboundAllowed });
    const xks = new XksClient({ post, custody, settings, meter, machineClock: systemClock });
    const clusters = new Clusters(settings.clusters, custody.tokens);
    clusters.follow(store, (cause) => log.error({ err: cause }, "A CloudHSM cluster could not be logged out of."));
    const healthWatch = new HealthWatch({
      store,
      xks,
      onError: (cause) => log.error({ err: cause }, "The health of external key stores could not be asked for."),
    });
    const bodies = openBodies(config);
    const guard = new DestructionGuard(clock, () => performance.now());
    const dueWork = new DueWork({
      store,
      clock,
      handlers: new Map<string, DueHandler>([
        [DELETE_KEY, deleteKeyWhenDue(recorder, () => eraseLog(store))],
        [ROTATE_KEY, rotateKeyWhenDue({ store, custody, recorder })],
        [EXPIRE_MATERIAL, expireMaterialWhenDue(recorder, () => eraseLog(store))],
        [ERASE_MATERIAL, eraseMaterialWhenDue(() => eraseLog(store))],
        [SETTLE_KEY, settleKeyWhenDue()],
        [SETTLE_KEY_STORE, settleKeyStoreWhenDue({ store, xks, clusters })],
        [SETTLE_BACKING_KEY, settleBackingKeyWhenDue({ store, clusters, recorder })],
        ...objectHandlers(bodies),
        [DELETE_SECRET, deleteSecretWhenDue(recorder)],
        [PARAMETER_POLICY, actOnPoliciesWhenDue({ recorder, bus: signals.bus })],
      ]),
      ...(kind === "serve" && { mayDestroy: () => guard.mayDestroy() }),
      onError: (cause) => log.error({ err: cause }, "Due work failed and will be tried again."),
    });
    const feedPruner = new FeedPruner({
      store,
      onError: (cause) => log.error({ err: cause }, "Old entries of the change feed could not be removed."),
    });
    const rootProof =
      kind === "serve"
        ? await RootProof.begin({
            store,
            recipients: custody.recipients,
            clock,
            kind: "serve",
            onError: (cause) => log.error({ err: cause }, "What this process shows of its root keys is out of date."),
          })
        : undefined;
    const adoption = slot === "" ? undefined : adoptionOf(slot, { store, recorder, log });
    const parts = {
      store,
      custody,
      recorder,
      dueWork,
      feedPruner,
      lastUsages,
      credentialUsages,
      requestMeter,
      xks,
      clusters,
      post,
      healthWatch,
      rootProof,
      signals,
      requests: new RequestCounters(),
      bodies,
      guard,
      adoption,
    };
    const auditApi = openAuditApi({
      ...{ store, custody, recorder, clock, log, slot },
      records: memory ?? config.directory ?? "",
      isWorker: worker !== undefined,
      trailDirectory: config.trailDirectory,
      services: async () => (await import("./services.ts")).trailServicesOf(config, parts),
    });
    return { ...parts, auditApi };
  } catch (cause) {
    await store.close();
    throw cause;
  }
}

function adoptionOf(
  slot: string,
  { store, recorder, log }: { store: Store; recorder: AuditRecorder; log: Log },
): Adoption {
  return new Adoption({
    store,
    slot,
    flush: () => recorder.flush(),
    onError: (cause) => log.error({ err: cause }, "Records of another node could not be taken over."),
  });
}

/** Whose the records of this process are, where others write to the same database; empty where nobody does. */
function auditSlotOf({ directory, database, worker }: ServerConfig): string {
  if (directory === undefined || database === undefined) return "";
  return slotOf(slotDirectory(directory, worker?.slot ?? PRIMARY_SLOT));
}

/** Writes what is left to write, and closes. */
export async function closeParts({
  store,
  custody,
  recorder,
  dueWork,
  feedPruner,
  lastUsages,
  credentialUsages,
  requestMeter,
  clusters,
  post,
  healthWatch,
  rootProof,
  signals,
  auditApi,
  adoption,
  bodies,
}: ServerParts): Promise<void> {
  adoption?.[Symbol.dispose]();
  await auditApi.stop();
  await signals.stop();
  await healthWatch.stop();
  await dueWork.stop();
  clusters.tokens.close();
  await feedPruner.stop();
  await recorder.close();
  await lastUsages.close();
  await signals.metricRecorder.close();
  await credentialUsages.close();
  await requestMeter.close();
  await rootProof?.close();
  await store.close();
  await bodies.close();
  post.close();
  custody.close();
}

/**
 * Opens what comes next with these root keys and no others, and shows it.
 *
 * @returns the ids of those that open the store
 * @throws WrongRootKeyError none does; everything stays as it was
 */
export async function takeRootKeys(
  { custody, rootProof }: Pick<ServerParts, "custody" | "rootProof">,
  rootKeys: readonly RootKey[],
): Promise<readonly string[]> {
  await custody.recipients.take(rootKeys);
  await rootProof?.renew();
  return await custody.recipients.held();
}
