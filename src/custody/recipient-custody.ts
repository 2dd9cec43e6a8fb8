/** Custody as an attested caller gets it: every plaintext comes out as an envelope that the caller's platform alone can open. */

import type { EncryptionAlgorithm, EncryptionContext, PlaintextSource, SealedMaterial } from "./custody.ts";
import { envelop, findRecipient, type Recipient } from "./enveloped-data.ts";
import { Secret } from "./secret.ts";

/** Does what the custody behind it does and wipes each plaintext once it is enveloped. Envelopes are no secrets. */
export class RecipientCustody implements PlaintextSource {
  readonly #source: PlaintextSource;
  readonly #recipient: Recipient;

  constructor(source: PlaintextSource, recipient: Recipient) {
    this.#source = source;
    this.#recipient = recipient;
  }

  /** As `Custody.forRecipient`. */
  static find(source: PlaintextSource, publicKey: Uint8Array): RecipientCustody | undefined {
    const recipient = findRecipient(publicKey);
    return recipient && new RecipientCustody(source, recipient);
  }

  async decrypt(
    material: SealedMaterial,
    blob: Uint8Array,
    context: EncryptionContext,
    algorithm?: EncryptionAlgorithm,
  ): Promise<Uint8Array> {
    return this.#envelop(await this.#source.decrypt(material, blob, context, algorithm));
  }

  async generateDataKey(
    material: SealedMaterial,
    lengthBytes: number,
    context: EncryptionContext,
  ): Promise<{ plaintext: Uint8Array; blob: Uint8Array }> {
    const { plaintext, blob } = await this.#source.generateDataKey(material, lengthBytes, context);
    return { plaintext: this.#envelop(plaintext), blob };
  }

  async generateDataKeyPair(
    material: SealedMaterial,
    pairSpec: string,
    context: EncryptionContext,
  ): Promise<{ publicKey: Uint8Array; privateKey: Uint8Array; blob: Uint8Array }> {
    const { publicKey, privateKey, blob } = await this.#source.generateDataKeyPair(material, pairSpec, context);
    return { publicKey, privateKey: this.#envelop(privateKey), blob };
  }

  async deriveSharedSecret(material: SealedMaterial, peer: Uint8Array): Promise<Uint8Array | undefined> {
    const secret = await this.#source.deriveSharedSecret(material, peer);
    return secret && this.#envelop(secret);
  }

  random(lengthBytes: number): Uint8Array {
    return this.#envelop(this.#source.random(lengthBytes));
  }

  takeRandom(bytes: Uint8Array): Uint8Array {
    return this.#envelop(bytes);
  }

  #envelop(plaintext: Uint8Array): Uint8Array {
    using secret = new Secret(plaintext);
    return envelop(this.#recipient, secret.bytes);
  }
}
