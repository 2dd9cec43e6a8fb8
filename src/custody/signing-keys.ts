/** SigV4 signing keys of sealed credentials. */

import { createHmac } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import { AgedCache, type CacheLimits } from "./aged-cache.ts";
import type { DomainKeys } from "./domain-keys.ts";
import { Secret } from "./secret.ts";

const CREDENTIALS = { region: "", purpose: "credential" } as const;
const utf8 = new TextEncoder();

/** Which signing key of which credential. */
export interface SigningKeyName {
  readonly account: string;
  readonly accessKeyId: string;
  readonly revision: string;
  readonly sealed: Uint8Array;
  readonly date: string;
  readonly region: string;
  readonly service: string;
}

/** Seals secret access keys and derives signing keys from them, which it keeps, bounded in number and age. */
export class SigningKeys {
  readonly #domainKeys: DomainKeys;
  readonly #derived: AgedCache<Secret>;

  constructor(domainKeys: DomainKeys, limits: CacheLimits, clock: Clock) {
    this.#domainKeys = domainKeys;
    this.#derived = new AgedCache(limits, clock, (key) => key[Symbol.dispose]());
  }

  /** Seals a secret access key; `secret` is borrowed. */
  async seal(name: { account: string; accessKeyId: string }, secret: Uint8Array): Promise<Uint8Array> {
    return (await this.#domainKeys.seal(CREDENTIALS, credentialFields(name), secret)).sealed;
  }

  /**
   * Seals what was sealed before anew, under the newest domain key.
   *
   * @throws SealedRowError the sealed secret was altered or belongs to another access key or account
   */
  async reseal(name: { account: string; accessKeyId: string }, sealed: Uint8Array): Promise<Uint8Array> {
    using secret = await this.#domainKeys.unseal(CREDENTIALS, credentialFields(name), sealed);
    return await this.seal(name, secret.bytes);
  }

  /**
   * The signing key, as a copy that is the caller's to wipe.
   *
   * @returns the key at once where it is kept
   * @throws SealedRowError the sealed secret was altered or belongs to another access key or account
   */
  find(name: SigningKeyName): Uint8Array | Promise<Uint8Array> {
    const key = this.#derived.find(cacheName(name));
    return key === undefined ? this.#derive(name) : key.bytes.slice();
  }

  /** Wipes every key. */
  clear(): void {
    this.#derived.dropWhere(() => true);
  }

  async #derive(name: SigningKeyName): Promise<Uint8Array> {
    using secret = await this.#domainKeys.unseal(CREDENTIALS, credentialFields(name), name.sealed);
    const key = deriveSigningKey(secret.bytes, name);
    this.#derived.put(cacheName(name), new Secret(key.slice()));
    return key;
  }
}

/**
 * HMAC-SHA-256 over date, Region, service and `aws4_request`, each result keying the next (AWS Signature Version 4, "Create
 * a signed request", step 4).
 *
 * @returns 32 bytes, the caller's to wipe
 */
export function deriveSigningKey(
  secretAccessKey: Uint8Array,
  { date, region, service }: { readonly date: string; readonly region: string; readonly service: string },
): Uint8Array {
  let key = new Uint8Array(4 + secretAccessKey.length);
  key.set(utf8.encode("AWS4"));
  key.set(secretAccessKey, 4);
  for (const part of [date, region, service, "aws4_request"]) {
    const mac = createHmac("sha256", key).update(part).digest();
    key.fill(0);
    key = new Uint8Array(mac);
    mac.fill(0);
  }
  return key;
}

function credentialFields({ account, accessKeyId }: { account: string; accessKeyId: string }): readonly string[] {
  return [account, accessKeyId];
}

/** Account and revision too: what is kept must never outlive a change of the credential's row. */
function cacheName({ account, accessKeyId, revision, date, region, service }: SigningKeyName): string {
  return JSON.stringify([account, accessKeyId, revision, date, region, service]);
}
