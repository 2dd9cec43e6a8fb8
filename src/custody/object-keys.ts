/** Data keys of S3 objects that no KMS key protects (SSE-S3): custody's own, sealed for the object's body. */

import type { DomainKeys } from "./domain-keys.ts";
import { ContentKey } from "./object-content.ts";
import { Secret } from "./secret.ts";

const STORE = { region: "", purpose: "store" } as const;
const KEY_BYTES = 32;

/** Whose data key it is. All of it is authenticated by the seal. */
export interface ObjectKeyName {
  /** Of the bucket's owner. */
  readonly account: string;
  /** The bucket's id. */
  readonly bucket: string;
  /** What the parts of its body are listed under. */
  readonly body: string;
}

export class ObjectKeys {
  readonly #domainKeys: DomainKeys;

  constructor(domainKeys: DomainKeys) {
    this.#domainKeys = domainKeys;
  }

  /** A new data key, and the same sealed. */
  async create(name: ObjectKeyName): Promise<{ readonly key: ContentKey; readonly sealed: Uint8Array }> {
    using secret = Secret.random(KEY_BYTES);
    const { sealed } = await this.#domainKeys.seal(STORE, fieldsOf(name), secret.bytes);
    return { key: new ContentKey(secret.bytes), sealed };
  }

  /** @throws SealedRowError the data key was altered or belongs to another body */
  async open(name: ObjectKeyName, sealed: Uint8Array): Promise<ContentKey> {
    using secret = await this.#domainKeys.unseal(STORE, fieldsOf(name), sealed);
    return new ContentKey(secret.bytes);
  }

  /**
   * Seals what was sealed before anew, under the newest domain key.
   *
   * @throws SealedRowError the data key was altered or belongs to another body
   */
  async reseal(name: ObjectKeyName, sealed: Uint8Array): Promise<Uint8Array> {
    using secret = await this.#domainKeys.unseal(STORE, fieldsOf(name), sealed);
    return (await this.#domainKeys.seal(STORE, fieldsOf(name), secret.bytes)).sealed;
  }
}

function fieldsOf({ account, bucket, body }: ObjectKeyName): readonly string[] {
  return ["object", account, bucket, body];
}
