/** The key of a backup and the chunks under it: each opens in its own place of its own file, for the root keys of its store. */

import assert from "node:assert/strict";
import { createDecipheriv, createSecretKey } from "node:crypto";
import { describe, it } from "node:test";
import { BackupKey } from "../../src/custody/backup-key.ts";
import { BackupOpener, BackupSealer, CHUNK_BYTES } from "../../src/custody/backup-stream.ts";
import { ephemeralRootKey } from "../../src/custody/root-key.ts";
import { ascii, flipped, newCustody } from "./fixtures.ts";

const FULL = new Uint8Array(CHUNK_BYTES).fill(7);
const key = createSecretKey(new Uint8Array(32).fill(1));

/** A difference of so many bytes would take minutes to be shown. */
function isFull(opened: Uint8Array | undefined): boolean {
  return opened !== undefined && Buffer.compare(opened, FULL) === 0;
}

/** Three chunks, of which the last is short. */
function sealed(): readonly [Uint8Array, Uint8Array, Uint8Array] {
  const sealer = new BackupSealer(key);
  return [sealer.seal(FULL, false), sealer.seal(FULL, false), sealer.seal(ascii("end"), true)];
}

describe("a body in chunks", () => {
  it("opens in its order, each with its number and whether it is the last in the nonce (STREAM)", () => {
    const chunks = sealed();
    const opener = new BackupOpener(key);
    assert.ok(isFull(opener.open(chunks[0], false)));
    assert.ok(isFull(opener.open(chunks[1], false)));
    assert.deepEqual(opener.open(chunks[2], true), ascii("end"));
    // By hand, as docs/backup-format.md has it.
    for (const [number, chunk] of chunks.entries()) {
      const nonce = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number, number === 2 ? 1 : 0);
      const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: 16 });
      decipher.setAuthTag(chunk.subarray(0, 16));
      decipher.update(chunk.subarray(16));
      decipher.final();
    }
  });

  for (const { title, opens } of [
    {
      title: "in another place",
      opens: ([, second]: ReturnType<typeof sealed>) => new BackupOpener(key).open(second, false),
    },
    {
      title: "as the last, where it is not",
      opens: ([first]: ReturnType<typeof sealed>) => new BackupOpener(key).open(first, true),
    },
    {
      title: "as one of many, where it is the last",
      opens: () => new BackupOpener(key).open(new BackupSealer(key).seal(FULL, true), false),
    },
    {
      title: "with a bit turned",
      opens: ([first]: ReturnType<typeof sealed>) => new BackupOpener(key).open(flipped(first, 99), false),
    },
    {
      title: "cut short",
      opens: ([first]: ReturnType<typeof sealed>) => new BackupOpener(key).open(first.subarray(0, 15), false),
    },
  ]) {
    it(`does not open ${title}`, () => assert.ok(opens(sealed()) === undefined));
  }

  it("has no short chunk but the last, and none after it", () => {
    const sealer = new BackupSealer(key);
    assert.throws(() => sealer.seal(ascii("short"), false), /Only the last chunk/);
    assert.throws(() => sealer.seal(new Uint8Array(CHUNK_BYTES + 1), true), /Only the last chunk/);
    sealer.seal(ascii("end"), true);
    assert.throws(() => sealer.seal(ascii("more"), true), /last chunk was before/);
  });
});

describe("the key of a backup", () => {
  it("opens with a root key of the store, under the header it was made with, and with nothing else", async () => {
    const { custody, rootKey, store } = await newCustody();
    const made = await custody.newBackupKey();
    assert.deepEqual(
      made.copies.map(({ recipient }) => recipient),
      store.recipientRows.map(({ id }) => id),
    );
    const header = ascii("header");
    const chunk = made.sealer(header).seal(ascii("rows"), true);
    const opened = BackupKey.open(rootKey, made.copies);
    assert.deepEqual(opened.opener(header).open(chunk, true), ascii("rows"));
    assert.equal(opened.opener(ascii("heades")).open(chunk, true), undefined);
    assert.throws(() => BackupKey.open(ephemeralRootKey(), made.copies), /does not open this backup/);
    const altered = made.copies.map((copy) => ({ ...copy, sealed: flipped(copy.sealed, 40) }));
    assert.throws(() => BackupKey.open(rootKey, altered), /does not open with root key/);
    const next = await custody.newBackupKey();
    assert.equal(next.opener(header).open(chunk, true), undefined, "each file has a key of its own");
    custody.close();
  });
});
