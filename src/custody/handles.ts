/** Opened material: kept outside the JavaScript heap, for a while, and only for the row it was opened from. */

import { createHmac, type KeyObject, timingSafeEqual } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import { AgedCache, type CacheLimits } from "./aged-cache.ts";
import { type BlobKey, blobPrefix } from "./blob.ts";
import type { MaterialOwner, SealedMaterial } from "./custody.ts";
import type { DomainKeys } from "./domain-keys.ts";
import type { Pair } from "./key-pairs.ts";
import { lengthsFirst } from "./lengths-first.ts";
import { openMaterial } from "./materials.ts";
import { findSealVersion, SealedRowError } from "./seal.ts";
import type { Secret } from "./secret.ts";

interface Opened {
  /** What it was opened from. */
  readonly row: SealedMaterial;
}

/** Opened material of a symmetric encryption key. */
export interface SymmetricHandle extends Opened, BlobKey {
  readonly kind: "symmetric";
}

/** Opened material of an HMAC key. */
export interface MacHandle extends Opened {
  readonly kind: "mac";
  readonly material: KeyObject;
}

/** An opened key pair. */
export interface PairHandle extends Opened, Pair {
  readonly kind: "pair";
}

/** An opened material, with the row that it was opened from. */
export type Handle = SymmetricHandle | MacHandle | PairHandle;

/** Opens sealed material and keeps it, bounded in number and age. */
export class Handles {
  readonly #domainKeys: DomainKeys;
  readonly #fingerprint: KeyObject;
  readonly #opened: AgedCache<Handle>;
  /** Counts calls of `forget`, so that what was being opened meanwhile isn't kept. */
  #forgotten = 0;

  constructor(domainKeys: DomainKeys, fingerprint: KeyObject, limits: CacheLimits, clock: Clock) {
    this.#domainKeys = domainKeys;
    this.#fingerprint = fingerprint;
    this.#opened = new AgedCache(limits, clock, () => {}); // a KeyObject is released, it can't be wiped
  }

  /** How many handles are open. */
  get size(): number {
    return this.#opened.size;
  }

  /**
   * The handle of a sealed material.
   *
   * @returns the handle at once where it is open
   * @throws SealedRowError the row was altered or moved, or its material has not the id that names it
   */
  open(row: SealedMaterial): Handle | Promise<Handle> {
    const handle = this.#opened.find(nameOf(row));
    return handle !== undefined && isSameRow(handle.row, row) ? handle : this.#open(row);
  }

  /** Drops what is open of a key, in every Region, and what is just being opened is not kept. */
  forget(keyId: string): void {
    this.#forgotten += 1;
    this.#opened.dropWhere(({ row }) => row.keyId === keyId);
  }

  /** Drops everything. */
  clear(): void {
    this.#forgotten += 1;
    this.#opened.dropWhere(() => true);
  }

  /**
   * The bytes of a sealed material, which are the caller's to wipe. Whether they have the id that names them is not checked.
   *
   * @throws SealedRowError the row was altered or moved
   */
  async unseal(row: SealedMaterial): Promise<Secret> {
    if (findSealVersion(row.sealed) !== row.domainVersion) {
      throw new SealedRowError(`Material ${row.materialId} of key ${row.keyId} names another domain key version`);
    }
    const domain = { region: row.region, purpose: "material" } as const;
    return await this.#domainKeys.unseal(domain, materialFields(row, row.materialId), row.sealed);
  }

  async #open({ outer: _outer, ...row }: SealedMaterial): Promise<Handle> {
    const forgotten = this.#forgotten;
    using secret = await this.unseal(row);
    const { opened, identity } = openMaterial(row, secret.bytes);
    const id = Buffer.from(materialId(this.#fingerprint, row, identity));
    const named = Buffer.from(row.materialId);
    if (id.length !== named.length || !timingSafeEqual(id, named)) {
      throw mistaken(row);
    }
    const handle: Handle =
      opened.kind === "symmetric"
        ? {
            kind: "symmetric",
            row,
            material: opened.material,
            prefix: prefixOf(row, opened.material.symmetricKeySize),
          }
        : { row, ...opened };
    if (forgotten === this.#forgotten) this.#opened.put(nameOf(row), handle, row.account);
    return handle;
  }
}

/** Origins of keys in custom key stores, whose blobs are encrypted twice. */
const IN_STORES: readonly string[] = ["AWS_CLOUDHSM", "EXTERNAL_KEY_STORE"];

/** An SM4 key has no external algorithm: custom key stores are not in China Regions. */
function prefixOf(row: SealedMaterial, materialBytes = 32): Uint8Array {
  const external = IN_STORES.includes(row.origin);
  if (external && materialBytes !== 32) throw new Error("Not a material of a custom key store");
  return blobPrefix(row, materialBytes, external);
}

/** The error of material that opens and is not what its id says. */
export function mistaken({ materialId: id, keyId }: SealedMaterial): SealedRowError {
  return new SealedRowError(`Material ${id} of key ${keyId} is not what its id says`);
}

/**
 * The id of a material: HMAC-SHA-256(fingerprint key, lengths-first(key id, spec, identity)) as 64 hex digits.
 *
 * @param identity the raw bytes of symmetric and HMAC material, the DER SubjectPublicKeyInfo of key pairs
 */
export function materialId(fingerprint: KeyObject, owner: MaterialOwner, identity: Uint8Array): string {
  const named = lengthsFirst([owner.keyId, owner.spec, identity]);
  const id = createHmac("sha256", fingerprint).update(named).digest("hex");
  named.fill(0);
  return id;
}

/** The fields of a sealed material row, in the order in which they are authenticated (DESIGN §6). */
export function materialFields(owner: MaterialOwner, id: string): readonly string[] {
  return [owner.account, owner.region, owner.keyId, id, owner.spec, owner.usage, owner.origin];
}

function nameOf({ region, keyId, materialId: id }: SealedMaterial): string {
  return `${region}/${keyId}/${id}`;
}

/** Whether two rows say the same of their owner: a row that was changed must not live on an older one's handle. */
function isSameRow(left: SealedMaterial, right: SealedMaterial): boolean {
  return (
    left === right ||
    (left.account === right.account &&
      left.region === right.region &&
      left.keyId === right.keyId &&
      left.materialId === right.materialId &&
      left.spec === right.spec &&
      left.usage === right.usage &&
      left.origin === right.origin &&
      left.domainVersion === right.domainVersion)
  );
}
