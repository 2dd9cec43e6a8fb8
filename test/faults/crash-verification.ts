/** Opens a copy of a store that was cut off somewhere, and holds it to what had been answered by then. */

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createRecorder } from "../../src/audit/recorder.ts";
import { SegmentSink } from "../../src/audit/segment.ts";
import { readSegments } from "../../src/audit/segment-files.ts";
import { withStore } from "../../src/cli/with-store.ts";
import type { Custody } from "../../src/custody/custody.ts";
import { sealedMaterialOf } from "../../src/kms/resources.ts";
import type { Store } from "../../src/storage/store.ts";
import { allowedValues, type CrashLedger } from "./crash-ledger.ts";
import type { Place } from "./torn-copies.ts";
import { isAtMost } from "./write-ahead-log.ts";

/** How much of what was answered was looked at. */
export interface Checked {
  readonly values: number;
  readonly ciphertexts: number;
  readonly records: number;
}

/**
 * Recovers a copy as a start does, and checks it.
 *
 * @throws AssertionError something that had been answered is not there
 */
export async function verifyCopy(directory: string, place: Place, ledger: CrashLedger): Promise<Checked> {
  return await withStore({ data: directory }, async ({ store, custody }) => {
    const values = verifyValues(directory, place, ledger);
    const ciphertexts = await verifyBlobs({ store, custody }, place, ledger);
    const records = await verifyRecords(directory, store, { place, ledger });
    return { values, ciphertexts, records };
  });
}

function verifyValues(directory: string, place: Place, { subjects }: CrashLedger): number {
  const database = new DatabaseSync(join(directory, "keystead.db"), { readOnly: true });
  try {
    assert.equal(database.prepare("PRAGMA integrity_check").get()?.["integrity_check"], "ok");
    const lost: string[] = [];
    let checked = 0;
    for (const subject of subjects) {
      const allowed = allowedValues(subject, place);
      if (allowed === undefined) continue;
      checked += 1;
      const value = database.prepare(subject.sql).get(...subject.parameters)?.["value"] ?? null;
      if (!allowed.some((each) => each === value)) lost.push(subject.name);
    }
    assert.deepEqual(lost.slice(0, 5), [], `${lost.length} of ${checked} answered values are lost`);
    return checked;
  } finally {
    database.close();
  }
}

async function verifyBlobs(
  { store, custody }: { readonly store: Store; readonly custody: Custody },
  place: Place,
  { blobs }: CrashLedger,
): Promise<number> {
  const kept = blobs.filter(({ mark }) => isAtMost(mark, place));
  for (const { region, bytes, plaintext } of kept) {
    const header = custody.parseBlob(bytes);
    assert.ok(header !== undefined);
    const row = await store.settle((reader) => reader.find("material", region, header.keyId, header.materialId));
    assert.ok(row !== undefined, `the material of an answered ciphertext is lost (key ${header.keyId})`);
    const opened = await custody.decrypt(sealedMaterialOf(row), bytes, {});
    assert.ok(Buffer.from(opened).equals(plaintext), "a ciphertext became another plaintext");
  }
  return kept.length;
}

/** Moves what waits in the outbox, as a start does; then every answered change has its one record. */
async function verifyRecords(
  directory: string,
  store: Store,
  { place, ledger }: { readonly place: Place; readonly ledger: CrashLedger },
): Promise<number> {
  const counts = new Map<unknown, number>();
  const events = new Set<string>();
  for (const slot of readdirSync(join(directory, "audit"), { withFileTypes: true })) {
    if (!slot.isDirectory()) continue;
    const folder = join(directory, "audit", slot.name);
    const recorder = createRecorder({
      store,
      sinks: [new SegmentSink({ directory: folder, epoch: store.incarnation })],
      onError: (cause) => assert.fail(String(cause)),
    });
    await recorder.close();
    // Where blocks were lost, what the outbox still had is written again, and one event may lie behind the damage, too.
    let isDamaged = false;
    const onDamage = (): void => {
      isDamaged = true;
    };
    for await (const { record, eventID } of readSegments(folder, { onDamage })) {
      if (events.has(eventID) && isDamaged) continue;
      assert.ok(!events.has(eventID), "a record lies in the segments twice");
      events.add(eventID);
      counts.set(record["requestID"], (counts.get(record["requestID"]) ?? 0) + 1);
    }
  }
  const kept = ledger.changes.filter(({ mark }) => isAtMost(mark, place));
  const wrong = kept.filter(({ requestId }) => counts.get(requestId) !== 1);
  const told = wrong.slice(0, 5).map(({ operation, requestId }) => `${operation}: ${counts.get(requestId) ?? 0}`);
  assert.deepEqual(told, [], `records of ${wrong.length} of ${kept.length} answered changes`);
  return kept.length;
}
