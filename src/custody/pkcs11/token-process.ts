/** The process that has one PKCS #11 library: it serves one request after the other, and its death is nobody else's. */

import { isDeepStrictEqual } from "node:util";
import { Cryptoki } from "./cryptoki.ts";
import {
  passwordsIn,
  type TokenReply,
  type TokenRequest,
  type TokenRequestName,
  type TokenRequests,
} from "./requests.ts";
import { CKR, CryptokiError } from "./return-values.ts";

class MissingKeyError extends Error {
  override readonly name = "MissingKeyError";
}

/** By which a library says that a handle leads nowhere: the key was destroyed, or the token made it anew. */
const STALE: readonly number[] = [CKR.KEY_HANDLE_INVALID, CKR.OBJECT_HANDLE_INVALID];

/** By which a library may say that a ciphertext does not open, and other things as well. */
const UNOPENED: readonly number[] = [
  CKR.ENCRYPTED_DATA_INVALID,
  CKR.ENCRYPTED_DATA_LEN_RANGE,
  CKR.GENERAL_ERROR,
  CKR.FUNCTION_FAILED,
];

/** Handles that are kept; there is one for each key. */
const HANDLES_MAX = 10_000;

const handles = new Map<string, bigint>();
let cryptoki: Cryptoki | undefined;

function library(): Cryptoki {
  if (cryptoki === undefined) throw new Error("No library is loaded.");
  return cryptoki;
}

/** Does something with a key, whose handle is looked for once more where the one that is kept is stale. */
function withKey<T>(id: Uint8Array, body: (handle: bigint) => T): T {
  const name = id.toHex();
  const kept = handles.get(name);
  if (kept !== undefined) {
    try {
      return body(kept);
    } catch (cause) {
      if (!(cause instanceof CryptokiError) || !STALE.includes(cause.code)) throw cause;
      handles.delete(name);
    }
  }
  const [found] = library().findKeys(id);
  if (found === undefined) throw new MissingKeyError("The token has no such key.");
  if (handles.size >= HANDLES_MAX) handles.clear();
  handles.set(name, found);
  return body(found);
}

/**
 * Whether a key works: libraries have no common word for a tag that does not fit (SoftHSM: general error), and what is wrong with the
 * token must not be told as what is wrong with a ciphertext.
 */
function isWell(handle: bigint): boolean {
  const [iv, text, aad] = [new Uint8Array(12), Uint8Array.of(1, 2, 3), Uint8Array.of(4)];
  try {
    const { iv: used, sealed } = library().encrypt(handle, { iv, aad, text });
    return isDeepStrictEqual(library().decrypt(handle, { iv: used, aad, text: sealed }), text);
  } catch {
    return false;
  }
}

const serve: { [N in TokenRequestName]: (args: TokenRequests[N]["args"]) => TokenRequests[N]["value"] } = {
  open({ library: path, token, pins }) {
    cryptoki ??= new Cryptoki(path);
    for (const [index, pin] of pins.entries()) {
      try {
        cryptoki.logIn(token, pin);
        return index;
      } catch (cause) {
        const isLast = index === pins.length - 1;
        if (isLast || !(cause instanceof CryptokiError) || cause.code !== CKR.PIN_INCORRECT) throw cause;
      }
    }
    throw new Error("No password was given.");
  },
  changePin({ current, next }) {
    library().setPin(current, next);
    return undefined;
  },
  generateKey({ id, label }) {
    const handle = library().generateKey({ id, label });
    handles.set(id.toHex(), handle);
    return String(handle);
  },
  encrypt: ({ id, ...input }) => withKey(id, (handle) => library().encrypt(handle, input)),
  decrypt: ({ id, ...input }) =>
    withKey(id, (handle) => {
      try {
        return library().decrypt(handle, input);
      } catch (cause) {
        if (!(cause instanceof CryptokiError) || !UNOPENED.includes(cause.code) || !isWell(handle)) throw cause;
        return undefined;
      }
    }),
  destroy({ id }) {
    handles.delete(id.toHex());
    const found = library().findKeys(id);
    for (const handle of found) library().destroy(handle);
    return found.length;
  },
  random: ({ lengthBytes }) => library().random(lengthBytes),
};

function reply(message: TokenReply): void {
  process.send?.(message);
}

process.on("message", ({ id, name, args }: TokenRequest) => {
  try {
    // What was asked for and its arguments were typed together by `TokenProcess.ask`.
    reply({ id, value: (serve[name] as (given: typeof args) => unknown)(args) });
  } catch (cause) {
    const error = cause instanceof Error ? cause.message : "A request failed.";
    const code = cause instanceof CryptokiError ? { code: cause.code } : {};
    reply({ id, error, ...code, ...(cause instanceof MissingKeyError && { missing: true as const }) });
  } finally {
    for (const pin of passwordsIn(args)) pin.fill(0);
  }
});

// Whoever started it is gone, or is done with it.
process.once("disconnect", () => {
  cryptoki?.[Symbol.dispose]();
  process.exit();
});
