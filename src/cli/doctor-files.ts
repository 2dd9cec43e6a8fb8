/** What `keystead doctor` finds in the files of a data directory. */

import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { readSegments } from "../audit/segment-files.ts";
import { segmentDirectories } from "../audit/trail.ts";
import { type Examination, examineOne } from "./examination.ts";

const OTHERS = 0o077;
const OTHERS_WRITE = 0o022;
/** Damages of one folder that are named. */
const DAMAGES_MAX = 20;

/** Looks at who may reach the files. */
export function examineFiles(
  examination: Examination,
  { directory, rootKey }: { readonly directory: string; readonly rootKey: string | undefined },
): void {
  if (!existsSync(directory)) return;
  if (modeOf(directory) & OTHERS_WRITE) examination.error("files", `Others may write to ${directory}.`);
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name, parentPath }) => join(parentPath, name));
  if (rootKey !== undefined && existsSync(rootKey) && !files.includes(rootKey)) files.push(rootKey);
  for (const path of files) {
    if (modeOf(path) & OTHERS) examination.error("files", `Others can reach ${path}.`);
  }
  examination.count("files", files.length);
}

/** Reads every audit record back. */
export async function examineTrail(examination: Examination, directory: string): Promise<void> {
  const folder = join(directory, "audit");
  if (!existsSync(folder)) return;
  for (const segments of segmentDirectories(folder)) {
    let damages = 0;
    const onDamage = ({ path, offset, lengthBytes }: { path: string; offset: number; lengthBytes: number }): void => {
      damages += 1;
      if (damages <= DAMAGES_MAX)
        examination.error("audit", `${path}: ${lengthBytes} bytes from byte ${offset} are no record.`);
    };
    await examineOne(examination, "audit", async () => {
      for await (const _record of readSegments(segments, { onDamage })) examination.count("audit records");
    });
  }
}

/** The mode of a file; one that a server has removed meanwhile is nobody's to reach. */
function modeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mode ?? 0;
}
