/**
 * JSON token by token, and where each ends: EventBridge's errors about patterns say so, in the words and with the positions of its
 * parser (Jackson, under the open-source aws/event-ruler): a name is read together with the beginning of its value, a string is
 * read to its end when its text is asked for.
 */

export type TokenKind = "{" | "}" | "[" | "]" | "name" | "string" | "number" | "literal" | "end";

/** What a token is, and its text; that of a string comes by `text`. */
export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
}

/** Text that is not what was expected; the message says where. */
export class JsonFault extends Error {
  /** Such as `[Source: (String)"{"a": 1}"; line: 1, column: 8]`. */
  readonly place: string;

  constructor(reason: string, place: string) {
    super(`${reason}\n at ${place}`);
    this.place = place;
  }
}

/** Why a text is no JSON; undefined if it is. */
export function faultOf(text: string): JsonFault | undefined {
  const reader = new JsonReader(text);
  try {
    if (reader.next().kind === "end") return reader.fault("No content");
    while (reader.next().kind !== "end");
    return undefined;
  } catch (cause) {
    if (cause instanceof JsonFault) return cause;
    throw cause;
  }
}

/** A list or object that is being read. */
interface Scope {
  readonly open: "{" | "[";
  /** Of its opening bracket. */
  readonly offset: number;
  count: number;
}

/** How much of the text an error shows. */
const SHOWN_CHARACTERS_MAX = 500;
const VALUES = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')";
const LITERALS = new Set(["true", "false", "null"]);

export class JsonReader {
  readonly #source: string;
  #offset = 0;
  readonly #scopes: Scope[] = [];
  /** The value of the name that was read last. */
  #value: Token | undefined;
  /** Where the string begins, after its quote, that has not been read to its end. */
  #openString: number | undefined;

  constructor(source: string) {
    this.#source = source;
  }

  /** @throws JsonFault what comes is no JSON */
  next(): Token {
    const value = this.#value;
    this.#value = undefined;
    if (value !== undefined) return value;
    this.text();
    return this.#read();
  }

  /** The text of the string that was read last; reads it to its end. Empty when that was no string. */
  text(): string {
    const start = this.#openString;
    if (start === undefined) return "";
    this.#openString = undefined;
    return this.#stringFrom(start, ": was expecting closing quote for a string value");
  }

  /** An error at the present place. */
  fault(reason: string, offset: number = this.#offset): JsonFault {
    return new JsonFault(reason, this.#place(offset));
  }

  /** Such as `[Source: (String)"{"a": 1}"; line: 1, column: 8]`: the column is the next one's, counted from 1. */
  #place(offset: number): string {
    const lines = this.#source.slice(0, offset).split(/\r\n|\r|\n/);
    const left = this.#source.length - SHOWN_CHARACTERS_MAX;
    const shown = `"${this.#source.slice(0, SHOWN_CHARACTERS_MAX)}"${left > 0 ? `[truncated ${left} chars]` : ""}`;
    return `[Source: (String)${shown}; line: ${lines.length}, column: ${(lines.at(-1) ?? "").length + 1}]`;
  }

  #read(): Token {
    const character = this.#skipBlanks();
    const scope = this.#scopes.at(-1);
    if (character === "") return this.#end(scope);
    if (character === "}" || character === "]") return this.#close(character, scope);
    const first = scope !== undefined && scope.count > 0 ? this.#skipComma(character, scope) : character;
    if (scope !== undefined) scope.count += 1;
    return scope?.open === "{" ? this.#name(first) : this.#begin(first);
  }

  #end(scope: Scope | undefined): Token {
    if (scope === undefined) return { kind: "end", text: "" };
    const start = this.#place(scope.offset);
    throw this.fault(`Unexpected end-of-input: expected close marker for ${nameOf(scope)} (start marker at ${start})`);
  }

  #close(bracket: "}" | "]", scope: Scope | undefined): Token {
    if (scope === undefined) throw this.#unexpected(`expected a valid value ${VALUES}`);
    const wanted = scope.open === "{" ? "}" : "]";
    this.#offset += 1;
    if (bracket !== wanted) {
      const from = `(for ${nameOf(scope)} starting at ${this.#place(scope.offset)})`;
      throw this.fault(`Unexpected close marker '${bracket}': expected '${wanted}' ${from}`, this.#offset - 1);
    }
    this.#scopes.pop();
    return { kind: bracket, text: bracket };
  }

  #skipComma(character: string, scope: Scope): string {
    if (character !== ",") throw this.#unexpected(`was expecting comma to separate ${nameOf(scope)} entries`);
    this.#offset += 1;
    return this.#skipBlanks();
  }

  /** Reads a name, its colon and the beginning of its value, which is the next token. */
  #name(character: string): Token {
    if (character !== '"') throw this.#unexpected("was expecting double-quote to start field name");
    const text = this.#stringFrom(this.#offset + 1, " in field name");
    if (this.#skipBlanks() !== ":") throw this.#unexpected("was expecting a colon to separate field name and value");
    this.#offset += 1;
    this.#value = this.#begin(this.#skipBlanks());
    return { kind: "name", text };
  }

  #begin(character: string): Token {
    if (character === "{" || character === "[") {
      this.#scopes.push({ open: character, offset: this.#offset, count: 0 });
      this.#offset += 1;
      return { kind: character, text: character };
    }
    if (character === '"') {
      this.#offset += 1;
      this.#openString = this.#offset;
      return { kind: "string", text: "" };
    }
    if (character === "") throw this.fault("Unexpected end-of-input within/between Object entries");
    return this.#word();
  }

  /** A number, `true`, `false` or `null`. */
  #word(): Token {
    const number = this.#take(/-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y);
    if (number !== "") return { kind: "number", text: number };
    const word = this.#take(/[\p{L}\p{N}_$]+/uy);
    if (LITERALS.has(word)) return { kind: "literal", text: word };
    if (word !== "") throw this.fault(`Unrecognized token '${word}': was expecting ${VALUES}`);
    throw this.#unexpected(`expected a valid value ${VALUES}`);
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#offset;
    const [text = ""] = pattern.exec(this.#source) ?? [];
    this.#offset += text.length;
    return text;
  }

  /** @returns the character that comes, empty at the end */
  #skipBlanks(): string {
    this.#take(/[ \t\r\n]*/y);
    return this.#source.charAt(this.#offset);
  }

  /** Reads a string to its closing quote. */
  #stringFrom(start: number, unended: string): string {
    this.#offset = start;
    const inner = this.#take(/(?:[^"\\]|\\[\s\S])*/y);
    if (this.#source.charAt(this.#offset) !== '"') throw this.fault(`Unexpected end-of-input${unended}`);
    this.#offset += 1;
    try {
      return JSON.parse(`"${inner}"`) as string;
    } catch {
      throw this.fault("Unrecognized character in a string");
    }
  }

  #unexpected(wanted: string): JsonFault {
    const character = this.#source.charAt(this.#offset);
    const code = character.codePointAt(0) ?? 0;
    const shown = code < 0x20 ? `(CTRL-CHAR, code ${code})` : `'${character}' (code ${code})`;
    return this.fault(`Unexpected character (${shown}): ${wanted}`);
  }
}

function nameOf({ open }: Scope): string {
  return open === "{" ? "Object" : "Array";
}
