/** A domain key store in memory, with the seams that tests need. */

import type { DomainKeyStore, Purpose, StoredDomainKey, StoredRecipient } from "../../src/custody/custody.ts";

/** Rows may be read and replaced by the test; every call waits a turn, as a database would. */
export class MemoryDomainKeyStore implements DomainKeyStore {
  recipientRows: StoredRecipient[] = [];
  keys: StoredDomainKey[] = [];
  secrets = new Map<string, Uint8Array>();

  async recipients(): Promise<readonly StoredRecipient[]> {
    await turn();
    return [...this.recipientRows];
  }

  async load(region: string, purpose: Purpose): Promise<readonly StoredDomainKey[]> {
    await turn();
    return this.keys.filter((key) => key.region === region && key.purpose === purpose);
  }

  async loadAll(): Promise<readonly StoredDomainKey[]> {
    await turn();
    return [...this.keys];
  }

  async addRecipients(recipients: readonly StoredRecipient[], keys: readonly StoredDomainKey[]): Promise<boolean> {
    await turn();
    if (!this.keys.every((key) => keys.some((other) => isSame(other, key)))) return false;
    this.keys = this.keys.map((key) => ({
      ...key,
      copies: [...key.copies, ...(keys.find((other) => isSame(other, key))?.copies ?? [])],
    }));
    this.recipientRows.push(...recipients);
    return true;
  }

  async findSecret(name: string): Promise<Uint8Array | undefined> {
    await turn();
    return this.secrets.get(name);
  }

  async replaceStoreRows(
    recipients: readonly StoredRecipient[],
    secrets: readonly { readonly name: string; readonly sealed: Uint8Array }[],
  ): Promise<void> {
    await turn();
    this.recipientRows = this.recipientRows.map((row) => recipients.find(({ id }) => id === row.id) ?? row);
    for (const { name, sealed } of secrets) this.secrets.set(name, sealed);
  }

  async insert(key: StoredDomainKey, recipients: readonly StoredRecipient[] = []): Promise<boolean> {
    await turn();
    if (this.keys.some((other) => isSame(other, key))) return false;
    const sealedTo = new Set(key.copies.map(({ recipient }) => recipient));
    const there = recipients.length > 0 ? recipients : this.recipientRows;
    if (there.length !== sealedTo.size || !there.every(({ id }) => sealedTo.has(id))) return false;
    this.keys.push(key);
    this.recipientRows.push(...recipients);
    return true;
  }

  async erase({ region, purpose, before }: { region: string; purpose: Purpose; before: number }): Promise<void> {
    await turn();
    const isOld = (key: StoredDomainKey) =>
      isSame(key, { region, purpose, version: key.version }) && key.version < before;
    this.keys = this.keys.filter((key) => !isOld(key));
  }

  async reserveSeals(key: { region: string; purpose: Purpose; version: number }, count: number): Promise<number> {
    await turn();
    const index = this.keys.findIndex((other) => isSame(other, key));
    const found = this.keys[index];
    if (found === undefined) throw new Error("No such domain key");
    this.keys[index] = { ...found, seals: found.seals + count };
    return found.seals;
  }

  /** Replaces rows: what somebody who can write the database could do. */
  change(purpose: Purpose, changed: (key: StoredDomainKey) => StoredDomainKey): void {
    this.keys = this.keys.map((key) => (key.purpose === purpose ? changed(key) : key));
  }
}

type Name = Pick<StoredDomainKey, "region" | "purpose" | "version">;

function isSame(left: Name, right: Name): boolean {
  return left.region === right.region && left.purpose === right.purpose && left.version === right.version;
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
