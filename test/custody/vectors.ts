/** Published vectors read from `test/vectors`, and the keys that they give. */

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import type { SigningInput } from "../../src/custody/custody.ts";
import { findPublicKey } from "../../src/custody/key-pairs.ts";
import { choosePrimitives } from "../../src/custody/primitives.ts";
import { preparedInput, verify } from "../../src/custody/signatures.ts";

const { primitives } = await choosePrimitives();

/** A test of Project Wycheproof. Members beside these are those of the group's kind. */
export interface WycheproofTest {
  readonly tcId: number;
  readonly comment: string;
  readonly result: "valid" | "acceptable" | "invalid";
  readonly flags: readonly string[];
}

/** What a failing test is called. */
export function nameOf({ tcId, comment, result }: WycheproofTest): string {
  return `${tcId} ${comment} (${result})`;
}

/** A file of Project Wycheproof. `G` is what its groups have beside their tests. */
export interface WycheproofFile<G, T> {
  readonly source: string;
  readonly numberOfTests: number;
  readonly groups: readonly (G & { readonly tests: readonly (WycheproofTest & T)[] })[];
}

/** A file of vectors. `path` is below `test/vectors`, without `.json.gz`. */
export function vectorsOf<F>(path: string): F {
  const file = new URL(`../vectors/${path}.json.gz`, import.meta.url);
  return JSON.parse(gunzipSync(readFileSync(file)).toString("utf8")) as F;
}

/** Bytes of hex digits, of either case. */
export function hex(text: string): Uint8Array {
  return Uint8Array.fromHex(text);
}

/** Verifies with a public key alone, which is all that such vectors have; undefined when the key is none of the spec. */
export function verifierOf(
  spec: string,
  spki: Uint8Array,
): ((input: SigningInput, signature: Uint8Array) => Promise<boolean>) | undefined {
  const publicKey = findPublicKey(spec, spki);
  if (publicKey === undefined) return undefined;
  return async (input, signature) => verify(publicKey, { input: preparedInput(spki, input), signature }, primitives);
}

/** Counts things by name. */
export class Tally {
  readonly #counts = new Map<string, number>();

  add(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  toObject(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#counts].sort());
  }
}
