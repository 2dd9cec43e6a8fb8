/** The tokens behind custom key stores: who logs in where, and what is asked of them. Passwords never leave custody. */

import { randomBytes } from "node:crypto";
import type { ExternalCiphertext } from "../custody.ts";
import type { KeyStoreSecretName, KeyStoreSecrets } from "../key-store-secrets.ts";
import { Nonces } from "../nonces.ts";
import type { Secret } from "../secret.ts";
import { decodePasswords, encodePasswords, isSamePassword, newPassword } from "./passwords.ts";
import type { TokenRequestName, TokenRequests } from "./requests.ts";
import { TokenError } from "./token-errors.ts";
import { type SessionLimits, type TokenPlace, TokenSession } from "./token-session.ts";

const IV_BYTES = 12;
const TAG_BYTES = 16;
const KEY_ID_BYTES = 16;

/** A key store's user of a token: whose password it is, sealed, and where the token is. */
export interface TokenUser {
  readonly name: KeyStoreSecretName;
  readonly sealed: Uint8Array;
  readonly place: TokenPlace;
}

/** A key that was made in a token. */
export interface TokenKey {
  /** Its CKA_ID, in hex: by this it is found. */
  readonly id: string;
  /** By which the library called it when it was made. */
  readonly handle: string;
}

interface Entry {
  readonly user: TokenUser;
  readonly sessions: TokenSession[];
}

/** Sessions with tokens, those of one key store as one user; made when they are first needed. */
export class Tokens {
  readonly #secrets: KeyStoreSecrets;
  readonly #options: { readonly limits?: SessionLimits; readonly module?: string };
  readonly #entries = new Map<string, Entry>();
  readonly #nonces = new Nonces();

  /** @param options.module the program of the processes that have the libraries (tests) */
  constructor(secrets: KeyStoreSecrets, options: { readonly limits?: SessionLimits; readonly module?: string } = {}) {
    this.#secrets = secrets;
    this.#options = options;
  }

  /** Seals a password that a user was given; it is borrowed. */
  async sealPassword(name: KeyStoreSecretName, password: Uint8Array): Promise<Uint8Array> {
    using encoded = encodePasswords([password]);
    return await this.#secrets.seal(name, encoded.bytes);
  }

  /** Whether a password is the one that was sealed. */
  async isPassword(name: KeyStoreSecretName, sealed: Uint8Array, password: Uint8Array): Promise<boolean> {
    return await this.#withPasswords({ name, sealed }, ([only, ...others]) =>
      Promise.resolve(only !== undefined && others.length === 0 && isSamePassword(only.bytes, password)),
    );
  }

  /**
   * What has to be stored before a password is changed: the one that holds, and the one that is to be. So no moment is one in which
   * nobody knows it. Where such a change was begun before, that is the one to finish.
   */
  async beginChange(user: TokenUser): Promise<Uint8Array> {
    if (!user.place.changesPassword) return user.sealed;
    return await this.#withPasswords(user, async (passwords) => {
      if (passwords.length > 1) return user.sealed;
      using next = newPassword();
      using encoded = encodePasswords([...passwords.map(({ bytes }) => bytes), next.bytes]);
      return await this.#secrets.seal(user.name, encoded.bytes);
    });
  }

  /**
   * Logs in, and changes the password to the one that `beginChange` has chosen.
   *
   * @returns what is to be stored from now on; the session goes on under it
   * @throws TokenError
   */
  async connect(user: TokenUser): Promise<Uint8Array> {
    this.drop(user.name);
    const session = this.#newSession(user);
    try {
      const which = await session.open();
      const sealed = await this.#withPasswords(user, async (passwords) => {
        const [current, next] = [passwords[which], passwords.at(-1)];
        if (current === undefined || next === undefined) throw new Error("A key store without a password");
        if (current !== next) {
          await session.ask("changePin", { current: current.bytes.slice(), next: next.bytes.slice() });
        }
        using encoded = encodePasswords([next.bytes]);
        return await this.#secrets.seal(user.name, encoded.bytes);
      });
      this.#entries.set(nameOf(user.name), { user: { ...user, sealed }, sessions: [session] });
      return sealed;
    } catch (cause) {
      session.close();
      throw cause;
    }
  }

  /**
   * Makes a key under an id that is new. What comes of it is told by `label` to whoever looks into the token.
   *
   * @param id its CKA_ID, as `newTokenKeyId` makes them
   */
  async generateKey(
    user: TokenUser,
    { id, label }: { readonly id: string; readonly label: string },
  ): Promise<TokenKey> {
    return { id, handle: await this.#ask(user, "generateKey", { id: Uint8Array.fromHex(id), label }) };
  }

  /** Encrypts with AES-GCM under a key of the token. */
  async encrypt(
    user: TokenUser,
    { id, text, aad }: { readonly id: string; readonly text: Uint8Array; readonly aad: Uint8Array },
  ): Promise<ExternalCiphertext> {
    const given = new Uint8Array(IV_BYTES);
    if (user.place.vectorsBy === "caller") this.#nonces.fill(given);
    const { iv, sealed } = await this.#ask(user, "encrypt", { id: Uint8Array.fromHex(id), iv: given, aad, text });
    // A token that was to choose and left the zeros would use one vector for everything.
    if (iv.every((byte) => byte === 0)) throw new TokenError("unreachable", "The token made no initialization vector.");
    const tagAt = sealed.length - TAG_BYTES;
    if (tagAt !== text.length) throw new TokenError("unreachable", "The token's ciphertext has another length.");
    const metadata = new Uint8Array(0);
    return { iv, tag: sealed.slice(tagAt), metadata, ciphertext: sealed.slice(0, tagAt) };
  }

  /** Opens what `encrypt` made; undefined where it does not open. */
  async decrypt(
    user: TokenUser,
    { id, outer, aad }: { readonly id: string; readonly outer: ExternalCiphertext; readonly aad: Uint8Array },
  ): Promise<Uint8Array | undefined> {
    if (outer.iv.length !== IV_BYTES || outer.metadata.length > 0) return undefined;
    const text = new Uint8Array(Buffer.concat([outer.ciphertext, outer.tag]));
    return await this.#ask(user, "decrypt", { id: Uint8Array.fromHex(id), iv: outer.iv, aad, text });
  }

  /** Destroys a key; says whether it was there. */
  async destroy(user: TokenUser, id: string): Promise<boolean> {
    return (await this.#ask(user, "destroy", { id: Uint8Array.fromHex(id) })) > 0;
  }

  /** Bytes of the token's generator, which are the caller's to wipe. */
  async random(user: TokenUser, lengthBytes: number): Promise<Uint8Array> {
    return await this.#ask(user, "random", { lengthBytes });
  }

  /** Logs out of a key store's token, if anybody is logged in. */
  drop(name: Pick<KeyStoreSecretName, "keyStoreId" | "region">): void {
    const entry = this.#entries.get(nameOf(name));
    this.#entries.delete(nameOf(name));
    for (const session of entry?.sessions ?? []) session.close();
  }

  /** Whether a key store has sessions. */
  isOpen(name: Pick<KeyStoreSecretName, "keyStoreId" | "region">): boolean {
    return this.#entries.has(nameOf(name));
  }

  /** Whether the sessions of a key store, if it has any, are of the user that it has now. */
  isOf({ name, sealed }: Pick<TokenUser, "name" | "sealed">): boolean {
    const entry = this.#entries.get(nameOf(name));
    return entry === undefined || Buffer.from(entry.user.sealed).equals(sealed);
  }

  /** The processes that have libraries. */
  get pids(): readonly number[] {
    return [...this.#entries.values()].flatMap(({ sessions }) => sessions.flatMap(({ pid }) => pid ?? []));
  }

  /** Logs out everywhere. */
  close(): void {
    for (const { user } of [...this.#entries.values()]) this.drop(user.name);
  }

  #ask<N extends TokenRequestName>(
    user: TokenUser,
    name: N,
    args: TokenRequests[N]["args"],
  ): Promise<TokenRequests[N]["value"]> {
    return this.#sessionOf(user).ask(name, args);
  }

  /** An idle session, a new one, or the one with the least to do. */
  #sessionOf(user: TokenUser): TokenSession {
    const entry = this.#entryOf(user);
    const [first] = entry.sessions.toSorted((left, right) => left.load - right.load);
    if (first !== undefined && (first.load === 0 || entry.sessions.length >= user.place.sessions)) return first;
    const session = this.#newSession(user);
    entry.sessions.push(session);
    return session;
  }

  #entryOf(user: TokenUser): Entry {
    const name = nameOf(user.name);
    const found = this.#entries.get(name);
    if (found !== undefined && found.user.place === user.place && this.isOf(user)) return found;
    this.drop(user.name);
    const entry = { user, sessions: [] };
    this.#entries.set(name, entry);
    return entry;
  }

  #newSession(user: TokenUser): TokenSession {
    return new TokenSession({
      place: user.place,
      pins: () => this.#open(user),
      ...this.#options,
    });
  }

  async #open({ name, sealed }: Pick<TokenUser, "name" | "sealed">): Promise<readonly Secret[]> {
    using encoded = await this.#secrets.unseal(name, sealed);
    return decodePasswords(encoded);
  }

  async #withPasswords<T>(
    user: Pick<TokenUser, "name" | "sealed">,
    body: (passwords: readonly Secret[]) => Promise<T>,
  ): Promise<T> {
    const passwords = await this.#open(user);
    try {
      return await body(passwords);
    } finally {
      for (const password of passwords) password[Symbol.dispose]();
    }
  }
}

/** A new CKA_ID, in hex. */
export function newTokenKeyId(): string {
  return randomBytes(KEY_ID_BYTES).toString("hex");
}

function nameOf({ region, keyStoreId }: Pick<KeyStoreSecretName, "keyStoreId" | "region">): string {
  return `${region}/${keyStoreId}`;
}
