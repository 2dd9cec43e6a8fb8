/** The requests that are driven: distinct, signed with SigV4 as the AWS SDK for JavaScript signs them, as bytes of HTTP/1.1. */

import { createHash, createHmac, type Hmac, type Hash as NodeHash, randomBytes, randomUUID } from "node:crypto";
import { SignatureV4 } from "@smithy/signature-v4";

/** One call before it is signed. */
export interface BenchCall {
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
}

export interface BenchCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of a session. */
  readonly sessionToken?: string;
}

/** Who calls, what with, and on what key. */
export interface BenchCaller {
  readonly endpoint: string;
  readonly credentials: BenchCredentials;
  readonly keyId: string;
  /** Ciphertexts of the key, in base64. */
  readonly blobs: readonly string[];
}

/** The operations that are measured, in the order of the table. */
export const OPERATIONS = ["Encrypt", "Decrypt", "GenerateDataKey", "DescribeKey"] as const;
export type BenchOperation = (typeof OPERATIONS)[number];

const PLAINTEXT_BYTES = 32;

/** A plaintext of the size of a data key, which is what Encrypt is mostly used for, in base64. */
export function newPlaintext(): string {
  return randomBytes(PLAINTEXT_BYTES).toString("base64");
}

/** One call of an operation on a key, unlike every other. `blob` (base64) is what Decrypt opens. */
export function callOf(operation: BenchOperation, keyId: string, blob: string): BenchCall {
  switch (operation) {
    case "Encrypt":
      return { operation, input: { KeyId: keyId, Plaintext: newPlaintext(), EncryptionContext: CONTEXT } };
    case "Decrypt":
      return { operation, input: { KeyId: keyId, CiphertextBlob: blob, EncryptionContext: CONTEXT } };
    case "GenerateDataKey":
      return { operation, input: { KeyId: keyId, KeySpec: "AES_256", EncryptionContext: CONTEXT } };
    case "DescribeKey":
      return { operation, input: { KeyId: keyId } };
  }
}

/** The encryption context of every cryptographic call: one pair, as the AWS Encryption SDK and SOPS send at the least. */
export const CONTEXT: Readonly<Record<string, string>> = { purpose: "benchmark" };

/** Signs calls for one server. */
export class BenchSigner {
  readonly #signer: SignatureV4;
  readonly #host: string;

  /** @param endpoint such as `http://127.0.0.1:4599` */
  constructor(endpoint: string, region: string, credentials: BenchCredentials) {
    this.#host = new URL(endpoint).host;
    this.#signer = new SignatureV4({ credentials, region, service: "kms", sha256: Sha256 });
  }

  /** The bytes of a signed request; good for five minutes. */
  async sign({ operation, input }: BenchCall): Promise<Buffer> {
    const body = JSON.stringify(input);
    const { hostname, port } = new URL(`http://${this.#host}`);
    const { headers } = await this.#signer.sign({
      method: "POST",
      protocol: "http:",
      hostname,
      port: Number(port),
      path: "/",
      query: {},
      headers: {
        host: this.#host,
        "content-type": "application/x-amz-json-1.1",
        "content-length": String(Buffer.byteLength(body)),
        "x-amz-target": `TrentService.${operation}`,
        "user-agent": "aws-sdk-js/3.1164.0 ua/2.1 os/linux lang/js md/nodejs api/kms#3.1164.0",
        "amz-sdk-invocation-id": randomUUID(),
        "amz-sdk-request": "attempt=1; max=3",
      },
      body,
    });
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    return Buffer.from(`POST / HTTP/1.1\r\n${lines.join("")}connection: keep-alive\r\n\r\n${body}`);
  }
}

/** SHA-256 and HMAC-SHA-256 of node:crypto in the shape that the signer takes. */
class Sha256 {
  readonly #hash: NodeHash | Hmac;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash("sha256") : createHmac("sha256", bytesOf(secret));
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(data));
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {
    throw new Error("A hash is used once.");
  }
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof data === "string") return Buffer.from(data, "utf8");
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
