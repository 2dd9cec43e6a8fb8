/** Which writer slot a directory of segments is: what tells rows of the outbox whose they are to move. */

import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const FILE = "slot";
const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/**
 * The id of the slot whose segments are in a directory; a directory without one gets one. A copy of the directory is the
 * same slot: whoever copies a node's directory for another node removes this file.
 *
 * @throws Error when the file holds no id
 */
export function slotOf(directory: string): string {
  const path = join(directory, FILE);
  if (!existsSync(path)) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const made = `${path}.new`;
    writeFileSync(made, `${randomUUID()}\n`, { mode: 0o600, flush: true });
    renameSync(made, path);
  }
  const id = readFileSync(path, "utf8").trim();
  if (!ID.test(id)) throw new Error(`${path} holds no id of an audit slot.`);
  return id;
}
