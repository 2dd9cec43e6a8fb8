/** `/readyz`: ready only while the store answers and a canary key can be opened, encrypted and decrypted under. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { createRecorder } from "../../src/audit/recorder.ts";
import { type SegmentIo, SegmentSink, segmentIo } from "../../src/audit/segment.ts";
import { healthRoutes } from "../../src/cli/health.ts";
import { ephemeralRootKey } from "../../src/custody/root-key.ts";
import { openCustody } from "../../src/custody/software.ts";
import type { LocalAnswer } from "../../src/gateway/gateway.ts";
import { domainKeyStore } from "../../src/storage/domain-keys.ts";
import { openMemoryStore } from "../../src/storage/open.ts";
import { TemporaryDirectory } from "../faults/processes.ts";
import { clock } from "../storage/stores.ts";

/** Everything that a readiness check asks, over a store in memory. */
async function openParts() {
  const store = await openMemoryStore({ kind: "serve", clock });
  const rootKeys = [ephemeralRootKey()];
  const custody = await openCustody({ store: domainKeyStore(store, clock), rootKeys, clock, singleRootKey: true });
  const logged: string[] = [];
  const note = (_facts: object, message: string): void => void logged.push(message);
  const folder = new TemporaryDirectory();
  after(() => folder[Symbol.dispose]());
  const disk = { isFull: false };
  const write: SegmentIo["write"] = (...written) => {
    if (disk.isFull) throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    return segmentIo.write(...written);
  };
  const sink = new SegmentSink({ directory: folder.at("audit"), epoch: "e", io: { ...segmentIo, write } });
  const recorder = createRecorder({ store, sinks: [sink], onError: assert.ifError });
  const routes = healthRoutes({ store, custody, recorder }, { error: note, warn: note });
  const ask = async (): Promise<LocalAnswer> => {
    const route = routes.get("/readyz");
    assert.ok(route);
    return await route({} as never, {} as never);
  };
  return { store, custody, disk, folder, logged, ask };
}

describe("readiness", () => {
  it("is told again and again, and leaves no row of a key", async () => {
    const { store, ask, logged } = await openParts();
    for (let time = 0; time < 3; time += 1) assert.deepEqual(await ask(), { status: 200, body: "ready\n" });
    assert.deepEqual(await store.db.selectFrom("key").selectAll().execute(), []);
    assert.deepEqual(await store.db.selectFrom("material").selectAll().execute(), []);
    assert.deepEqual(logged, []);
    await store.close();
  });

  it("ends when the domain key of the store can't be opened any more", async () => {
    const { store, ask, logged } = await openParts();
    await ask();
    await store.transaction(async ({ db }) => {
      await db
        .updateTable("domain_key_copy")
        .set({ sealed: new Uint8Array(61) })
        .execute();
    });
    assert.deepEqual(await ask(), { status: 503, body: "not ready: keys can't be used\n" });
    assert.deepEqual(logged, ["Not ready: keys can't be used."]);
    await store.close();
  });

  it("ends when custody is closed", async () => {
    const { store, custody, ask } = await openParts();
    custody.close();
    assert.deepEqual(await ask(), { status: 503, body: "not ready: keys can't be used\n" });
    await store.close();
  });

  it("ends when records can't be written, and comes back with room, leaving nothing in the segment", async () => {
    const { store, disk, folder, ask, logged } = await openParts();
    await ask();
    const segment = folder.at(join("audit", readdirSync(folder.at("audit"))[0] ?? ""));
    const before = readFileSync(segment);
    disk.isFull = true;
    assert.deepEqual(await ask(), { status: 503, body: "not ready: records can't be written\n" });
    assert.deepEqual(logged, ["Not ready: records can't be written."]);
    disk.isFull = false;
    assert.deepEqual(await ask(), { status: 200, body: "ready\n" });
    assert.deepEqual(readFileSync(segment), before);
    await store.close();
  });

  it("ends when the store does not answer", async () => {
    const { store, ask } = await openParts();
    await store.close();
    assert.deepEqual(await ask(), { status: 503, body: "not ready: the store does not answer\n" });
  });
});
