/** Where the operator has target ARNs lead to: an HTTP endpoint, or a file of JSON lines. */

import { open } from "node:fs/promises";
import { OperatorError } from "../../base/errors.ts";
import { OutboundClient } from "../../base/outbound.ts";
import type { Send } from "./deliveries.ts";

/** One mapping; an ARN that ends in `*` stands for all that begin so. */
export interface EventTarget {
  readonly arn: string;
  /** `https:`, `http:` or `file:`. */
  readonly url: URL;
}

/**
 * Parses `ARN=URL`. ARNs have no `=`.
 *
 * @throws OperatorError it is none
 */
export function parseEventTarget(text: string): EventTarget {
  const equals = text.indexOf("=");
  const arn = text.slice(0, Math.max(equals, 0));
  const url = URL.parse(text.slice(equals + 1));
  const isArn = arn === "*" || arn.startsWith("arn:");
  if (!isArn || url === null || !["https:", "http:", "file:"].includes(url.protocol)) {
    throw new OperatorError(`An event target is ARN=URL, with an https:, http: or file: URL; that of '${arn}' is not.`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new OperatorError(`The URL of the event target ${arn} must not have credentials.`);
  }
  return { arn, url };
}

/** Sends bodies to what the operator mapped; an exact ARN goes before a longer prefix, that one before a shorter. */
export function senderOf(targets: readonly EventTarget[]): Send {
  const ordered = targets.toSorted((left, right) => rank(right.arn) - rank(left.arn));
  // The operator named these hosts, so they may be anywhere.
  const outbound = new OutboundClient(targets.map(({ url }) => url.hostname.replace(/^\[(.*)\]$/, "$1")));
  return async (arn, body) => {
    const target = ordered.find((each) => isFor(each.arn, arn));
    if (target === undefined) throw new Error("No --event-target maps the target's ARN.");
    if (target.url.protocol === "file:") await appendLine(target.url, body);
    else await outbound.postJson(target.url.href, body);
  };
}

function rank(arn: string): number {
  return arn.endsWith("*") ? arn.length : Infinity;
}

function isFor(pattern: string, arn: string): boolean {
  return pattern.endsWith("*") ? arn.startsWith(pattern.slice(0, -1)) : arn === pattern;
}

/** Appends one line and waits for the disk. JSON has line breaks between its tokens alone, where blanks mean the same. */
async function appendLine(url: URL, body: string): Promise<void> {
  const file = await open(url, "a", 0o600);
  try {
    await file.appendFile(`${body.replace(/[\r\n]+/g, " ")}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
}
