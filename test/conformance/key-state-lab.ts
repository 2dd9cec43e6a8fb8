/** Keys in every state, for the tests of the key-state table. */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { KMS } from "@aws-sdk/client-kms";
import { updateKey } from "../../src/storage/keys.ts";
import type { KeyState } from "../../src/storage/schema.ts";
import type { Store } from "../../src/storage/store.ts";
import { TemporaryDirectory } from "../faults/processes.ts";
import { type HeldServer, openBeside, startHeld } from "../held-server.ts";
import { randomMaterial, type Wrapped, wrapFor } from "../key-material.ts";
import { bytes, describedKey, newKey, present, REGION } from "../kms-client.ts";
import { MOMENT_MS } from "../multi-region-keys.ts";
import {
  authenticated,
  callsOf,
  ELSEWHERE,
  EncapsulationAlgorithm,
  FOR_EVER,
  GRANTEE,
  type Needs,
  type StateCall,
  type Subject,
  signed,
} from "./key-state-calls.ts";

export type { KeyState };

/** A key to be had. */
export interface Wanted {
  readonly needs: Needs;
  readonly state: KeyState;
  readonly origin: string;
}

const NOTHING_WRAPPED: Wrapped = { ImportToken: bytes(9), EncryptedKeyMaterial: bytes(9) };

/** States that pass by themselves: no key stays in one for a second test. */
const PASSING: readonly KeyState[] = ["Creating", "Updating"];

/**
 * A server whose clock stands still, and its store opened beside it. Keys come into a state by the operations that lead there;
 * what no operation leads to (a key store that is unavailable, a primary that is being created) is put into the row.
 */
export class StateLab {
  readonly kms: KMS;
  readonly calls: readonly StateCall[];
  readonly #server: HeldServer;
  readonly #store: Store;
  readonly #directory: TemporaryDirectory;
  readonly #material = randomMaterial(32);
  readonly #newMaterial = randomMaterial(32);
  readonly #subjects = new Map<string, Promise<Subject>>();

  private constructor(parts: {
    server: HeldServer;
    store: Store;
    directory: TemporaryDirectory;
    calls: readonly StateCall[];
  }) {
    this.kms = parts.server.client(REGION);
    this.calls = parts.calls;
    this.#server = parts.server;
    this.#store = parts.store;
    this.#directory = parts.directory;
  }

  static async start(): Promise<StateLab> {
    const directory = new TemporaryDirectory();
    const server = await startHeld({ directory: directory.path });
    const clock = { now: () => server.now() };
    const store = await openBeside(directory.path, clock);
    const calls = await callsOf(server.client(REGION), server.client(ELSEWHERE));
    return new StateLab({ server, store, directory, calls });
  }

  async stop(): Promise<void> {
    await this.#store.close();
    await this.#server.stop();
    this.#directory[Symbol.dispose]();
  }

  /** A key of that kind, for calls that are refused and change nothing: one for all of them. */
  subject(wanted: Wanted): Promise<Subject> {
    if (PASSING.includes(wanted.state)) return this.newSubject(wanted);
    const name = JSON.stringify(wanted);
    const subject = this.#subjects.get(name) ?? this.newSubject(wanted);
    this.#subjects.set(name, subject);
    return subject;
  }

  /** A key of its own. */
  async newSubject(wanted: Wanted): Promise<Subject> {
    const { needs, origin } = wanted;
    const plan = planOf(wanted);
    const home = this.#server.client(plan.home);
    const { KeyId } = await newKey(home, {
      ...needs.kind,
      ...(plan.related && { MultiRegion: true }),
      ...(origin === "EXTERNAL" && { Origin: origin }),
    });
    const isImported = origin === "EXTERNAL" && needs.kind?.KeySpec === undefined;
    let wrapped = isImported ? await this.#import(home, KeyId) : NOTHING_WRAPPED;
    const made = origin === "EXTERNAL" && !isImported ? {} : await this.#use(home, KeyId, needs.kind?.KeyUsage);
    if (plan.related) await home.replicateKey({ KeyId, ReplicaRegion: plan.home === REGION ? ELSEWHERE : REGION });
    const isThere = !plan.related || !plan.isNew;
    if (plan.related && isThere) await this.#server.advance(MOMENT_MS);
    if (isImported && plan.home !== REGION && isThere && !plan.lacksMaterial)
      wrapped = await this.#import(this.kms, KeyId);
    if (isImported && needs.waiting === true && isThere) await this.#importNew(KeyId, plan);
    const AliasName = `alias/state-${randomUUID()}`;
    await this.kms.createAlias({ AliasName, TargetKeyId: KeyId });
    const { Arn, KeyState } = await describedKey(this.kms, KeyId);
    const grant = { KeyId, GranteePrincipal: GRANTEE, Operations: ["DescribeKey" as const] };
    const { GrantId = "" } = KeyState === "Enabled" ? await this.kms.createGrant(grant) : {};
    await this.#bring(KeyId, wanted);
    return { KeyId, Arn, AliasName, GrantId, wrapped, CiphertextBlob: bytes(1), proof: bytes(1), ...made };
  }

  async #import(kms: KMS, KeyId: string): Promise<Wrapped> {
    const wrapped = await wrapFor(kms, KeyId, this.#material);
    await kms.importKeyMaterial({ KeyId, ...wrapped, ...FOR_EVER });
    return wrapped;
  }

  /** Imports new material into a key, and after that into the one that is related to it. */
  async #importNew(KeyId: string, { home, related }: Plan): Promise<void> {
    for (const region of related ? [home, home === REGION ? ELSEWHERE : REGION] : [home]) {
      const kms = this.#server.client(region);
      const ImportType = region === home ? "NEW_KEY_MATERIAL" : "EXISTING_KEY_MATERIAL";
      await kms.importKeyMaterial({
        KeyId,
        ...(await wrapFor(kms, KeyId, this.#newMaterial)),
        ...FOR_EVER,
        ImportType,
      });
    }
  }

  async #use(kms: KMS, KeyId: string, usage: string | undefined): Promise<Partial<Subject>> {
    switch (usage) {
      case "SIGN_VERIFY":
        return { proof: present((await kms.sign({ KeyId, ...signed })).Signature) };
      case "GENERATE_VERIFY_MAC":
        return { proof: present((await kms.generateMac({ KeyId, ...authenticated })).Mac) };
      case "ENCAPSULATE_DECAPSULATE": {
        const { SharedSecretCiphertextBlob } = await kms.encapsulate({ KeyId, EncapsulationAlgorithm });
        return { CiphertextBlob: present(SharedSecretCiphertextBlob) };
      }
      case "KEY_AGREEMENT":
        return {};
      default: {
        const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext: bytes(16) });
        return { CiphertextBlob: present(CiphertextBlob) };
      }
    }
  }

  /** By its operation where there is one. */
  async #bring(KeyId: string, { needs, state, origin }: Wanted): Promise<void> {
    const { kms } = this;
    const { KeyState } = await describedKey(kms, KeyId);
    if (KeyState !== state) {
      switch (state) {
        case "Disabled":
          await kms.disableKey({ KeyId });
          break;
        case "PendingImport":
          await kms.deleteImportedKeyMaterial({ KeyId });
          break;
        case "PendingDeletion":
        case "PendingReplicaDeletion":
          if (isPlaced(state, needs)) await this.#place(KeyId, { state });
          else await kms.scheduleKeyDeletion({ KeyId });
          break;
        case "Updating": {
          const [from, PrimaryRegion] = needs.role === "replica" ? [REGION, ELSEWHERE] : [ELSEWHERE, REGION];
          await this.#server.client(from).updatePrimaryRegion({ KeyId, PrimaryRegion });
          break;
        }
        default:
          await this.#place(KeyId, { state });
      }
    }
    if (origin === "AWS_CLOUDHSM") await this.#place(KeyId, { origin });
    assert.equal((await describedKey(kms, KeyId)).KeyState, state);
  }

  async #place(KeyId: string, columns: Parameters<typeof updateKey>[2]): Promise<void> {
    await this.#store.transaction((tx) => updateKey(tx, { region: REGION, key_id: KeyId }, columns));
  }
}

/** States that no operation leads to, for a key of that role or with a grant. */
function isPlaced(state: KeyState, { role, grant }: Needs): boolean {
  if (state === "Unavailable") return true;
  if (state === "PendingDeletion" || state === "Creating")
    return role === "primary" || (state === "Creating" && grant === true);
  return state === "PendingReplicaDeletion" && role === "replica";
}

/** Where a key's set begins, and how far it gets before its last step. */
interface Plan {
  /** The Region in which the key is made; the key in the state is in REGION. */
  readonly home: string;
  readonly related: boolean;
  /** Whether the replica is still being created. */
  readonly isNew: boolean;
  /** Whether the replica is to wait for its import. */
  readonly lacksMaterial: boolean;
}

function planOf({ needs, state }: Wanted): Plan {
  const { role } = needs;
  const isNew = state === "Creating" && !isPlaced(state, needs);
  const changes = state === "Updating";
  const begins = changes ? role !== "replica" : role === "replica";
  return {
    home: isNew || begins ? ELSEWHERE : REGION,
    related: role !== undefined || isNew || changes || state === "PendingReplicaDeletion",
    isNew,
    lacksMaterial: state === "PendingImport",
  };
}
