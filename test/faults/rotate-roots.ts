/** Rotates the root key of a served store as fast as it can, until it is killed: adds one, lets the server take it, removes the old. */

import { copyFileSync, readFileSync, renameSync } from "node:fs";
import { addRootKey, removeRootKey } from "../../src/cli/recipients.ts";
import { readRootKeyFile } from "../../src/custody/root-key-file.ts";

const [data = "", current = "", pid = "", from = "0"] = process.argv.slice(2);

for (let number = Number(from); ; number += 1) {
  const next = `${current}.${number}`;
  const old = `${next}.old`;
  copyFileSync(current, old);
  await addRootKey({ data, rootKey: old, newRootKey: next });
  copyFileSync(next, `${next}.copy`);
  renameSync(`${next}.copy`, current);
  process.kill(Number(pid), "SIGHUP");
  const { id } = await readRootKeyFile(old);
  if (readFileSync(old, "utf8") === readFileSync(next, "utf8")) throw new Error("The same root key twice");
  await removeRootKey(id, { data, rootKey: next, wait: 30, singleRootKey: true });
}
