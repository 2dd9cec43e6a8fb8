/** Uses key pairs: cheap jobs at once, dear ones in custody's threads, RSA pairs from those that are ready. */

import { UnsupportedOperationException } from "../base/errors.ts";
import type { PairBytes } from "./curve-pairs.ts";
import type { SigningInput } from "./custody.ts";
import type { PairHandle } from "./handles.ts";
import { findDearMs, type KeyJobs, keyJobs } from "./key-jobs.ts";
import { findPublicKey } from "./key-pairs.ts";
import type { KeyWorkers } from "./key-workers.ts";
import type { Primitives } from "./primitives.ts";
import { ReadyPairs, type ReadySizes } from "./ready-pairs.ts";
import { encryptOaep, type OaepHash } from "./rsa.ts";
import { preparedInput } from "./signatures.ts";

/** For whom a job is done: accounts are served in turn. */
export interface JobOwner {
  readonly account: string;
  readonly spec: string;
}

/** How key pairs encrypt. */
export type PairEncryption = OaepHash | "sm2";

/**
 * What custody does with key pairs.
 *
 * @throws ThrottlingException by every dear job: too many are waiting
 * @throws UnsupportedOperationException the key is an SM2 key and OpenSSL can't be reached
 */
export class PairUse {
  readonly #primitives: Primitives;
  readonly #jobs: KeyJobs;
  readonly #workers: KeyWorkers;
  readonly #ready: ReadyPairs;

  /** @param sizes how many pairs of each spec are made ahead of time */
  constructor(primitives: Primitives, workers: KeyWorkers, sizes: ReadySizes) {
    this.#primitives = primitives;
    this.#jobs = keyJobs(primitives);
    this.#workers = workers;
    this.#ready = new ReadyPairs((spec) => workers.runWhenIdle("newPair", spec), sizes);
  }

  /** Begins to make RSA pairs ahead of time. */
  fillReadyPairs(): void {
    this.#ready.fill();
  }

  /** A new pair, which is the caller's to wipe. */
  async newPair(owner: JobOwner): Promise<PairBytes> {
    return await this.#do(owner, "newPair", owner.spec);
  }

  /** The same, and at once where one is ready. Keys are made too seldom to keep pairs for them. */
  async takePair(owner: JobOwner): Promise<PairBytes> {
    return this.#ready.take(owner.spec) ?? (await this.newPair(owner));
  }

  async sign({ row, privateKey, spki }: PairHandle, input: SigningInput): Promise<Uint8Array> {
    return await this.#do(row, "sign", privateKey, ownMemory(preparedInput(spki, input)));
  }

  async verify({ row, publicKey, spki }: PairHandle, input: SigningInput, signature: Uint8Array): Promise<boolean> {
    return await this.#do(row, "verify", publicKey, ownMemory(preparedInput(spki, input)), new Uint8Array(signature));
  }

  async encrypt(handle: PairHandle, how: PairEncryption, plaintext: Uint8Array): Promise<Uint8Array> {
    if (how !== "sm2") return encryptOaep(handle, how, plaintext);
    const copy = new Uint8Array(plaintext);
    try {
      return await this.#do(handle.row, "encryptSm2", handle.publicKey, copy);
    } finally {
      copy.fill(0);
    }
  }

  /** The plaintext, which is the caller's to wipe; undefined when the ciphertext does not open. */
  async decrypt(
    { row, privateKey }: Pick<PairHandle, "privateKey"> & { readonly row: JobOwner },
    how: PairEncryption,
    ciphertext: Uint8Array,
  ): Promise<Uint8Array | undefined> {
    const copy = new Uint8Array(ciphertext);
    if (how === "sm2") return await this.#do(row, "openSm2", privateKey, copy);
    return await this.#do(row, "openOaep", privateKey, how, copy);
  }

  /** The ECDH secret, which is the caller's to wipe; undefined when the peer is no public key of the spec. */
  async agree({ row, privateKey }: PairHandle, peer: Uint8Array): Promise<Uint8Array | undefined> {
    const publicKey = findPublicKey(row.spec, peer);
    return publicKey === undefined ? undefined : await this.#do(row, "agree", row.spec, privateKey, publicKey);
  }

  close(): void {
    this.#ready.close();
    this.#workers.close();
  }

  #do<K extends keyof KeyJobs>(
    { account, spec }: JobOwner,
    job: K,
    ...args: Parameters<KeyJobs[K]>
  ): ReturnType<KeyJobs[K]> | Promise<ReturnType<KeyJobs[K]>> {
    if (spec === "SM2" && this.#primitives.sm2 === undefined) {
      throw new UnsupportedOperationException(
        "Keystead has no SM2 where the OpenSSL inside Node can't be used directly.",
      );
    }
    const ms = findDearMs(job, spec);
    if (ms !== undefined) return this.#workers.run({ account, ms }, job, ...args);
    const perform = this.#jobs[job] as (...given: Parameters<KeyJobs[K]>) => ReturnType<KeyJobs[K]>;
    return perform(...args);
  }
}

/** Of a view that is passed to a thread, all of its memory is copied: strangers' bytes must not be. */
function ownMemory(input: SigningInput): SigningInput {
  return { ...input, message: new Uint8Array(input.message) };
}
