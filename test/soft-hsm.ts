/** SoftHSM for tests: a folder with a token, and what its officer and its user do there without Keystead. */

import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { findFfi } from "../src/custody/ffi.ts";
import { Arena } from "../src/custody/pkcs11/arena.ts";
import { returned } from "../src/custody/pkcs11/return-values.ts";
import type { TokenPlace } from "../src/custody/pkcs11/token-session.ts";
import { TemporaryDirectory } from "./faults/processes.ts";
import { present } from "./kms-client.ts";
import { SOFTHSM } from "./tools.ts";

const TOKEN = "cluster";
const OFFICER_PIN = "the officer's";
const [OFFICER, USER] = [0n, 1n];
const RW_SESSION = 6n;
const CKA = { VALUE: 0x11n, LABEL: 3n, KEY_TYPE: 0x100n, SENSITIVE: 0x103n, VALUE_LEN: 0x161n, EXTRACTABLE: 0x162n };

const definitions = {
  C_Initialize: { return: "u64", arguments: ["pointer"] },
  C_Finalize: { return: "u64", arguments: ["pointer"] },
  C_GetSlotList: { return: "u64", arguments: ["u8", "pointer", "pointer"] },
  C_InitToken: { return: "u64", arguments: ["u64", "pointer", "u64", "pointer"] },
  C_InitPIN: { return: "u64", arguments: ["u64", "pointer", "u64"] },
  C_OpenSession: { return: "u64", arguments: ["u64", "u64", "pointer", "pointer", "pointer"] },
  C_Login: { return: "u64", arguments: ["u64", "u64", "pointer", "u64"] },
  C_FindObjectsInit: { return: "u64", arguments: ["u64", "pointer", "u64"] },
  C_FindObjects: { return: "u64", arguments: ["u64", "pointer", "u64", "pointer"] },
  C_GetAttributeValue: { return: "u64", arguments: ["u64", "u64", "pointer", "u64"] },
  C_DestroyObject: { return: "u64", arguments: ["u64", "u64"] },
} as const;

/** A key as whoever is logged in sees it. */
export interface SeenKey {
  readonly label: string;
  readonly isAes: boolean;
  readonly lengthBytes: number;
  readonly sensitive: boolean;
  readonly extractable: boolean;
  /** Whether the token tells its value. */
  readonly isShown: boolean;
}

/** One token, in a folder of its own. */
export class SoftHsm implements Disposable {
  readonly #directory = new TemporaryDirectory();

  /** @param password of the token's user; without one it has no user yet */
  static start(password?: string): SoftHsm {
    const hsm = new SoftHsm();
    hsm.#using(({ c, arena, slot }) => {
      const label = arena.bytes(ascii(TOKEN.padEnd(32)));
      returned(c.C_InitToken(slot, arena.bytes(ascii(OFFICER_PIN)), BigInt(OFFICER_PIN.length), label), "C_InitToken");
    });
    if (password !== undefined) hsm.setPassword(password);
    return hsm;
  }

  private constructor() {
    mkdirSync(this.#tokens);
    writeFileSync(this.#directory.at("conf"), `directories.tokendir = ${this.#tokens}\nlog.level = ERROR\n`);
  }

  get #tokens(): string {
    return this.#directory.at("tokens");
  }

  get place(): TokenPlace {
    return {
      library: SOFTHSM,
      token: TOKEN,
      environment: { SOFTHSM2_CONF: this.#directory.at("conf") },
      userPrefix: "",
      vectorsBy: "caller",
      changesPassword: true,
      sessions: 1,
      timeoutMs: 10_000,
    };
  }

  /** What the officer does with `changePswd`. */
  setPassword(password: string): void {
    this.#using(({ c, arena, logIn }) => {
      const session = logIn(OFFICER, OFFICER_PIN);
      returned(c.C_InitPIN(session, arena.bytes(ascii(password)), BigInt(password.length)), "C_InitPIN");
    });
  }

  /** The keys that the user has. */
  keysOf(password: string): readonly SeenKey[] {
    return this.#using(({ c, arena, logIn }) => {
      const session = logIn(USER, password);
      return this.#find(c, arena, session).map((handle) => {
        const attribute = (type: bigint): Uint8Array | undefined => {
          const [room, template] = [arena.room(128), arena.room(24)];
          template.fill(new Uint8Array(BigUint64Array.of(type, room.pointer, 128n).buffer));
          if (c.C_GetAttributeValue(session, handle, template.pointer, 1n) !== 0n) return undefined;
          return room.copy(Number(template.word(2)));
        };
        return {
          label: new TextDecoder().decode(present(attribute(CKA.LABEL))),
          isAes: attribute(CKA.KEY_TYPE)?.[0] === 0x1f,
          lengthBytes: present(attribute(CKA.VALUE_LEN)?.[0]),
          sensitive: attribute(CKA.SENSITIVE)?.[0] === 1,
          extractable: attribute(CKA.EXTRACTABLE)?.[0] === 1,
          isShown: attribute(CKA.VALUE) !== undefined,
        };
      });
    });
  }

  /** Destroys every key that the user has. */
  destroyKeysOf(password: string): void {
    this.#using(({ c, arena, logIn }) => {
      const session = logIn(USER, password);
      for (const handle of this.#find(c, arena, session))
        returned(c.C_DestroyObject(session, handle), "C_DestroyObject");
    });
  }

  /** What a backup of this one becomes: another one with all that is in it. */
  restored(): SoftHsm {
    const hsm = new SoftHsm();
    cpSync(this.#tokens, hsm.#tokens, { recursive: true });
    return hsm;
  }

  /** Takes the token away. */
  remove(): void {
    rmSync(this.#tokens, { recursive: true });
    mkdirSync(this.#tokens);
  }

  [Symbol.dispose](): void {
    this.#directory[Symbol.dispose]();
  }

  #find(c: Functions, arena: Arena, session: bigint): readonly bigint[] {
    const [handles, count] = [arena.room(8 * 64), arena.room(8)];
    returned(c.C_FindObjectsInit(session, 0n, 0n), "C_FindObjectsInit");
    returned(c.C_FindObjects(session, handles.pointer, 64n, count.pointer), "C_FindObjects");
    return Array.from({ length: Number(count.word()) }, (_, index) => handles.word(index));
  }

  /** Uses the library in this process, which nobody else does. */
  #using<T>(body: (parts: Parts) => T): T {
    const ffi = present(findFfi());
    const c = functionsOf(ffi);
    process.env["SOFTHSM2_CONF"] = this.#directory.at("conf");
    const arena = new Arena((bytes) => ffi.getRawPointer(bytes));
    returned(c.C_Initialize(0n), "C_Initialize");
    try {
      const [slots, count] = [arena.room(64), arena.room(8)];
      count.setWord(8n);
      returned(c.C_GetSlotList(1, slots.pointer, count.pointer), "C_GetSlotList");
      const slot = slots.word();
      const logIn = (who: bigint, pin: string): bigint => {
        const session = arena.room(8);
        returned(c.C_OpenSession(slot, RW_SESSION, 0n, 0n, session.pointer), "C_OpenSession");
        returned(c.C_Login(session.word(), who, arena.bytes(ascii(pin)), BigInt(pin.length)), "C_Login");
        return session.word();
      };
      return body({ c, arena, slot, logIn });
    } finally {
      c.C_Finalize(0n);
    }
  }
}

type Functions = ReturnType<typeof functionsOf>;

interface Parts {
  readonly c: Functions;
  readonly arena: Arena;
  readonly slot: bigint;
  logIn(who: bigint, pin: string): bigint;
}

function functionsOf(ffi: NonNullable<ReturnType<typeof findFfi>>) {
  return ffi.dlopen(SOFTHSM, definitions).functions;
}

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
