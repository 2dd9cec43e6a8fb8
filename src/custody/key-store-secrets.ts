/** Secrets of custom key stores, sealed for their store: the credential that a proxy knows, the password that a token's user has. */

import { createHmac, type KeyObject } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import { AgedCache, type CacheLimits } from "./aged-cache.ts";
import type { DomainKeys } from "./domain-keys.ts";
import type { Secret } from "./secret.ts";
import { deriveSigningKey } from "./signing-keys.ts";

const STORE = { region: "", purpose: "store" } as const;

/** The service that requests to a proxy are signed for (XKS proxy API specification, Authentication). */
const SERVICE = "kms-xks-proxy";

/** Whose secret it is. All of it is authenticated by the seal. */
export interface KeyStoreSecretName {
  readonly account: string;
  readonly region: string;
  readonly keyStoreId: string;
  /** Of the proxy credential; of a CloudHSM key store the name of the user. */
  readonly accessKeyId: string;
}

/** A sealed secret, and what names the row that it is in. */
export interface SealedKeyStoreSecret extends KeyStoreSecretName {
  readonly revision: string;
  readonly sealed: Uint8Array;
}

/** Seals the secrets of custom key stores, and signs with them; they never leave custody. */
export class KeyStoreSecrets {
  readonly #domainKeys: DomainKeys;
  readonly #derived: AgedCache<KeyObject>;

  constructor(domainKeys: DomainKeys, limits: CacheLimits, clock: Clock) {
    this.#domainKeys = domainKeys;
    this.#derived = new AgedCache(limits, clock, () => {}); // a KeyObject is released, it can't be wiped
  }

  /** Seals a secret; `secret` is borrowed. */
  async seal(name: KeyStoreSecretName, secret: Uint8Array): Promise<Uint8Array> {
    return (await this.#domainKeys.seal(STORE, fieldsOf(name), secret)).sealed;
  }

  /**
   * Seals what was sealed before anew, under the newest domain key.
   *
   * @throws SealedRowError the sealed secret was altered or belongs to another key store
   */
  async reseal(name: KeyStoreSecretName, sealed: Uint8Array): Promise<Uint8Array> {
    using secret = await this.unseal(name, sealed);
    return await this.seal(name, secret.bytes);
  }

  /**
   * Opens what was sealed, which is the caller's to wipe.
   *
   * @throws SealedRowError the sealed secret was altered or belongs to another key store
   */
  async unseal(name: KeyStoreSecretName, sealed: Uint8Array): Promise<Secret> {
    return await this.#domainKeys.unseal(STORE, fieldsOf(name), sealed);
  }

  /**
   * The SigV4 signature of a request to the store's proxy, in hex. The secret is used as the text that it is.
   *
   * @param date of the scope, such as `20310203`
   * @throws SealedRowError the sealed secret was altered or belongs to another key store
   */
  async sign(secret: SealedKeyStoreSecret, date: string, stringToSign: string): Promise<string> {
    const key = this.#derived.find(cacheName(secret, date)) ?? (await this.#derive(secret, date));
    return createHmac("sha256", key).update(stringToSign).digest("hex");
  }

  /** Lets go of every key. */
  clear(): void {
    this.#derived.dropWhere(() => true);
  }

  async #derive(secret: SealedKeyStoreSecret, date: string): Promise<KeyObject> {
    using raw = await this.unseal(secret, secret.sealed);
    const key = deriveSigningKey(raw.bytes, { date, region: secret.region, service: SERVICE });
    this.#derived.put(cacheName(secret, date), key, secret.account);
    return key;
  }
}

function fieldsOf({ account, region, keyStoreId, accessKeyId }: KeyStoreSecretName): readonly string[] {
  return ["key-store", account, region, keyStoreId, accessKeyId];
}

/** The revision too: what is kept must never outlive a change of the row. */
function cacheName({ region, keyStoreId, revision }: SealedKeyStoreSecret, date: string): string {
  return `${region}/${keyStoreId}/${revision}/${date}`;
}
