/** Session tokens: temporary credentials sealed in what their holder sends with each request (docs/ciphertext.md). */

import { hash, type KeyObject, randomFillSync } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import { decryptGcm, encryptGcm, IV_BYTES, TAG_BYTES } from "./aes-gcm.ts";
import { AgedCache, type CacheLimits } from "./aged-cache.ts";
import type { NewSession, SealedClaims, SessionOpening, SessionRequest } from "./custody.ts";
import type { DomainKeys } from "./domain-keys.ts";
import { deriveKey } from "./kdf.ts";
import { lengthsFirst } from "./lengths-first.ts";
import { Nonces } from "./nonces.ts";
import { Secret } from "./secret.ts";
import { deriveSigningKey } from "./signing-keys.ts";

const DOMAIN = { region: "", purpose: "session" } as const;
const LABEL = "keystead/session/1";

const FORMAT = 1;
const NONCE_AT = 5;
const NONCE_BYTES = 16;
const IV_AT = NONCE_AT + NONCE_BYTES;
const TAG_AT = IV_AT + IV_BYTES;
const DATA_AT = TAG_AT + TAG_BYTES;

/** 240 random bits as 40 characters of the base64 alphabet, as AWS's are. */
const SECRET_BYTES = 40;
const SECRET_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

const DAY_MS = 86_400_000;
/** Sessions live 36 hours at most (STS API reference, GetSessionToken), and a clock may be an hour off. */
const KEPT_MS = 37 * 3_600_000;

const utf8 = new TextEncoder();
const text = new TextDecoder();

/**
 * Seals and opens session tokens.
 *
 * The session domain key is rolled daily: its version is the number of the day since the epoch, or a later one when the
 * clock has run backwards. A version is erased 37 hours after its day, when nothing that it sealed can be alive.
 */
export class Sessions {
  readonly #domainKeys: DomainKeys;
  readonly #clock: Clock;
  readonly #incarnation: string;
  readonly #opened: AgedCache<OpenedSession>;
  readonly #nonces = new Nonces();
  #erasedBefore = 0;

  constructor(options: {
    readonly domainKeys: DomainKeys;
    readonly limits: CacheLimits;
    readonly clock: Clock;
    readonly incarnation: string;
  }) {
    const { domainKeys, limits, clock, incarnation } = options;
    this.#domainKeys = domainKeys;
    this.#clock = clock;
    this.#incarnation = incarnation;
    this.#opened = new AgedCache(limits, clock, () => {}); // a KeyObject is released, it can't be wiped
  }

  /** A new secret access key, and the token that seals it with the claims. */
  async seal({ accessKeyId, claims }: { accessKeyId: string; claims: string }): Promise<NewSession> {
    const day = Math.floor(this.#clock.now() / DAY_MS);
    const { version, secret: domainKey } = await this.#domainKeys.takeDeriving(DOMAIN, day);
    await this.#eraseOld();
    const secretAccessKey = newSecretAccessKey();
    using plaintext = joined(secretAccessKey, utf8.encode(claims));
    const token = new Uint8Array(DATA_AT + plaintext.bytes.length);
    token[0] = FORMAT;
    new DataView(token.buffer).setUint32(1, version);
    this.#nonces.fill(token.subarray(NONCE_AT, TAG_AT)); // nonce and IV lie side by side
    const header = token.subarray(0, IV_AT);
    using key = tokenKey(domainKey, header);
    const iv = token.subarray(IV_AT, TAG_AT);
    const aad = this.#aad(header, accessKeyId);
    encryptGcm(key.bytes, { iv, aad, plaintext: plaintext.bytes }, { target: token, tagAt: TAG_AT, dataAt: DATA_AT });
    return { secretAccessKey, token: token.toBase64() };
  }

  /** As `Custody.openSession`. */
  open(request: SessionRequest): SessionOpening | Promise<SessionOpening> {
    const name = nameOf(request);
    const opened = this.#opened.find(name);
    const signingKey = opened?.signingKeys.get(scopeOf(request));
    return opened === undefined || signingKey === undefined
      ? this.#openAnew(name, request)
      : { claims: opened.claims, signingKey };
  }

  /** Lets go of every key. */
  clear(): void {
    this.#opened.dropWhere(() => true);
  }

  async #openAnew(name: string, request: SessionRequest): Promise<SessionOpening> {
    const token = decode(request.token);
    if (token === undefined) return undefined;
    const version = new DataView(token.buffer).getUint32(1);
    if (version < this.#oldestKept()) return "expired";
    const domainKey = await this.#domainKeys.findDeriving(DOMAIN, version);
    if (domainKey === undefined) return undefined;
    const header = token.subarray(0, IV_AT);
    using key = tokenKey(domainKey.secret, header);
    const opened = decryptGcm(key.bytes, {
      iv: token.subarray(IV_AT, TAG_AT),
      aad: this.#aad(header, request.accessKeyId),
      tag: token.subarray(TAG_AT, DATA_AT),
      data: token.subarray(DATA_AT),
    });
    if (opened === undefined) return undefined;
    using plaintext = new Secret(opened);
    const signingKey = deriveSigningKey(plaintext.bytes.subarray(0, SECRET_BYTES), request);
    const kept = this.#opened.find(name);
    const claims = kept?.claims ?? { text: text.decode(plaintext.bytes.subarray(SECRET_BYTES)) };
    const signingKeys = new Map(
      [...(kept?.signingKeys ?? []), [scopeOf(request), signingKey] as const].slice(-SCOPES_MAX),
    );
    this.#opened.put(name, { claims, signingKeys }, ANYBODY);
    return { claims, signingKey };
  }

  /** The first version that may have sealed a session that is still alive. */
  #oldestKept(): number {
    return Math.max(0, Math.floor((this.#clock.now() - KEPT_MS) / DAY_MS));
  }

  async #eraseOld(): Promise<void> {
    const oldest = this.#oldestKept();
    if (oldest <= this.#erasedBefore) return;
    await this.#domainKeys.eraseBefore(DOMAIN, oldest);
    this.#erasedBefore = oldest;
  }

  #aad(header: Uint8Array, accessKeyId: string): Uint8Array {
    return lengthsFirst([header, this.#incarnation, accessKeyId]);
  }
}

/** `deriveKey(domain key, "keystead/session/1", version ‖ nonce, 32)`. */
function tokenKey(domainKey: KeyObject, header: Uint8Array): Secret {
  return new Secret(deriveKey(domainKey, LABEL, header.subarray(1), 32));
}

/** The bytes of a token in memory of their own, or undefined for what is no token of a format that we know. */
function decode(token: string): Uint8Array | undefined {
  try {
    const bytes = Uint8Array.fromBase64(token, { lastChunkHandling: "strict" });
    return bytes.length > DATA_AT + SECRET_BYTES && bytes[0] === FORMAT ? bytes : undefined;
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined;
    throw cause;
  }
}

function newSecretAccessKey(): Uint8Array {
  const secret = randomFillSync(new Uint8Array(SECRET_BYTES));
  secret.forEach((byte, index) => {
    secret[index] = SECRET_ALPHABET.charCodeAt(byte & 63);
  });
  return secret;
}

function joined(left: Uint8Array, right: Uint8Array): Secret {
  const bytes = new Uint8Array(left.length + right.length);
  bytes.set(left);
  bytes.set(right, left.length);
  return new Secret(bytes);
}

/** Custody doesn't read claims, so it can't tell whose a session is; to open a token again is cheap. */
const ANYBODY = "";

/** Signing keys that are kept of a session: more Regions and services than a caller speaks to at once. */
const SCOPES_MAX = 16;

/** What is kept of a token that was opened. */
interface OpenedSession {
  readonly claims: SealedClaims;
  /** By `scopeOf`, the newest last. */
  readonly signingKeys: ReadonlyMap<string, KeyObject>;
}

/** Longer tokens are cached by their hash: they are theirs who send them. */
const TOKEN_CHARACTERS_MAX = 1_024;

/** No token and no hash of one has the same name. */
function nameOf({ accessKeyId, token }: SessionRequest): string {
  if (token.length <= TOKEN_CHARACTERS_MAX) return `${accessKeyId} ${token}`;
  return `${accessKeyId}\n${hash("sha256", token, "base64")}`;
}

/** What a signing key is for: its day, Region and service. */
function scopeOf({ date, region, service }: SessionRequest): string {
  return `${date}/${region}/${service}`;
}
