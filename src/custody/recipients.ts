/** The root keys that a store is sealed to: how one is added, and how all of them are checked (docs/ciphertext.md). */

import { createSecretKey } from "node:crypto";
import type { DomainKeyStore, StoredDomainKey } from "./custody.ts";
import { openCopy, type Recipient, sealCopy } from "./domain-key-copy.ts";
import type { DomainKeys } from "./domain-keys.ts";
import { Nonces } from "./nonces.ts";
import type { RootKey } from "./root-key.ts";
import { SealedRowError } from "./seal.ts";
import { Secret } from "./secret.ts";

/** Rounds in which other processes may make domain keys while copies are made, before we call it a fault. */
const ROUNDS_MAX = 8;

/** Root keys of one store, by a process that holds one of them. */
export class Recipients {
  readonly #store: DomainKeyStore;
  readonly #domainKeys: DomainKeys;
  readonly #nonces = new Nonces();

  constructor(store: DomainKeyStore, domainKeys: DomainKeys) {
    this.#store = store;
    this.#domainKeys = domainKeys;
  }

  /** The ids of the root keys at hand that open the store as it is now: what a process shows before another is removed. */
  held(): Promise<readonly string[]> {
    return this.#domainKeys.held();
  }

  /**
   * Opens what comes next with these root keys and no others.
   *
   * @throws WrongRootKeyError none of them is a recipient of the store; the root keys that were at hand stay so
   */
  take(rootKeys: readonly RootKey[]): Promise<void> {
    return this.#domainKeys.takeRoots(rootKeys);
  }

  /**
   * Makes root keys recipients: every domain key gets a copy for each of them, in one transaction. A domain key that another
   * process makes meanwhile has a copy for all of them or is made again.
   *
   * @throws SealedRowError a domain key or a recipient was altered
   */
  async add(rootKeys: readonly RootKey[]): Promise<void> {
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const rows = [];
      for (const rootKey of rootKeys) rows.push(await this.#domainKeys.sealRecipient(rootKey));
      const keys: StoredDomainKey[] = [];
      for (const key of await this.#store.loadAll()) {
        using secret = await this.#open(key);
        const copies = rootKeys.map((root) => ({
          recipient: root.id,
          sealed: sealCopy(root, key, secret, this.#nonces),
        }));
        keys.push({ ...key, copies });
      }
      if (await this.#store.addRecipients(rows, keys)) return;
    }
    throw new Error("Other processes made domain keys faster than copies of them could be made");
  }

  /**
   * Opens every copy of every domain key, for every recipient, and compares it with the domain key.
   *
   * @param but recipients that are not looked at
   * @throws SealedRowError a copy is missing, was altered, or is of another key; the message names whose
   */
  async verify(but: readonly string[] = []): Promise<void> {
    const recipients = (await this.#domainKeys.openRecipients()).filter(({ id }) => !but.includes(id));
    for (const key of await this.#store.loadAll()) {
      using secret = await this.#open(key);
      for (const recipient of recipients) requireCopy(recipient, key, secret);
    }
  }

  /** Seals what the `store` domain key seals anew under its newest version. */
  resealStoreRows(): Promise<void> {
    return this.#domainKeys.resealStoreRows();
  }

  /** Sees to it that a domain key has a version that is this one or a later one. */
  async renew({ region, purpose }: Pick<StoredDomainKey, "region" | "purpose">, atLeast: number): Promise<void> {
    await this.#domainKeys.takeDeriving({ region, purpose }, atLeast);
  }

  /** Erases the versions of a domain key before one: what they sealed opens nowhere any more. */
  async eraseBefore({ region, purpose }: Pick<StoredDomainKey, "region" | "purpose">, version: number): Promise<void> {
    await this.#domainKeys.eraseBefore({ region, purpose }, version);
  }

  async #open(key: StoredDomainKey): Promise<Secret> {
    const found = await this.#domainKeys.findDeriving(key, key.version);
    if (found === undefined) throw new SealedRowError(`${named(key)} is not in the store any more`);
    const bytes = found.secret.export();
    const own = new Uint8Array(bytes);
    bytes.fill(0);
    return new Secret(own);
  }
}

function requireCopy(recipient: Recipient, key: StoredDomainKey, secret: Secret): void {
  const copy = key.copies.find((other) => other.recipient === recipient.id);
  using opened = copy && openCopy(recipient, key, copy.sealed);
  if (opened !== undefined && createSecretKey(opened.bytes).equals(createSecretKey(secret.bytes))) return;
  throw new SealedRowError(`${named(key)} has no good copy for root key ${recipient.id}`);
}

function named({ region, purpose, version }: StoredDomainKey): string {
  return `The ${purpose} domain key, version ${version}, Region "${region}",`;
}
