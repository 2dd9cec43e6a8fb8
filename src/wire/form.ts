/** Form-encoded parameters (`Tags.member.1.Key=a&…`) as a tree of their dotted names. */

import { SerializationException } from "../base/errors.ts";
import type { WireRequest } from "./protocol.ts";

/** What stands under one name. */
export interface FormNode {
  value?: string;
  readonly children: Map<string, FormNode>;
}

// Far above what any operation takes; without a limit, a body of dots would become a million nodes.
const PARAMETERS_MAX = 10_000;
const NAME_PARTS_MAX = 16;

/** The body's parameters, or those of the query string when there is no body. */
export function formText({ target, body }: WireRequest): string {
  if (body.length > 0) return Buffer.from(body.buffer, body.byteOffset, body.length).toString("latin1");
  const question = target.indexOf("?");
  return question < 0 ? "" : target.slice(question + 1);
}

/**
 * Parses form-encoded text; of parameters with one name the last counts.
 *
 * @throws SerializationException a name or value is no percent-encoded UTF-8, or there are too many of them
 */
export function parseForm(text: string): FormNode {
  const root: FormNode = { children: new Map() };
  const pairs = text.split("&", PARAMETERS_MAX + 1);
  if (pairs.length > PARAMETERS_MAX) throw new SerializationException();
  for (const pair of pairs) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = decodePart(equals < 0 ? pair : pair.slice(0, equals));
    let node = root;
    const parts = name.split(".", NAME_PARTS_MAX + 1);
    if (parts.length > NAME_PARTS_MAX) throw new SerializationException();
    for (const part of parts) {
      let child = node.children.get(part);
      if (child === undefined) {
        child = { children: new Map() };
        node.children.set(part, child);
      }
      node = child;
    }
    node.value = equals < 0 ? "" : decodePart(pair.slice(equals + 1));
  }
  return root;
}

/** The nodes under `1`, `2`, … in the order of their numbers. */
export function numbered(node: FormNode): FormNode[] {
  const entries = [...node.children].map(([name, child]) => ({ index: Number(name), name, child }));
  if (!entries.every(({ name }) => /^[1-9]\d{0,8}$/.test(name))) throw new SerializationException();
  return entries.sort((left, right) => left.index - right.index).map(({ child }) => child);
}

function decodePart(text: string): string {
  // Bytes beyond ASCII must come percent-encoded: as such they would be characters of no known encoding.
  if (!/^[\u0000-\u007f]*$/.test(text)) throw new SerializationException();
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch (cause) {
    if (cause instanceof URIError) throw new SerializationException();
    throw cause;
  }
}
