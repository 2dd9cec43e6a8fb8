/** Root keys: what opens a store's domain keys, and seals nothing else. */

import { createSecretKey, type KeyObject } from "node:crypto";
import type { RecipientKind } from "./custody.ts";
import { deriveKey } from "./kdf.ts";
import { decodeRootSecret, encodeRootSecret, groupRootSecret, ROOT_SECRET_BYTES } from "./root-key-text.ts";
import { Secret } from "./secret.ts";

const NO_CONTEXT = new Uint8Array(0);

/**
 * One root key, reduced to what the server needs of it. The secret itself is wiped as soon as this exists.
 *
 * Both members are derived from the secret by SP 800-108: neither leads back to it.
 */
export class RootKey {
  /** 32 hex digits that tell one root key from another and nothing more (Label `keystead/root/id/1`). */
  readonly id: string;
  readonly kind: RecipientKind;
  readonly #sealing: KeyObject;

  /** Takes `secret` (32 bytes) over and wipes it. */
  constructor(kind: RecipientKind, secret: Secret) {
    using owned = secret;
    if (owned.bytes.length !== ROOT_SECRET_BYTES) throw new Error("A root key has 32 bytes");
    const root = createSecretKey(owned.bytes);
    this.kind = kind;
    this.id = deriveKey(root, "keystead/root/id/1", NO_CONTEXT, 16).toHex();
    using sealing = new Secret(deriveKey(root, "keystead/root/seal/1", NO_CONTEXT, 32));
    this.#sealing = createSecretKey(sealing.bytes);
  }

  /** The AES-256-GCM key that seals this recipient's copies of domain keys (Label `keystead/root/seal/1`). */
  get sealing(): KeyObject {
    return this.#sealing;
  }
}

/** A root key that nobody keeps: the store dies with the process (`keystead dev` in memory). */
export function ephemeralRootKey(): RootKey {
  return new RootKey("ephemeral", Secret.random(ROOT_SECRET_BYTES));
}

/**
 * A root key from an environment variable, in the text form of a root key file or a recovery key.
 *
 * For development only, which the caller enforces: other processes of the user can read an environment, and this one can't
 * wipe it.
 *
 * @throws RootKeyFormatError the text is not a root key, or a character of it is wrong
 */
export function readEnvironmentRootKey(value: string): RootKey {
  using text = new Secret(new TextEncoder().encode(value));
  return new RootKey("environment", decodeRootSecret(text.bytes));
}

/**
 * A new recovery key: a root key that is kept on paper, away from the machine.
 *
 * @returns the root key, and the text to print once, as ASCII without a line end; the caller disposes of it
 */
export function createRecoveryKey(): { readonly rootKey: RootKey; readonly text: Secret } {
  const secret = Secret.random(ROOT_SECRET_BYTES);
  using line = encodeRootSecret(secret);
  return { text: groupRootSecret(line), rootKey: new RootKey("recovery", secret) };
}

/**
 * Reads a recovery key as somebody typed it: letter case, spaces, hyphens and line ends don't matter, and O, I and L are
 * taken for 0 and 1.
 *
 * @param text borrowed: its owner wipes it
 * @throws RootKeyFormatError the text is not a root key, or a character of it is wrong
 */
export function readRecoveryKey(text: Uint8Array): RootKey {
  return new RootKey("recovery", decodeRootSecret(text));
}
