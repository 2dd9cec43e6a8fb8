/** Imports: wrapping key pairs, the tokens that carry their private halves, and what imported material must be. */

import { createPrivateKey, type KeyObject } from "node:crypto";
import {
  ExpiredImportTokenException,
  IncorrectKeyMaterialException,
  InvalidCiphertextException,
  InvalidImportTokenException,
} from "../base/errors.ts";
import type { MaterialOwner } from "./custody.ts";
import type { DomainKeys } from "./domain-keys.ts";
import { WrongMaterialError } from "./key-pairs.ts";
import { lengthsFirst, splitLengthsFirst } from "./lengths-first.ts";
import { openMaterial, requireMaterialLength } from "./materials.ts";
import type { PairUse } from "./pair-use.ts";
import { SealedRowError } from "./seal.ts";
import { Secret } from "./secret.ts";
import { isSoundPair } from "./sound-pairs.ts";
import { unwrap } from "./unwrapping.ts";

/** How material for one key is to be wrapped, and until when; the words are the API's. */
export interface Wrapping {
  readonly algorithm: string;
  readonly keySpec: string;
  /** Milliseconds since the epoch. */
  readonly validTo: number;
}

/** What a token holds. */
interface Token {
  readonly algorithm: string;
  readonly validTo: number;
  readonly privateKey: KeyObject;
}

const utf8 = { encoder: new TextEncoder(), decoder: new TextDecoder() };

/** Gives out wrapping keys and takes wrapped material in. It remembers nothing: all of an import is in its token. */
export class Imports {
  readonly #domainKeys: DomainKeys;
  readonly #pairs: Pick<PairUse, "takePair" | "decrypt">;

  constructor(domainKeys: DomainKeys, pairs: Pick<PairUse, "takePair" | "decrypt">) {
    this.#domainKeys = domainKeys;
    this.#pairs = pairs;
  }

  /**
   * A new wrapping key pair for one owner's key: the public key as DER SubjectPublicKeyInfo, and a token that holds the
   * private one with algorithm and time, sealed under the Region's `import` domain key for that owner and nobody else.
   */
  async issue(owner: MaterialOwner, { algorithm, keySpec, validTo }: Wrapping) {
    const { publicKey, privateKey } = await this.#pairs.takePair({ account: owner.account, spec: keySpec });
    using secret = new Secret(privateKey);
    using held = new Secret(lengthsFirst([algorithm, String(validTo), secret.bytes]));
    const { sealed } = await this.#domainKeys.seal(domainOf(owner), tokenFields(owner), held.bytes);
    return { publicKey, token: sealed };
  }

  /**
   * The material that came with a token, which is the caller's to wipe: bytes that are key material of the owner's spec.
   *
   * @throws InvalidImportTokenException the token is not ours, was altered, or is of another key
   * @throws ExpiredImportTokenException its time is over
   * @throws InvalidCiphertextException what is wrapped does not open, whatever the reason
   * @throws IncorrectKeyMaterialException it opens, and is no key material of that spec
   * @throws ThrottlingException, UnsupportedOperationException see PairUse
   */
  async take(
    owner: MaterialOwner,
    { token, wrapped, now }: { readonly token: Uint8Array; readonly wrapped: Uint8Array; readonly now: number },
  ): Promise<Secret> {
    const { algorithm, validTo, privateKey } = await this.#open(owner, token);
    if (now >= validTo) throw new ExpiredImportTokenException();
    const bits = privateKey.asymmetricKeyDetails?.modulusLength ?? 0;
    const row = { account: owner.account, spec: bits === 0 ? "SM2" : `RSA_${bits}` };
    const material = await unwrap((how, ciphertext) => this.#pairs.decrypt({ row, privateKey }, how, ciphertext), {
      algorithm,
      keyBytes: bits / 8,
      wrapped,
    });
    if (material === undefined) throw new InvalidCiphertextException();
    if (await isMaterial(owner, material.bytes)) return material;
    material[Symbol.dispose]();
    throw new IncorrectKeyMaterialException();
  }

  async #open(owner: MaterialOwner, token: Uint8Array): Promise<Token> {
    using held = await this.#unseal(owner, token);
    const [algorithm, validTo, pkcs8] = splitLengthsFirst(held.bytes);
    if (algorithm === undefined || validTo === undefined || pkcs8 === undefined)
      throw new Error("A token has 3 fields");
    const key = Buffer.from(pkcs8.buffer, pkcs8.byteOffset, pkcs8.length); // a view, wiped with what holds it
    return {
      algorithm: utf8.decoder.decode(algorithm),
      validTo: Number(utf8.decoder.decode(validTo)),
      privateKey: createPrivateKey({ key, format: "der", type: "pkcs8" }),
    };
  }

  async #unseal(owner: MaterialOwner, token: Uint8Array): Promise<Secret> {
    try {
      return await this.#domainKeys.unseal(domainOf(owner), tokenFields(owner), token);
    } catch (cause) {
      if (cause instanceof SealedRowError) throw new InvalidImportTokenException();
      throw cause;
    }
  }
}

function domainOf({ region }: MaterialOwner) {
  return { region, purpose: "import" } as const;
}

function tokenFields({ account, region, keyId, spec, usage, origin }: MaterialOwner): readonly string[] {
  return ["import-token", account, region, keyId, spec, usage, origin];
}

/**
 * Whether bytes are material of a spec as the guide asks for it (KMS guide, Requirements for imported key material): secret
 * bytes of its length, or a private key that is sound (sound-pairs.ts).
 */
async function isMaterial(owner: MaterialOwner, bytes: Uint8Array): Promise<boolean> {
  try {
    requireMaterialLength(owner, bytes);
    const { opened } = openMaterial(owner, bytes);
    return opened.kind !== "pair" || (await isSoundPair(opened, bytes));
  } catch (cause) {
    if (cause instanceof WrongMaterialError) return false;
    throw cause;
  }
}
