/** The key of one backup: sealed to every root recipient in the file's header, so that any root key opens it without a store. */

import { createHash, createSecretKey, type KeyObject } from "node:crypto";
import { BackupOpener, BackupSealer } from "./backup-stream.ts";
import type { RecipientKind } from "./custody.ts";
import { DOMAIN_KEY_BYTES, openCopy, type Recipient, sealCopy } from "./domain-key-copy.ts";
import { WrongRootKeyError } from "./domain-keys.ts";
import { deriveKey } from "./kdf.ts";
import { Nonces } from "./nonces.ts";
import type { RootKey } from "./root-key.ts";
import { SealedRowError } from "./seal.ts";
import { Secret } from "./secret.ts";

/** A domain key that lives in one file alone, so it has no Region and no second version. */
const NAME = { region: "", purpose: "backup", version: 1 } as const;
const LABEL = "keystead/backup/1";

/** The backup key sealed to one root recipient, as the header has it. */
export interface BackupKeyCopy {
  /** 32 hex digits. */
  readonly recipient: string;
  readonly kind: RecipientKind;
  readonly sealed: Uint8Array;
}

/** The key of one file. What it seals and opens is under a key derived for the file's whole header, which is so authenticated. */
export class BackupKey {
  readonly copies: readonly BackupKeyCopy[];
  readonly #secret: KeyObject;

  private constructor(secret: Secret, copies: readonly BackupKeyCopy[]) {
    this.#secret = createSecretKey(secret.bytes);
    this.copies = copies;
  }

  /** A new key with a copy for each recipient. */
  static create(recipients: readonly (Recipient & { readonly kind: RecipientKind })[]): BackupKey {
    const nonces = new Nonces();
    using secret = Secret.random(DOMAIN_KEY_BYTES);
    const copies = recipients.map((recipient) => {
      const { id, kind } = recipient;
      return { recipient: id, kind, sealed: sealCopy(recipient, NAME, secret, nonces) };
    });
    return new BackupKey(secret, copies);
  }

  /**
   * Opens the key of a file.
   *
   * @throws WrongRootKeyError (domain-keys.ts) the file is sealed to other root keys
   * @throws SealedRowError (seal.ts) the copy was altered
   */
  static open(root: RootKey, copies: readonly BackupKeyCopy[]): BackupKey {
    const copy = copies.find(({ recipient }) => recipient === root.id);
    if (copy === undefined) {
      const known = copies.map(({ recipient, kind }) => `${recipient} (${kind})`).join(", ");
      throw new WrongRootKeyError(
        `Root key ${root.id} (${root.kind}) does not open this backup, which is sealed to: ${known || "none"}`,
      );
    }
    using secret = openCopy(root, NAME, copy.sealed);
    if (secret === undefined) throw new SealedRowError(`The backup's key does not open with root key ${root.id}`);
    return new BackupKey(secret, copies);
  }

  /** @param header the bytes of the file before its body */
  sealer(header: Uint8Array): BackupSealer {
    return new BackupSealer(this.#bodyKey(header));
  }

  /** @param header the bytes of the file before its body */
  opener(header: Uint8Array): BackupOpener {
    return new BackupOpener(this.#bodyKey(header));
  }

  #bodyKey(header: Uint8Array): KeyObject {
    const context = createHash("sha256").update(header).digest();
    using key = new Secret(deriveKey(this.#secret, LABEL, context, DOMAIN_KEY_BYTES));
    return createSecretKey(key.bytes);
  }
}
