/** What vouches for the platform that a request comes from: an attestation document under a root that the operator trusts. */

import { type KeyObject, verify } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import { AttestationError, parseSignedDocument, type SignedDocument } from "./attestation-document.ts";
import { KnownCertificates, requireValidAt, verifyChain } from "./certificate-chain.ts";

/** What a verified document says. */
export interface Attestation {
  readonly platform: "enclave" | "tpm";
  /** Such as `i-0123456789abcdef0-enc0123456789abcdef`. */
  readonly moduleId: string;
  /** Registers by index, in lower-case hex. */
  readonly pcrs: ReadonlyMap<number, string>;
  /** DER of the key that answers are encrypted to. */
  readonly publicKey: Uint8Array;
}

/** A document's age, and how far its time may be ahead of ours. */
const AGE_MS_MAX = 300_000;

/** Verifies attestation documents under the operator's roots. */
export class Attestations {
  readonly #roots: readonly Uint8Array[];
  readonly #clock: Clock;
  readonly #known = new KnownCertificates();

  /**
   * @param roots DER certificates (`parseRoots`)
   * @param clock the machine's: documents and certificates are dated by the hypervisors out there, as signatures are by their
   *   signers, and a development clock that was moved must neither revive an old document nor age a new one
   */
  constructor({ roots, clock }: { readonly roots: readonly Uint8Array[]; readonly clock: Clock }) {
    this.#roots = roots;
    this.#clock = clock;
  }

  /**
   * Verifies a document as a key management service should (attestation_process.md of the NSM API, section 3): its form, its age,
   * its certificates up to a root, and its signature. What is cheap comes first.
   *
   * @throws AttestationError it can't be relied on, or has no public key to answer to
   */
  verify(bytes: Uint8Array): Attestation {
    const signed = parseSignedDocument(bytes);
    const { platform, moduleId, timestamp, pcrs, certificate, cabundle, publicKey } = signed.document;
    const now = this.#clock.now();
    if (timestamp < now - AGE_MS_MAX) throw new AttestationError("it is older than five minutes");
    if (timestamp > now + AGE_MS_MAX) throw new AttestationError("its time lies ahead");
    if (publicKey === undefined) throw new AttestationError("it has no public key");
    const chain = verifyChain([...cabundle, certificate], this.#roots, this.#known);
    requireValidAt(chain, now);
    requireSignature(signed, chain.publicKey);
    return {
      platform,
      moduleId,
      pcrs: new Map(Array.from(pcrs, ([index, pcr]) => [index, pcr.toHex()])),
      publicKey,
    };
  }
}

function requireSignature({ signed, signature }: SignedDocument, key: KeyObject): void {
  if (!verify("sha384", signed, { key, dsaEncoding: "ieee-p1363" }, signature)) {
    throw new AttestationError("its signature is not one of its certificate's key");
  }
}
