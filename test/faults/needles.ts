/** Looks for secrets in bytes, in every form in which they could have slipped out. */

/** A secret in one form. */
interface Form {
  readonly name: string;
  readonly bytes: Buffer;
}

/** A whole secret, and its halves, which tell of a leak that was cut. */
export class Needle {
  readonly name: string;
  readonly #forms: readonly Form[];

  /** @param secret at least 16 bytes, so that no half is found by chance */
  constructor(name: string, secret: Uint8Array) {
    if (secret.length < 16) throw new Error("A needle needs 16 bytes.");
    this.name = name;
    const bytes = Buffer.from(secret);
    const middle = bytes.length >> 1;
    const pieces = [bytes, bytes.subarray(0, middle), bytes.subarray(middle)];
    this.#forms = pieces.flatMap(formsOf);
  }

  /** The forms in which the secret, or a half of it, lies in `hay`. */
  formsIn(hay: Uint8Array): readonly string[] {
    const bytes = Buffer.from(hay.buffer, hay.byteOffset, hay.byteLength);
    return [...new Set(this.#forms.filter((form) => bytes.includes(form.bytes)).map(({ name }) => name))];
  }
}

/** Something that is searched. */
export interface Hay {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Every find, as text that says what lies where and in which form, and never the secret. */
export function findNeedles(needles: readonly Needle[], hays: readonly Hay[]): readonly string[] {
  return hays.flatMap((hay) =>
    needles.flatMap((needle) => needle.formsIn(hay.bytes).map((form) => `${needle.name} in ${hay.name}, ${form}`)),
  );
}

function formsOf(secret: Buffer): readonly Form[] {
  const form = (name: string, text: string): Form => ({ name, bytes: Buffer.from(text, "latin1") });
  const hex = secret.toString("hex");
  return [
    { name: "raw", bytes: secret },
    form("hex", hex),
    form("hex in capitals", hex.toUpperCase()),
    form("hex with spaces", hex.replace(/..(?=.)/g, "$& ")),
    form("numbers", secret.join(",")),
    form("numbers with spaces", secret.join(", ")),
    form("JSON of escapes", [...secret].map((byte) => `\\u00${byte.toString(16).padStart(2, "0")}`).join("")),
    { name: "UTF-16", bytes: Buffer.from(secret.toString("latin1"), "utf16le") },
    { name: "UTF-8 of latin1", bytes: Buffer.from(secret.toString("latin1"), "utf8") },
    ...[0, 1, 2].flatMap((shift) => {
      const text = base64At(secret, shift);
      return [
        form("base64", text),
        form("base64 in a URL", text.replaceAll("+", "-").replaceAll("/", "_")),
        form("base64, escaped", encodeURIComponent(text)),
      ];
    }),
  ];
}

/** What base64 makes of a secret that begins `shift` bytes after a group of three, without what depends on its neighbours. */
function base64At(secret: Buffer, shift: number): string {
  const text = Buffer.concat([Buffer.alloc(shift), secret])
    .toString("base64")
    .replace(/=+$/, "");
  const first = shift === 0 ? 0 : shift + 1;
  const isWhole = (shift + secret.length) % 3 === 0;
  return text.slice(first, isWhole ? text.length : -1);
}
