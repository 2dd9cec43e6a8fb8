/** Reads the XML that clients send: elements and texts, and nothing that could make a small document a large one. */

import { SerializationException } from "../base/errors.ts";

/** An element; names are without their prefixes, attributes are passed over. */
export interface XmlElement {
  readonly name: string;
  readonly children: readonly XmlElement[];
  /** Of an element without children: its text. */
  readonly text: string;
}

const DEPTH_MAX = 16;
const NAME = /[A-Za-z_][\w.-]*(?::[A-Za-z_][\w.-]*)?/y;
const ATTRIBUTE = /\s+[A-Za-z_][\w.-]*(?::[A-Za-z_][\w.-]*)?\s*=\s*(?:"[^"<]*"|'[^'<]*')/y;
const BETWEEN = /(?:\s|<!--[^-]*(?:-[^-]+)*-->|<\?[^?]*\?>)*/y;
const END_OF_TAG = /\s*(\/?)>/y;
const END_TAG = /<\/([\w.:-]+)\s*>/y;
const TEXT = /[^<]+/y;
const CDATA = /<!\[CDATA\[([^\]]*(?:\][^\]]+)*)\]\]>/y;
const REFERENCE = /&(?:#x([0-9a-fA-F]{1,6})|#([0-9]{1,7})|(amp|lt|gt|quot|apos));|&/g;
const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/**
 * The root element of a document. Document types, and with them entities of one's own, are refused.
 *
 * @throws SerializationException it is no well-formed document of that kind, or nested too deeply
 */
export function parseXml(text: string): XmlElement {
  return new XmlReader(text.startsWith("\ufeff") ? text.slice(1) : text).document();
}

class XmlReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): XmlElement {
    this.#take(BETWEEN);
    const root = this.#element(1);
    this.#take(BETWEEN);
    if (this.#at < this.#text.length) throw malformed();
    return root;
  }

  #element(depth: number): XmlElement {
    if (depth > DEPTH_MAX || !this.#text.startsWith("<", this.#at)) throw malformed();
    this.#at += 1;
    const [fullName = ""] = this.#require(NAME);
    while (this.#take(ATTRIBUTE) !== undefined);
    const name = fullName.slice(fullName.indexOf(":") + 1);
    const [, slash] = this.#require(END_OF_TAG);
    if (slash === "/") return { name, children: [], text: "" };
    const children: XmlElement[] = [];
    let text = "";
    for (;;) {
      const end = this.#take(END_TAG);
      if (end !== undefined) {
        if (end[1] !== fullName) throw malformed();
        return { name, children, text: children.length === 0 ? text : "" };
      }
      const content = this.#take(CDATA)?.[1] ?? unescaped(this.#take(TEXT)?.[0]);
      if (content !== undefined) text += content;
      else if (this.#text.startsWith("<!--", this.#at)) this.#requireProgress(BETWEEN);
      else children.push(this.#element(depth + 1));
    }
  }

  #take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found === null) return undefined;
    this.#at += found[0].length;
    return found;
  }

  #require(pattern: RegExp): RegExpExecArray {
    const found = this.#take(pattern);
    if (found === undefined) throw malformed();
    return found;
  }

  #requireProgress(pattern: RegExp): void {
    if (this.#require(pattern)[0] === "") throw malformed();
  }
}

function unescaped(text: string | undefined): string | undefined {
  return text?.replace(REFERENCE, (_match, hex?: string, decimal?: string, entity?: string) => {
    if (entity !== undefined) return ENTITIES[entity] ?? "";
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    const isCharacter =
      code >= 0x20 ? code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) : [9, 10, 13].includes(code);
    if (!isCharacter) throw malformed(); // of a bare ampersand, too: its code is no number
    return String.fromCodePoint(code);
  });
}

function malformed(): SerializationException {
  return new SerializationException(
    "The XML you provided was not well-formed or did not validate against our published schema",
  );
}
