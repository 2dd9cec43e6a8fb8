/** A server with external key stores in reach: proxies, VPC endpoint services, two accounts, and a clock that is moved. */

import { KMS } from "@aws-sdk/client-kms";
import type { Place } from "../../src/base/outbound-post.ts";
import { DEV_ACCOUNT, ensureAccount } from "../../src/cli/accounts.ts";
import type { ServerConfig } from "../../src/cli/parts.ts";
import { parseQuotas } from "../../src/cli/quotas-file.ts";
import type { Exchange, KeyStoreMeter } from "../../src/kms/key-stores/meter.ts";
import { type KeyStoreSettings, NO_SETTINGS, type VpcEndpointService } from "../../src/kms/key-stores/places.ts";
import type { AccessKey } from "../faults/signed-requests.ts";
import { type HeldServer, startHeld } from "../held-server.ts";
import { ACCOUNT, OTHER_ACCOUNT, present, REGION } from "../kms-client.ts";
import { newExternalKey, PROXY_CREDENTIAL, PROXY_PATH, XksProxy } from "../xks-proxy.ts";

/** More than a connection takes to settle. */
export const MOMENT_MS = 5_000;

/** A machine that is busy must not look like a proxy that is late. */
const PATIENT_MS = 60_000;

const OTHER = {
  id: OTHER_ACCOUNT,
  name: "other",
  credential: { accessKeyId: "AKIAEXAMPLEACCOUNT02", secretAccessKey: "a/secret/for/the/second/account" },
} as const;

/** Everything that a meter was told. */
export class CountingMeter implements KeyStoreMeter {
  readonly throttles: string[] = [];
  /** Of the stores that were throttled. */
  readonly types = new Set<string>();
  readonly exchanges: Exchange[] = [];
  readonly states: string[] = [];
  readonly certificates: { readonly name: string; readonly validTo: number }[] = [];
  throttled(keyStoreId: string, kmsOperation: string, type: string): void {
    this.throttles.push(`${keyStoreId} ${kmsOperation}`);
    this.types.add(type);
  }
  exchanged(exchange: Exchange): void {
    this.exchanges.push(exchange);
  }
  health(keyStoreId: string, states: object): void {
    this.states.push(`${keyStoreId} ${JSON.stringify(states)}`);
  }
  certificate(_keyStoreId: string, certificate: { readonly name: string; readonly validTo: number }): void {
    this.certificates.push(certificate);
  }
}

/** What a public store is made of; each host leads to the same proxy. */
export interface StoreInput {
  readonly name: string;
  readonly host?: string;
  readonly path?: string;
}

export interface KeyStoreWorld extends AsyncDisposable {
  readonly held: HeldServer;
  readonly proxy: XksProxy;
  readonly meter: CountingMeter;
  readonly kms: KMS;
  client(account: string, region?: string): KMS;
  /** The root access key of an account. */
  credentialsOf(account: string): AccessKey;
  /** Makes a store at a public endpoint and returns its id. */
  newStore(kms: KMS, input: StoreInput): Promise<string>;
  /** Makes a store and connects it. */
  newConnected(kms: KMS, input: StoreInput): Promise<string>;
  /** Asks to connect, and lets the time pass that it takes. */
  connect(kms: KMS, CustomKeyStoreId: string): Promise<void>;
  disconnect(kms: KMS, CustomKeyStoreId: string): Promise<void>;
  /** Makes an external key and a key of a connected store with it, and returns its id. */
  newKey(kms: KMS, CustomKeyStoreId: string, xksKeyId: string): Promise<string>;
}

export interface WorldOptions {
  readonly quotas?: string;
  readonly settings?: Partial<KeyStoreSettings>;
  readonly services?: readonly Omit<VpcEndpointService, "place">[];
  readonly directory?: string;
  readonly config?: Partial<ServerConfig>;
  readonly proxy?: XksProxy;
  /** Counts for CloudWatch, as a server does, and nothing for the tests' own meter. */
  readonly countsForCloudWatch?: true;
}

/** The parameters of a store at a public endpoint. */
export function publicStore({ name, host = "proxy.keys.example.net", path = PROXY_PATH }: StoreInput) {
  return {
    CustomKeyStoreName: name,
    CustomKeyStoreType: "EXTERNAL_KEY_STORE",
    XksProxyConnectivity: "PUBLIC_ENDPOINT",
    XksProxyUriEndpoint: `https://${host}`,
    XksProxyUriPath: path,
    XksProxyAuthenticationCredential: PROXY_CREDENTIAL,
  } as const;
}

/** Every host leads to the proxy. */
class EveryHost extends Map<string, Place> {
  readonly #place: Place;
  constructor(place: Place) {
    super();
    this.#place = place;
  }
  override get(host: string): Place | undefined {
    return host.endsWith(".nowhere.example.net") ? undefined : this.#place;
  }
}

export async function startKeyStoreWorld(options: WorldOptions = {}): Promise<KeyStoreWorld> {
  const proxy = options.proxy ?? (await XksProxy.start());
  const meter = new CountingMeter();
  const place = { address: "127.0.0.1", port: proxy.port, tls: false };
  const services = (options.services ?? []).map((service) => [service.name, { ...service, place }] as const);
  const held = await startHeld({
    ...(options.directory !== undefined && { directory: options.directory }),
    config: {
      keyStores: {
        ...NO_SETTINGS,
        hosts: new EveryHost(place),
        services: new Map(services),
        timeoutMs: PATIENT_MS,
        ...options.settings,
      },
      ...(options.countsForCloudWatch === undefined && { keyStoreMeter: meter }),
      ...(options.quotas !== undefined && { quotas: { increases: "approve", ...parseQuotas(options.quotas) } }),
      async prepare(parts) {
        const now = Date.now();
        await ensureAccount(parts, DEV_ACCOUNT, now);
        await ensureAccount(parts, OTHER as unknown as typeof DEV_ACCOUNT, now);
      },
      ...options.config,
    },
  });
  const made: KMS[] = [];
  const credentialsOf = (account: string): AccessKey =>
    account === ACCOUNT ? DEV_ACCOUNT.credential : OTHER.credential;
  const client = (account: string, region = REGION): KMS => {
    const credentials = credentialsOf(account);
    const kms = new KMS({ endpoint: held.address.endpoint, region, credentials, maxAttempts: 1 });
    made.push(kms);
    return kms;
  };
  const settle = () => held.advance(MOMENT_MS);
  const world = {
    held,
    proxy,
    meter,
    kms: client(ACCOUNT),
    client,
    credentialsOf,
    async newStore(kms: KMS, input: StoreInput) {
      return present((await kms.createCustomKeyStore(publicStore(input))).CustomKeyStoreId);
    },
    async newConnected(kms: KMS, input: StoreInput) {
      const id = await world.newStore(kms, input);
      await world.connect(kms, id);
      return id;
    },
    async connect(kms: KMS, CustomKeyStoreId: string) {
      await kms.connectCustomKeyStore({ CustomKeyStoreId });
      await settle();
    },
    async disconnect(kms: KMS, CustomKeyStoreId: string) {
      await kms.disconnectCustomKeyStore({ CustomKeyStoreId });
      await settle();
    },
    async newKey(kms: KMS, CustomKeyStoreId: string, XksKeyId: string) {
      if (!proxy.keys.has(XksKeyId)) proxy.keys.set(XksKeyId, newExternalKey());
      const { KeyMetadata } = await kms.createKey({ Origin: "EXTERNAL_KEY_STORE", CustomKeyStoreId, XksKeyId });
      return present(KeyMetadata?.KeyId);
    },
    async [Symbol.asyncDispose]() {
      for (const kms of made) kms.destroy();
      await held.stop();
      await proxy[Symbol.asyncDispose]();
    },
  };
  return world;
}
