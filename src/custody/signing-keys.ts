/** SigV4 signing keys of sealed credentials. */

import { createHmac, createSecretKey, type KeyObject } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import { AgedCache, type CacheLimits } from "./aged-cache.ts";
import type { DomainKeys } from "./domain-keys.ts";

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
  readonly #derived: AgedCache<KeyObject>;

  constructor(domainKeys: DomainKeys, limits: CacheLimits, clock: Clock) {
    this.#domainKeys = domainKeys;
    this.#derived = new AgedCache(limits, clock, () => {}); // a KeyObject is released, it can't be wiped
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
   * The signing key.
   *
   * @returns the key at once where it is kept
   * @throws SealedRowError the sealed secret was altered or belongs to another access key or account
   */
  find(name: SigningKeyName): KeyObject | Promise<KeyObject> {
    return this.#derived.find(cacheName(name)) ?? this.#derive(name);
  }

  /** Lets go of every key. */
  clear(): void {
    this.#derived.dropWhere(() => true);
  }

  async #derive(name: SigningKeyName): Promise<KeyObject> {
    using secret = await this.#domainKeys.unseal(CREDENTIALS, credentialFields(name), name.sealed);
    const key = deriveSigningKey(secret.bytes, name);
    this.#derived.put(cacheName(name), key, name.account);
    return key;
  }
}

/**
 * HMAC-SHA-256 over date, Region, service and `aws4_request`, each result keying the next (AWS Signature Version 4, "Create
 * a signed request", step 4).
 *
 * @param secretAccessKey borrowed
 */
export function deriveSigningKey(
  secretAccessKey: Uint8Array,
  { date, region, service }: { readonly date: string; readonly region: string; readonly service: string },
): KeyObject {
  let key = new Uint8Array(4 + secretAccessKey.length);
  key.set(utf8.encode("AWS4"));
  key.set(secretAccessKey, 4);
  for (const part of [date, region, service, "aws4_request"]) {
    const mac = createHmac("sha256", key).update(part).digest();
    key.fill(0);
    key = new Uint8Array(mac);
    mac.fill(0);
  }
  const signingKey = createSecretKey(key);
  key.fill(0);
  return signingKey;
}

function credentialFields({ account, accessKeyId }: { account: string; accessKeyId: string }): readonly string[] {
  return [account, accessKeyId];
}

/** Account and revision too: what is kept must never outlive a change of the credential's row. */
function cacheName({ account, accessKeyId, revision, date, region, service }: SigningKeyName): string {
  return `${account}/${accessKeyId}/${revision}/${date}/${region}/${service}`; // parts of a credential hold no slash
}
