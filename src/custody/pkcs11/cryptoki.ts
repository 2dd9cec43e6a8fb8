/** A PKCS #11 library, reached through `node:ffi`: the few functions that key stores need, as one session of one token. */

import { findFfi } from "../ffi.ts";
import { Arena } from "./arena.ts";
import { returned } from "./return-values.ts";

type Ffi = NonNullable<ReturnType<typeof findFfi>>;

/** CK_ULONG has 64 bits on every platform that there is a package of Node for (PKCS #11 2.40, Platform- and compiler-dependent directives). */
const definitions = {
  C_Initialize: { return: "u64", arguments: ["pointer"] },
  C_Finalize: { return: "u64", arguments: ["pointer"] },
  C_GetSlotList: { return: "u64", arguments: ["u8", "pointer", "pointer"] },
  C_GetTokenInfo: { return: "u64", arguments: ["u64", "pointer"] },
  C_OpenSession: { return: "u64", arguments: ["u64", "u64", "pointer", "pointer", "pointer"] },
  C_Login: { return: "u64", arguments: ["u64", "u64", "pointer", "u64"] },
  C_SetPIN: { return: "u64", arguments: ["u64", "pointer", "u64", "pointer", "u64"] },
  C_GenerateKey: { return: "u64", arguments: ["u64", "pointer", "pointer", "u64", "pointer"] },
  C_FindObjectsInit: { return: "u64", arguments: ["u64", "pointer", "u64"] },
  C_FindObjects: { return: "u64", arguments: ["u64", "pointer", "u64", "pointer"] },
  C_FindObjectsFinal: { return: "u64", arguments: ["u64"] },
  C_EncryptInit: { return: "u64", arguments: ["u64", "pointer", "u64"] },
  C_Encrypt: { return: "u64", arguments: ["u64", "pointer", "u64", "pointer", "pointer"] },
  C_DecryptInit: { return: "u64", arguments: ["u64", "pointer", "u64"] },
  C_Decrypt: { return: "u64", arguments: ["u64", "pointer", "u64", "pointer", "pointer"] },
  C_DestroyObject: { return: "u64", arguments: ["u64", "u64"] },
  C_GenerateRandom: { return: "u64", arguments: ["u64", "pointer", "u64"] },
} as const;

const CKF_OS_LOCKING_OK = 2n;
const CKF_RW_SESSION = 2n;
const CKF_SERIAL_SESSION = 4n;
const CKU_USER = 1n;
const CKO_SECRET_KEY = 4n;
const CKK_AES = 0x1fn;
const CKM_AES_KEY_GEN = 0x1080n;
const CKM_AES_GCM = 0x1087n;
const CKA_CLASS = 0x000n;
const CKA_TOKEN = 0x001n;
const CKA_PRIVATE = 0x002n;
const CKA_LABEL = 0x003n;
const CKA_KEY_TYPE = 0x100n;
const CKA_ID = 0x102n;
const CKA_SENSITIVE = 0x103n;
const CKA_ENCRYPT = 0x104n;
const CKA_DECRYPT = 0x105n;
const CKA_WRAP = 0x106n;
const CKA_UNWRAP = 0x107n;
const CKA_VALUE_LEN = 0x161n;
const CKA_EXTRACTABLE = 0x162n;

const KEY_BYTES = 32n;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const SLOTS_MAX = 256;
const TOKEN_INFO_BYTES = 208;
const LABEL_BYTES = 32;

/** What is wrong where the library can't be used at all; it has no PKCS #11 code. */
export class LibraryError extends Error {
  override readonly name = "LibraryError";
}

/** What AES-GCM takes beside key and text. */
export interface GcmInput {
  /** 12 bytes; zeros where the token makes its own, which it writes there (AWS CloudHSM). */
  readonly iv: Uint8Array;
  readonly aad: Uint8Array;
  readonly text: Uint8Array;
}

/** What of AES-GCM comes out: the vector that was used, and the ciphertext with its tag behind it. */
export interface GcmOutput {
  readonly iv: Uint8Array;
  readonly sealed: Uint8Array;
}

/**
 * One session of a user with a token, over a library that this process has to itself. Every function blocks, and throws CryptokiError
 * with what the library returned.
 */
export class Cryptoki implements Disposable {
  readonly #c: ReturnType<typeof load>;
  readonly #arena: Arena;
  #session = 0n;

  /**
   * Loads and initializes the library.
   *
   * @throws LibraryError it can't be loaded, or lacks a function
   * @throws CryptokiError it does not initialize
   */
  constructor(path: string) {
    const ffi = findFfi();
    if (ffi === undefined) throw new LibraryError("This process can't load libraries: it has no node:ffi.");
    this.#c = load(ffi, path);
    this.#arena = new Arena((bytes) => ffi.getRawPointer(bytes));
    // CK_C_INITIALIZE_ARGS: four functions of ours, of which there are none; flags; reserved.
    this.#call((arena) =>
      returned(this.#c.C_Initialize(arena.words([0n, 0n, 0n, 0n, CKF_OS_LOCKING_OK, 0n])), "C_Initialize"),
    );
  }

  /**
   * Opens a session with the token of that label and logs its user in.
   *
   * @throws LibraryError there is no such token
   */
  logIn(tokenLabel: string, pin: Uint8Array): void {
    const slot = this.#findSlot(tokenLabel);
    if (slot === undefined) throw new LibraryError("The library has no token of that label.");
    if (this.#session === 0n) {
      this.#session = this.#call((arena) => {
        const handle = arena.room(8);
        returned(
          this.#c.C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, 0n, 0n, handle.pointer),
          "C_OpenSession",
        );
        return handle.word();
      });
    }
    this.#call((arena) =>
      returned(this.#c.C_Login(this.#session, CKU_USER, arena.bytes(pin), BigInt(pin.length)), "C_Login"),
    );
  }

  /** Gives the user another password. */
  setPin(current: Uint8Array, next: Uint8Array): void {
    this.#call((arena) => {
      const [from, to] = [arena.bytes(current), arena.bytes(next)];
      returned(this.#c.C_SetPIN(this.#session, from, BigInt(current.length), to, BigInt(next.length)), "C_SetPIN");
    });
  }

  /** Makes an AES-256 key that stays in the token and can't be taken out of it; returns its handle. */
  generateKey({ label, id }: { readonly label: string; readonly id: Uint8Array }): bigint {
    return this.#call((arena) => {
      const flag = (type: bigint, value: boolean) => [type, Uint8Array.of(value ? 1 : 0)] as const;
      const template = attributes(arena, [
        flag(CKA_TOKEN, true),
        flag(CKA_PRIVATE, true),
        flag(CKA_SENSITIVE, true),
        flag(CKA_EXTRACTABLE, false),
        flag(CKA_ENCRYPT, true),
        flag(CKA_DECRYPT, true),
        flag(CKA_WRAP, false),
        flag(CKA_UNWRAP, false),
        [CKA_VALUE_LEN, wordBytes(KEY_BYTES)],
        [CKA_LABEL, new TextEncoder().encode(label)],
        [CKA_ID, id],
      ]);
      const handle = arena.room(8);
      const mechanism = arena.words([CKM_AES_KEY_GEN, 0n, 0n]);
      returned(
        this.#c.C_GenerateKey(this.#session, mechanism, template.pointer, template.count, handle.pointer),
        "C_GenerateKey",
      );
      return handle.word();
    });
  }

  /** The handles of the user's AES keys with that id; normally one. */
  findKeys(id: Uint8Array): readonly bigint[] {
    return this.#call((arena) => {
      const template = attributes(arena, [
        [CKA_CLASS, wordBytes(CKO_SECRET_KEY)],
        [CKA_KEY_TYPE, wordBytes(CKK_AES)],
        [CKA_ID, id],
      ]);
      returned(this.#c.C_FindObjectsInit(this.#session, template.pointer, template.count), "C_FindObjectsInit");
      try {
        const most = 8;
        const [handles, count] = [arena.room(8 * most), arena.room(8)];
        returned(this.#c.C_FindObjects(this.#session, handles.pointer, BigInt(most), count.pointer), "C_FindObjects");
        return Array.from({ length: Number(count.word()) }, (_, index) => handles.word(index));
      } finally {
        this.#c.C_FindObjectsFinal(this.#session);
      }
    });
  }

  /** AES-GCM with a tag of 16 bytes (PKCS #11 2.40, AES-GCM). */
  encrypt(key: bigint, { iv, aad, text }: GcmInput): GcmOutput {
    return this.#call((arena) => {
      const { mechanism, ivRoom } = gcm(arena, iv, aad);
      returned(this.#c.C_EncryptInit(this.#session, mechanism, key), "C_EncryptInit");
      const input = arena.bytes(text);
      const [output, length] = [arena.room(text.length + TAG_BYTES), arena.room(8)];
      length.setWord(BigInt(text.length + TAG_BYTES));
      returned(
        this.#c.C_Encrypt(this.#session, input, BigInt(text.length), output.pointer, length.pointer),
        "C_Encrypt",
      );
      return { iv: ivRoom.copy(IV_BYTES), sealed: output.copy(Number(length.word())) };
    });
  }

  /** Opens what `encrypt` makes: the text is ciphertext and tag. */
  decrypt(key: bigint, { iv, aad, text }: GcmInput): Uint8Array {
    return this.#call((arena) => {
      returned(this.#c.C_DecryptInit(this.#session, gcm(arena, iv, aad).mechanism, key), "C_DecryptInit");
      const input = arena.bytes(text);
      // The tag's room too: libraries ask for as much as they were given.
      const [output, length] = [arena.room(text.length), arena.room(8)];
      length.setWord(BigInt(text.length));
      returned(
        this.#c.C_Decrypt(this.#session, input, BigInt(text.length), output.pointer, length.pointer),
        "C_Decrypt",
      );
      return output.copy(Number(length.word()));
    });
  }

  destroy(key: bigint): void {
    returned(this.#c.C_DestroyObject(this.#session, key), "C_DestroyObject");
  }

  /** Bytes of the token's generator. */
  random(lengthBytes: number): Uint8Array {
    return this.#call((arena) => {
      const room = arena.room(lengthBytes);
      returned(this.#c.C_GenerateRandom(this.#session, room.pointer, BigInt(lengthBytes)), "C_GenerateRandom");
      return room.copy(lengthBytes);
    });
  }

  /** Ends the session, and with it the login. */
  [Symbol.dispose](): void {
    this.#c.C_Finalize(0n);
  }

  #findSlot(tokenLabel: string): bigint | undefined {
    return this.#call((arena) => {
      const [slots, count, info] = [arena.room(8 * SLOTS_MAX), arena.room(8), arena.room(TOKEN_INFO_BYTES)];
      count.setWord(BigInt(SLOTS_MAX));
      const PRESENT = 1;
      returned(this.#c.C_GetSlotList(PRESENT, slots.pointer, count.pointer), "C_GetSlotList");
      for (let index = 0; index < Number(count.word()); index += 1) {
        const slot = slots.word(index);
        returned(this.#c.C_GetTokenInfo(slot, info.pointer), "C_GetTokenInfo");
        const label = new TextDecoder().decode(info.copy(LABEL_BYTES)).trimEnd();
        if (label === tokenLabel) return slot;
      }
      return undefined;
    });
  }

  /** Runs a call with memory of its own, which is wiped behind it. */
  #call<T>(body: (arena: Arena) => T): T {
    try {
      return body(this.#arena);
    } finally {
      this.#arena.wipe();
    }
  }
}

function load(ffi: Ffi, path: string) {
  try {
    return ffi.dlopen(path, definitions).functions;
  } catch (cause) {
    throw new LibraryError(`The PKCS #11 library ${path} can't be loaded.`, { cause });
  }
}

type Attribute = readonly [type: bigint, value: Uint8Array];

/** CK_ATTRIBUTE: type, pointer, length. */
function attributes(arena: Arena, list: readonly Attribute[]): { readonly pointer: bigint; readonly count: bigint } {
  const words = list.flatMap(([type, value]) => [type, arena.bytes(value), BigInt(value.length)]);
  return { pointer: arena.words(words), count: BigInt(list.length) };
}

/** CK_MECHANISM with CK_GCM_PARAMS: vector, its length in bytes and bits, AAD and its length, bits of the tag. */
function gcm(arena: Arena, iv: Uint8Array, aad: Uint8Array) {
  const PARAMETER_BYTES = 48n;
  const ivRoom = arena.room(IV_BYTES);
  ivRoom.fill(iv);
  const parameters = arena.words([
    ivRoom.pointer,
    BigInt(IV_BYTES),
    BigInt(8 * IV_BYTES),
    arena.bytes(aad),
    BigInt(aad.length),
    BigInt(8 * TAG_BYTES),
  ]);
  return { mechanism: arena.words([CKM_AES_GCM, parameters, PARAMETER_BYTES]), ivRoom };
}

function wordBytes(value: bigint): Uint8Array {
  return new Uint8Array(BigUint64Array.of(value).buffer);
}
