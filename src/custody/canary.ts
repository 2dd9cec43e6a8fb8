/** The canary: sealed material that no API shows, by which a running custody proves that it can still do its work. */

import { createSecretKey, timingSafeEqual } from "node:crypto";
import { blobPrefix, encryptBlob, openBlob } from "./blob.ts";
import type { DomainKeys } from "./domain-keys.ts";
import { Nonces } from "./nonces.ts";
import { Secret } from "./secret.ts";

const DOMAIN = { region: "", purpose: "store" } as const;
const FIELDS = ["canary"];
const MATERIAL_BYTES = 32;
const PLAINTEXT_BYTES = 32;
/** What blobs under the canary name; no key has these ids. */
const NAME = { keyId: "00000000-0000-0000-0000-000000000000", materialId: "00".repeat(32) };
const CONTEXT = { purpose: "canary" };

/** Seals a material once for this process, and opens, encrypts and decrypts with it whenever it is asked. */
export class Canary {
  readonly #domainKeys: DomainKeys;
  readonly #nonces = new Nonces();
  #sealed: Promise<Uint8Array> | undefined;

  constructor(domainKeys: DomainKeys) {
    this.#domainKeys = domainKeys;
  }

  /**
   * Reads the store's own domain key anew, opens the canary with it, and encrypts and decrypts under it.
   *
   * @throws Error a step of it fails, or what comes back is not what went in
   */
  async check(): Promise<void> {
    this.#sealed ??= this.#seal();
    const sealed = await this.#sealed.catch((cause: unknown) => {
      this.#sealed = undefined;
      throw cause;
    });
    await this.#domainKeys.reopen(DOMAIN);
    using material = await this.#domainKeys.unseal(DOMAIN, FIELDS, sealed);
    const key = { material: createSecretKey(material.bytes), prefix: blobPrefix(NAME, MATERIAL_BYTES) };
    using plaintext = Secret.random(PLAINTEXT_BYTES);
    const blob = encryptBlob(key, { plaintext: plaintext.bytes, context: CONTEXT, nonces: this.#nonces });
    using opened = new Secret(openBlob(key, { blob, context: CONTEXT }) ?? new Uint8Array(PLAINTEXT_BYTES));
    if (opened.bytes.length === PLAINTEXT_BYTES && timingSafeEqual(opened.bytes, plaintext.bytes)) return;
    throw new Error("What was encrypted under the canary does not decrypt");
  }

  async #seal(): Promise<Uint8Array> {
    using material = Secret.random(MATERIAL_BYTES);
    return (await this.#domainKeys.seal(DOMAIN, FIELDS, material.bytes)).sealed;
  }
}
