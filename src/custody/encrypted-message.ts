/**
 * Messages of the AWS Encryption SDK, as far as Parameter Store writes them: version 1.0, AES-256-GCM with HKDF-SHA-256 and without
 * signature (suite 0x0178), not framed, with one encrypted data key (AWS Encryption SDK guide, Message format reference).
 */

import { hkdfSync, randomFillSync } from "node:crypto";
import { decryptGcm, encryptGcm, IV_BYTES, TAG_BYTES } from "./aes-gcm.ts";

const VERSION = 0x01;
/** Customer authenticated encrypted data. */
const TYPE = 0x80;
const SUITE = 0x0178;
const NOT_FRAMED = 0x01;
const MESSAGE_ID_BYTES = 16;
const KEY_BYTES = 32;
const PROVIDER = "aws-kms";
/** In the additional data of a body that is one block. */
const SINGLE_BLOCK = "AWSKMSEncryptionClient Single Block";

/** A data key as KMS sealed it, and under which key. */
export interface EncryptedDataKey {
  readonly keyArn: string;
  readonly ciphertext: Uint8Array;
}

/** What a message says before it is opened. */
export interface MessageHeader {
  readonly context: Readonly<Record<string, string>>;
  readonly dataKey: EncryptedDataKey;
}

/**
 * Writes a message.
 *
 * @param dataKey 32 bytes in clear, which the caller wipes
 */
export function sealMessage(
  dataKey: Uint8Array,
  plaintext: Uint8Array,
  { context, dataKey: sealed }: MessageHeader,
): Uint8Array {
  const messageId = randomFillSync(new Uint8Array(MESSAGE_ID_BYTES));
  const head = Buffer.concat([
    Uint8Array.of(VERSION, TYPE),
    u16(SUITE),
    messageId,
    withLength(encodePairs(context)),
    u16(1),
    withLength(utf8(PROVIDER)),
    withLength(utf8(sealed.keyArn)),
    withLength(sealed.ciphertext),
    Uint8Array.of(NOT_FRAMED, 0, 0, 0, 0, IV_BYTES, 0, 0, 0, 0),
  ]);
  const body = new Uint8Array(IV_BYTES + 8 + plaintext.length + TAG_BYTES);
  body.set(bodyIv());
  new DataView(body.buffer).setBigUint64(IV_BYTES, BigInt(plaintext.length));
  const authentication = new Uint8Array(IV_BYTES + TAG_BYTES);
  const key = derivedKey(dataKey, messageId);
  try {
    const none = new Uint8Array(0);
    const header = { iv: new Uint8Array(IV_BYTES), aad: head, plaintext: none };
    encryptGcm(key, header, { target: authentication, tagAt: IV_BYTES, dataAt: IV_BYTES });
    const content = { iv: bodyIv(), aad: bodyData(messageId, plaintext.length), plaintext };
    encryptGcm(key, content, { target: body, tagAt: body.length - TAG_BYTES, dataAt: IV_BYTES + 8 });
  } finally {
    key.fill(0);
  }
  return new Uint8Array(Buffer.concat([head, authentication, body]));
}

/** What a message that `sealMessage` wrote says of itself, or undefined for anything else. Nothing of it is proved yet. */
export function parseMessage(message: Uint8Array): MessageHeader | undefined {
  return split(message)?.header;
}

/**
 * Opens a message with its data key.
 *
 * @param dataKey 32 bytes in clear, which the caller wipes
 * @returns the plaintext in memory of its own, which the caller wipes; undefined for what is no such message or was changed
 */
export function openMessage(dataKey: Uint8Array, message: Uint8Array): Uint8Array | undefined {
  const parts = split(message);
  if (parts === undefined) return undefined;
  const { head, messageId, headerIv, headerTag, iv, data, tag } = parts;
  const key = derivedKey(dataKey, messageId);
  try {
    const proof = decryptGcm(key, { iv: headerIv, aad: head, tag: headerTag, data: new Uint8Array(0) });
    if (proof === undefined) return undefined;
    return decryptGcm(key, { iv, aad: bodyData(messageId, data.length), tag, data });
  } finally {
    key.fill(0);
  }
}

interface Parts {
  readonly header: MessageHeader;
  readonly head: Uint8Array;
  readonly messageId: Uint8Array;
  readonly headerIv: Uint8Array;
  readonly headerTag: Uint8Array;
  readonly iv: Uint8Array;
  readonly data: Uint8Array;
  readonly tag: Uint8Array;
}

function split(message: Uint8Array): Parts | undefined {
  const reader = new ByteReader(message);
  try {
    if (reader.u8() !== VERSION || reader.u8() !== TYPE || reader.u16() !== SUITE) return undefined;
    const messageId = reader.take(MESSAGE_ID_BYTES);
    const context = decodePairs(reader.take(reader.u16()));
    if (reader.u16() !== 1 || text(reader.take(reader.u16())) !== PROVIDER) return undefined;
    const keyArn = text(reader.take(reader.u16()));
    const ciphertext = reader.take(reader.u16());
    if (reader.u8() !== NOT_FRAMED || reader.u32() !== 0 || reader.u8() !== IV_BYTES || reader.u32() !== 0)
      return undefined;
    const head = message.subarray(0, reader.position);
    const [headerIv, headerTag, iv] = [reader.take(IV_BYTES), reader.take(TAG_BYTES), reader.take(IV_BYTES)];
    if (reader.u32() !== 0) return undefined; // far more than a parameter may have
    const [data, tag] = [reader.take(reader.u32()), reader.take(TAG_BYTES)];
    if (reader.position !== message.length) return undefined;
    return {
      header: { context, dataKey: { keyArn, ciphertext } },
      head,
      messageId,
      headerIv,
      headerTag,
      iv,
      data,
      tag,
    };
  } catch (cause) {
    if (cause instanceof RangeError || cause instanceof TypeError) return undefined;
    throw cause;
  }
}

/** Reads numbers and runs of bytes; what is not there is a RangeError. */
class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4));
  }

  take(count: number): Uint8Array {
    const start = this.#advance(count);
    if (this.position > this.#bytes.length) throw new RangeError("The message ends too early.");
    return this.#bytes.slice(start, this.position);
  }

  #advance(count: number): number {
    const start = this.position;
    this.position += count;
    return start;
  }
}

function derivedKey(dataKey: Uint8Array, messageId: Uint8Array): Uint8Array {
  const info = Buffer.concat([u16(SUITE), messageId]);
  return new Uint8Array(hkdfSync("sha256", dataKey, new Uint8Array(0), info, KEY_BYTES));
}

/** The one block has the sequence number 1. */
function bodyIv(): Uint8Array {
  const iv = new Uint8Array(IV_BYTES);
  iv[IV_BYTES - 1] = 1;
  return iv;
}

function bodyData(messageId: Uint8Array, lengthBytes: number): Uint8Array {
  const numbers = new DataView(new ArrayBuffer(12));
  numbers.setUint32(0, 1);
  numbers.setBigUint64(4, BigInt(lengthBytes));
  return Buffer.concat([messageId, utf8(SINGLE_BLOCK), new Uint8Array(numbers.buffer)]);
}

/** Pairs in the order of the bytes of their names, counted and lengths first. */
function encodePairs(context: Readonly<Record<string, string>>): Uint8Array {
  const pairs = Object.entries(context).map(([name, value]) => [utf8(name), utf8(value)] as const);
  if (pairs.length === 0) return new Uint8Array(0);
  const sorted = pairs.toSorted(([left], [right]) => Buffer.compare(left, right));
  return Buffer.concat([u16(pairs.length), ...sorted.flatMap((pair) => pair.map(withLength))]);
}

function decodePairs(bytes: Uint8Array): Record<string, string> {
  const context: Record<string, string> = Object.create(null);
  if (bytes.length === 0) return context;
  const reader = new ByteReader(bytes);
  for (let left = reader.u16(); left > 0; left -= 1) {
    context[text(reader.take(reader.u16()))] = text(reader.take(reader.u16()));
  }
  return context;
}

function u16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff);
}

function withLength(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([u16(bytes.length), bytes]);
}

function utf8(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

function text(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}
