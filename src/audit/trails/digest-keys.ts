/** The key pairs that digest files are signed with: one for each Region and year, in custody. */

import { createHash, randomUUID } from "node:crypto";
import type { Custody, SealedMaterial } from "../../custody/custody.ts";
import type { Store } from "../../storage/store.ts";
import type { DigestKeyRow } from "../../storage/trail-schema.ts";
import { insertDigestKey, listDigestKeys } from "../../storage/trails.ts";

const DAY_MS = 86_400_000;
/** From a day before the first digest, which tells of an hour that is over. */
const VALID_MS = 366 * DAY_MS;
/** SubjectPublicKeyInfo of RSA with 2,048 bits, up to the PKCS #1 public key in it (RFC 5280, RFC 8017). */
const SPKI_PREFIX = "30820122300d06092a864886f70d01010105000382010f00";

/** A public key as ListPublicKeys tells it. */
export interface DigestPublicKey {
  /** DER of PKCS #1. */
  readonly value: Uint8Array;
  readonly fingerprint: string;
  readonly validFrom: number;
  readonly validTo: number;
}

/** The sealed key pair of a row. */
export function digestMaterial(
  row: Pick<DigestKeyRow, "region" | "id" | "material_id" | "domain_version" | "sealed">,
): SealedMaterial {
  const { region, id, material_id, domain_version, sealed } = row;
  return { ...ownerOf(region, id), materialId: material_id, domainVersion: domain_version, sealed };
}

function ownerOf(region: string, id: string) {
  return { account: "cloudtrail", region, keyId: id, spec: "RSA_2048", usage: "SIGN_VERIFY", origin: "AWS_KMS" };
}

/** Signs digest files. */
export class DigestKeys {
  readonly #store: Pick<Store, "db" | "transaction">;
  readonly #custody: Pick<Custody, "createMaterial" | "publicKey" | "sign">;

  constructor(
    store: Pick<Store, "db" | "transaction">,
    custody: Pick<Custody, "createMaterial" | "publicKey" | "sign">,
  ) {
    this.#store = store;
    this.#custody = custody;
  }

  /** The key of a Region to sign with now; the first one is made when it is asked for. */
  async current(region: string, now: number): Promise<{ readonly row: DigestKeyRow; readonly fingerprint: string }> {
    const [known] = await listDigestKeys(this.#store.db, region, { from: now, to: now });
    const row = known ?? (await this.#make(region, now));
    return { row, fingerprint: (await this.#publicKey(row)).fingerprint };
  }

  /** RSASSA-PKCS1-v1_5 with SHA-256. */
  async sign(row: DigestKeyRow, message: Uint8Array): Promise<Uint8Array> {
    const algorithm = "RSASSA_PKCS1_V1_5_SHA_256";
    return await this.#custody.sign(digestMaterial(row), { algorithm, messageType: "RAW", message });
  }

  /** The keys of a Region that are valid at some moment of a time. */
  async list(
    region: string,
    time: { readonly from: number; readonly to: number },
  ): Promise<readonly DigestPublicKey[]> {
    const rows = await listDigestKeys(this.#store.db, region, time);
    return await Promise.all(rows.map((row) => this.#publicKey(row)));
  }

  async #make(region: string, now: number): Promise<DigestKeyRow> {
    const id = randomUUID();
    const {
      materialId: material_id,
      domainVersion: domain_version,
      sealed,
    } = await this.#custody.createMaterial(ownerOf(region, id));
    const row = {
      region,
      id,
      material_id,
      domain_version,
      sealed,
      valid_from: now - DAY_MS,
      valid_to: now - DAY_MS + VALID_MS,
    };
    await this.#store.transaction((tx) => insertDigestKey(tx, row));
    return row;
  }

  async #publicKey(row: DigestKeyRow): Promise<DigestPublicKey> {
    const spki = await this.#custody.publicKey(digestMaterial(row));
    const prefix = Uint8Array.fromHex(SPKI_PREFIX);
    if (spki.subarray(0, prefix.length).toHex() !== SPKI_PREFIX)
      throw new Error("A digest key is no RSA key of 2,048 bits.");
    const value = spki.subarray(prefix.length);
    const fingerprint = createHash("sha256").update(value).digest("hex").slice(0, 32);
    return { value, fingerprint, validFrom: row.valid_from, validTo: row.valid_to };
  }
}
