/** Verifies attestation documents; what it takes is loaded with the first one, since most servers never see any. */

import type { Clock } from "../base/clock.ts";
import type { Attestation, Attestations } from "./attestation.ts";

export class AttestationVerifier {
  readonly #options: { readonly roots: readonly Uint8Array[]; readonly clock: Clock };
  #attestations: Promise<Attestations> | undefined;

  /** As for `Attestations`. */
  constructor(options: { readonly roots: readonly Uint8Array[]; readonly clock: Clock }) {
    this.#options = options;
  }

  /** Whether there is anything that a document could be verified under. */
  get hasRoots(): boolean {
    return this.#options.roots.length > 0;
  }

  /** As `Attestations.verify`. */
  async verify(bytes: Uint8Array): Promise<Attestation> {
    this.#attestations ??= import("./attestation.ts").then((loaded) => new loaded.Attestations(this.#options));
    return (await this.#attestations).verify(bytes);
  }
}
