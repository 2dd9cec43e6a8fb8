/** Domain keys: made on demand, sealed to every root key, opened once and counted (DESIGN §6). */

import { createSecretKey, type KeyObject } from "node:crypto";
import { OperatorError } from "../base/errors.ts";
import type { DomainKeyStore, Purpose, StoredDomainKey, StoredRecipient } from "./custody.ts";
import { DOMAIN_KEY_BYTES, type DomainKeyName, openCopy, type Recipient, sealCopy } from "./domain-key-copy.ts";
import { deriveKey } from "./kdf.ts";
import { Nonces } from "./nonces.ts";
import type { RootKey } from "./root-key.ts";
import { findSealVersion, openRow, SealedRowError, sealRow } from "./seal.ts";
import { Secret } from "./secret.ts";

/** Seals reserved at a time: what a process that dies leaves unused. */
export const SEAL_BLOCK = 65_536;
/** A version makes way for the next one here; with random IVs the limit is 2³² (SP 800-38D, 8.3). */
export const SEALS_MAX = 2 ** 31;
/** Rounds in which other processes may be faster at making the same version before we call it a fault. */
const ROUNDS_MAX = 8;
const NO_CONTEXT = new Uint8Array(0);
const STORE = { region: "", purpose: "store" } as const;
/** The name of the fingerprint key among the secrets of the deployment. */
const FINGERPRINT = "fingerprint";

/** No root key given opens this store. The message names ids of root keys, which reveal nothing. */
export class WrongRootKeyError extends OperatorError {
  override readonly name = "WrongRootKeyError";
}

/** One opened version as a key of the KDF. */
export interface DerivingKey {
  readonly version: number;
  /** The domain key itself: only ever a key of the KDF. */
  readonly secret: KeyObject;
}

/** One opened version. */
interface DomainKey extends DerivingKey {
  /** The AES-256-GCM key of its sealed rows (Label `keystead/domain/seal/1`). */
  readonly sealing: KeyObject;
}

/** One (Region, purpose) with the versions that are open here. */
interface Domain {
  readonly region: string;
  readonly purpose: Purpose;
  readonly versions: Map<number, DomainKey>;
  /** The version that seals now, and how many reserved seals are left of it. */
  current: { readonly key: DomainKey; left: number } | undefined;
  /** The one refill under way. */
  refill: Promise<void> | undefined;
}

/** Opens, makes and counts the domain keys of one store. */
export class DomainKeys {
  readonly #store: DomainKeyStore;
  /** Tried in this order; some of them may not be recipients yet. */
  #roots: readonly RootKey[];
  readonly #nonces: Nonces;
  readonly #domains = new Map<string, Domain>();

  private constructor(store: DomainKeyStore, roots: readonly RootKey[], nonces: Nonces) {
    this.#store = store;
    this.#roots = roots;
    this.#nonces = nonces;
  }

  /**
   * Opens a store's domain keys, and gives an empty store its first one with `rootKeys` as recipients. Of a store that
   * exists one of them has to be a recipient: the others may become recipients later.
   *
   * @throws WrongRootKeyError none of the root keys is a recipient of this store
   * @throws SealedRowError a copy or a recipient was altered
   * @throws Error the store is empty and only one root key was given without `singleRootKey`
   */
  static async open({
    store,
    rootKeys,
    singleRootKey,
  }: {
    readonly store: DomainKeyStore;
    readonly rootKeys: readonly RootKey[];
    readonly singleRootKey: boolean;
  }): Promise<DomainKeys> {
    if (rootKeys.length === 0) throw new WrongRootKeyError("No root key was given");
    const keys = new DomainKeys(store, rootKeys, new Nonces());
    if ((await store.load("", "store")).length === 0) {
      if (new Set(rootKeys.map(({ id }) => id)).size < 2 && !singleRootKey) {
        throw new Error("A new store needs two different root keys, so that losing one does not lose everything");
      }
      await keys.#found(rootKeys);
    }
    await keys.takeRoots(rootKeys);
    await keys.openRecipients();
    return keys;
  }

  /**
   * Opens what comes next with these root keys and no others.
   *
   * @throws WrongRootKeyError none of them is a recipient of the store; the root keys that were at hand stay so
   */
  async takeRoots(rootKeys: readonly RootKey[]): Promise<void> {
    const recipients = await this.#store.recipients();
    if (!rootKeys.some(({ id }) => recipients.some((recipient) => recipient.id === id))) {
      const given = rootKeys.map(({ id, kind }) => `${id} (${kind})`).join(", ");
      const known = recipients.map(({ id, kind }) => `${id} (${kind})`).join(", ");
      throw new WrongRootKeyError(`Root key ${given} does not open this store, which is sealed to: ${known || "none"}`);
    }
    this.#roots = rootKeys;
  }

  /** The ids of the root keys at hand that open the newest `store` domain key as it is in the store now. */
  async held(): Promise<readonly string[]> {
    const newest = (await this.#store.load("", "store")).at(-1);
    const opens = (root: RootKey): boolean => {
      const copy = newest?.copies.find(({ recipient }) => recipient === root.id);
      using secret = newest && copy && openCopy(root, newest, copy.sealed);
      return secret !== undefined;
    };
    return this.#roots.filter(opens).map(({ id }) => id);
  }

  /**
   * Seals a secret in the newest version of a domain key, making that version where needed, and counts the seal.
   *
   * @param fields what the row is, beside purpose and version (seal.ts)
   * @param plaintext borrowed
   */
  async seal(
    { region, purpose }: { readonly region: string; readonly purpose: Purpose },
    fields: readonly string[],
    plaintext: Uint8Array,
  ): Promise<{ readonly version: number; readonly sealed: Uint8Array }> {
    const { version, sealing } = await this.#take(this.#domain(region, purpose));
    return { version, sealed: sealRow(sealing, { purpose, version }, { fields, plaintext, nonces: this.#nonces }) };
  }

  /**
   * Opens a sealed row.
   *
   * @throws SealedRowError it was altered, belongs to another row, or its domain key is not in the store
   */
  async unseal(
    { region, purpose }: { readonly region: string; readonly purpose: Purpose },
    fields: readonly string[],
    sealed: Uint8Array,
  ): Promise<Secret> {
    const version = findSealVersion(sealed);
    const key = version === undefined ? undefined : await this.#find(this.#domain(region, purpose), version);
    const opened = key && openRow(key.sealing, { purpose, version: key.version }, { fields, sealed });
    if (opened === undefined) {
      throw new SealedRowError(
        `A sealed ${purpose} row does not open: ${fields.filter((field) => field !== "").join(", ")}`,
      );
    }
    return new Secret(opened);
  }

  /**
   * A domain key as a key of the KDF, for what is sealed under keys of its own; counted as one seal.
   *
   * @param atLeast the version is this one or a later one; it is made where there is none yet
   */
  async takeDeriving(
    { region, purpose }: { readonly region: string; readonly purpose: Purpose },
    atLeast: number,
  ): Promise<DerivingKey> {
    return await this.#take(this.#domain(region, purpose), atLeast);
  }

  /** The version of a domain key that derived a key before, or undefined when it is not in the store. */
  async findDeriving(
    { region, purpose }: { readonly region: string; readonly purpose: Purpose },
    version: number,
  ): Promise<DerivingKey | undefined> {
    return await this.#find(this.#domain(region, purpose), version);
  }

  /** Erases the versions before one, here and in the store: what they sealed opens nowhere any more. */
  async eraseBefore(
    { region, purpose }: { readonly region: string; readonly purpose: Purpose },
    version: number,
  ): Promise<void> {
    const domain = this.#domain(region, purpose);
    for (const old of domain.versions.keys()) if (old < version) domain.versions.delete(old);
    if (domain.current !== undefined && domain.current.key.version < version) domain.current = undefined;
    await this.#store.erase({ region, purpose, before: version });
  }

  /**
   * A key of the whole deployment, derived for `label` from the oldest version of the `store` domain key: it changes when
   * the domain keys are replaced and at no other time.
   *
   * @returns 32 bytes, the caller's to wipe
   */
  async derive(label: string, context: Uint8Array): Promise<Secret> {
    const domain = this.#domain(STORE.region, STORE.purpose);
    if (domain.versions.size === 0) await this.#load(domain);
    const oldest = domain.versions.get(Math.min(...domain.versions.keys()));
    if (oldest === undefined) throw new SealedRowError("The store has no domain key of its own");
    return new Secret(deriveKey(oldest.secret, label, context, DOMAIN_KEY_BYTES));
  }

  /**
   * The key under which material ids are made, which never changes: derived from the first domain key of the store and, once
   * that is gone, carried as a secret of its own.
   *
   * @returns 32 bytes, the caller's to wipe
   */
  async fingerprintKey(): Promise<Secret> {
    const carried = await this.#store.findSecret(FINGERPRINT);
    if (carried === undefined) return await this.derive("keystead/fingerprint/1", NO_CONTEXT);
    return await this.unseal(STORE, secretFields(FINGERPRINT), carried);
  }

  /**
   * Seals what the `store` domain key itself seals anew under its newest version: the recipients' keys and the fingerprint
   * key, which is from then on a secret of its own.
   */
  async resealStoreRows(): Promise<void> {
    using fingerprint = await this.fingerprintKey();
    const { sealed } = await this.seal(STORE, secretFields(FINGERPRINT), fingerprint.bytes);
    const recipients: StoredRecipient[] = [];
    for (const { id, kind, sealedKey } of await this.#store.recipients()) {
      using key = await this.unseal(STORE, recipientFields(id, kind), sealedKey);
      const row = await this.seal(STORE, recipientFields(id, kind), key.bytes);
      recipients.push({ id, kind, sealedKey: row.sealed });
    }
    await this.#store.replaceStoreRows(recipients, [{ name: FINGERPRINT, sealed }]);
  }

  /** Every recipient with the key that seals its copies. A row that was altered or put in by somebody else does not open. */
  async openRecipients(): Promise<readonly (Recipient & StoredRecipient)[]> {
    const opened: (Recipient & StoredRecipient)[] = [];
    for (const { id, kind, sealedKey } of await this.#store.recipients()) {
      using key = await this.unseal(STORE, recipientFields(id, kind), sealedKey);
      opened.push({ id, kind, sealedKey, sealing: createSecretKey(key.bytes) });
    }
    return opened;
  }

  /** A root key as a row of the recipients. */
  async sealRecipient({ id, kind, sealing }: RootKey): Promise<StoredRecipient> {
    using bytes = new Secret(exported(sealing));
    const { sealed } = await this.seal(STORE, recipientFields(id, kind), bytes.bytes);
    return { id, kind, sealedKey: sealed };
  }

  /**
   * Reads every version of a domain key from the store and opens it, whether or not it is open here.
   *
   * @throws WrongRootKeyError, SealedRowError one has no copy for this root key, or does not open
   * @returns how many there are
   */
  async reopen({ region, purpose }: { readonly region: string; readonly purpose: Purpose }): Promise<number> {
    const stored = await this.#store.load(region, purpose);
    for (const key of stored) this.#openCopy(key);
    return stored.length;
  }

  /** Lets go of every opened key. */
  close(): void {
    this.#domains.clear();
  }

  #domain(region: string, purpose: Purpose): Domain {
    const name = `${purpose}/${region}`;
    const known = this.#domains.get(name);
    if (known !== undefined) return known;
    const domain: Domain = { region, purpose, versions: new Map(), current: undefined, refill: undefined };
    this.#domains.set(name, domain);
    return domain;
  }

  async #find(domain: Domain, version: number): Promise<DomainKey | undefined> {
    if (!domain.versions.has(version)) await this.#load(domain);
    return domain.versions.get(version);
  }

  /** Opens the versions that are not open yet; returns the number of the newest one, or 0. */
  async #load(domain: Domain): Promise<number> {
    const stored = await this.#store.load(domain.region, domain.purpose);
    for (const key of stored) {
      if (!domain.versions.has(key.version)) domain.versions.set(key.version, this.#openCopy(key));
    }
    return Math.max(0, ...stored.map(({ version }) => version));
  }

  /** One seal of the current version, or of a later one when that is too old. */
  async #take(domain: Domain, atLeast = 1): Promise<DomainKey> {
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const { current } = domain;
      if (current !== undefined && current.left > 0 && current.key.version >= atLeast) {
        current.left -= 1;
        return current.key;
      }
      domain.refill ??= this.#refill(domain, atLeast).finally(() => {
        domain.refill = undefined;
      });
      await domain.refill;
    }
    throw new Error(`No seals of the ${domain.purpose} domain key could be reserved`);
  }

  /** Reserves the next block, in a new version when there is none or it has had its share; else leaves it to another round. */
  async #refill(domain: Domain, atLeast: number): Promise<void> {
    domain.current = undefined;
    const newest = await this.#load(domain);
    const key = domain.versions.get(newest);
    if (key !== undefined && newest >= atLeast) {
      const before = await this.#store.reserveSeals({ ...nameOf(domain), version: newest }, SEAL_BLOCK);
      if (before + SEAL_BLOCK <= SEALS_MAX) {
        domain.current = { key, left: SEAL_BLOCK };
        return;
      }
    }
    const recipients = await this.openRecipients();
    if (!this.#roots.some((root) => recipients.some(({ id }) => id === root.id))) {
      throw new WrongRootKeyError(`Root key ${this.#rootIds()} is not a recipient of this store any more`);
    }
    using secret = Secret.random(DOMAIN_KEY_BYTES);
    const made = { ...nameOf(domain), version: Math.max(newest + 1, atLeast), seals: SEAL_BLOCK };
    if (!(await this.#store.insert({ ...made, copies: this.#copies(made, secret, recipients) }))) return;
    const opened = openedKey(made.version, secret);
    domain.versions.set(made.version, opened);
    domain.current = { key: opened, left: SEAL_BLOCK };
  }

  /** Gives an empty store its first domain key and its recipients; what another process was faster with stays. */
  async #found(rootKeys: readonly RootKey[]): Promise<void> {
    const store = { region: "", purpose: "store", version: 1, seals: SEAL_BLOCK } as const;
    using secret = Secret.random(DOMAIN_KEY_BYTES);
    const { sealing } = openedKey(1, secret);
    const recipients = [...new Map(rootKeys.map((root) => [root.id, root])).values()];
    const rows = recipients.map(({ id, kind, sealing: key }): StoredRecipient => {
      using bytes = new Secret(exported(key));
      const row = { fields: recipientFields(id, kind), plaintext: bytes.bytes, nonces: this.#nonces };
      return { id, kind, sealedKey: sealRow(sealing, store, row) };
    });
    await this.#store.insert({ ...store, copies: this.#copies(store, secret, recipients) }, rows);
  }

  #copies(name: DomainKeyName, secret: Secret, recipients: readonly Recipient[]): StoredDomainKey["copies"] {
    return recipients.map((recipient) => ({
      recipient: recipient.id,
      sealed: sealCopy(recipient, name, secret, this.#nonces),
    }));
  }

  #openCopy(key: StoredDomainKey): DomainKey {
    const named = `The ${key.purpose} domain key, version ${key.version}, Region "${key.region}",`;
    for (const root of this.#roots) {
      const sealed = key.copies.find(({ recipient }) => recipient === root.id)?.sealed;
      if (sealed === undefined) continue;
      using secret = openCopy(root, key, sealed);
      if (secret === undefined) throw new SealedRowError(`${named} does not open with root key ${root.id}`);
      return openedKey(key.version, secret);
    }
    throw new WrongRootKeyError(`${named} has no copy for root key ${this.#rootIds()}`);
  }

  #rootIds(): string {
    return this.#roots.map(({ id }) => id).join(", ");
  }
}

function nameOf({ region, purpose }: Domain): { readonly region: string; readonly purpose: Purpose } {
  return { region, purpose };
}

function openedKey(version: number, bytes: Secret): DomainKey {
  const secret = createSecretKey(bytes.bytes);
  using sealing = new Secret(deriveKey(secret, "keystead/domain/seal/1", NO_CONTEXT, DOMAIN_KEY_BYTES));
  return { version, secret, sealing: createSecretKey(sealing.bytes) };
}

function recipientFields(id: string, kind: string): readonly string[] {
  return ["recipient", id, kind];
}

function secretFields(name: string): readonly string[] {
  return ["deployment-secret", name];
}

function exported(key: KeyObject): Uint8Array {
  const bytes = key.export();
  const own = new Uint8Array(bytes);
  bytes.fill(0);
  return own;
}
