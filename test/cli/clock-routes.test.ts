/** The movable clock of dev: what it shows, how it is moved, and what comes of that. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { ABSENT_KEY_ID, newKey, startWorld, type World } from "../kms-client.ts";

const DAY_MS = 86_400_000;
/** What a call may take. */
const SLACK_MS = 60_000;

let world: World;
before(async () => {
  world = await startWorld();
});
after(() => world.stop());

const ask = async (method: string, body?: string): Promise<{ status: number; body: Record<string, unknown> }> => {
  const url = `${world.server.endpoint}/_keystead/clock`;
  const response = await fetch(url, { method, ...(body !== undefined && { body }) });
  assert.equal(response.headers.get("content-type"), "application/json");
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};
const nowMs = async (): Promise<number> => (await world.server.clock.now()).getTime();

describe("the clock", () => {
  it("shows its time as one text and moves on by itself", async () => {
    const { status, body } = await ask("GET");
    assert.equal(status, 200);
    assert.deepEqual(Object.keys(body), ["now"]);
    assert.match(String(body["now"]), /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/);
    assert.ok((await nowMs()) >= Date.parse(String(body["now"])));
  });

  it("is set to a moment, which answers, keys and records then have", async () => {
    const start = new Date((await nowMs()) + 40 * DAY_MS);
    const { status, body } = await ask("PUT", JSON.stringify({ now: start.toISOString() }));
    assert.equal(status, 200);
    const set = Date.parse(String(body["now"]));
    assert.ok(set >= start.getTime() && set < start.getTime() + SLACK_MS, String(body["now"]));
    const { KeyId, CreationDate } = await newKey(world.kms);
    const made = CreationDate?.getTime() ?? 0;
    assert.ok(made >= start.getTime() && made < start.getTime() + SLACK_MS, String(CreationDate));
    const [record] = await world.records.where(
      ({ eventName, resources = [] }) => eventName === "CreateKey" && resources.some(({ ARN }) => ARN.endsWith(KeyId)),
    );
    const { eventTime } = record as unknown as { eventTime: string };
    assert.ok(Math.abs(Date.parse(eventTime) - made) < SLACK_MS, eventTime);
  });

  for (const { body, days } of [
    { body: '{"advance":"P1D"}', days: 1 },
    { body: '{"advance":"PT36H"}', days: 1.5 },
    { body: '{"advance":"P2W"}', days: 14 },
    { body: ' {"advance" : "PT0S", "note": "ignored"} ', days: 0 },
  ]) {
    it(`is moved by ${days} days by ${body}`, async () => {
      const before = await nowMs();
      const answer = await ask("PUT", body);
      const moved = Date.parse(String(answer.body["now"])) - before - days * DAY_MS;
      assert.equal(answer.status, 200);
      assert.ok(moved >= 0 && moved < SLACK_MS, String(moved));
    });
  }

  it("is set by a moment of another time zone", async () => {
    const start = Math.ceil(((await nowMs()) + DAY_MS) / 1000) * 1000;
    const text = new Date(start + 2 * 3_600_000).toISOString().replace("Z", "+02:00");
    const { body } = await ask("PUT", JSON.stringify({ now: text }));
    const moved = Date.parse(String(body["now"])) - start;
    assert.ok(moved >= 0 && moved < SLACK_MS, String(moved));
  });

  it("does not move back", async () => {
    const before = await nowMs();
    const { status, body } = await ask("PUT", JSON.stringify({ now: new Date(before - 1000).toISOString() }));
    assert.deepEqual({ status, body }, { status: 400, body: { error: "The clock moves forward only." } });
    assert.ok((await nowMs()) >= before);
  });

  for (const body of [
    '{"now":"2099-01-01"}',
    '{"now":"2099-01-01T00:00:00"}',
    '{"now":"9999-12-31T23:59:59Z"}',
    '{"now":null}',
    '{"advance":7}',
    '{"advance":""}',
    '{"advance":"1D"}',
    '"P1D"',
    "now",
  ]) {
    it(`stays, and says how to move it, for ${body}`, async () => {
      const before = await nowMs();
      const answer = await ask("PUT", body);
      const error = 'Send {"now": "<ISO 8601>"} or {"advance": "P30D"}.';
      assert.deepEqual(answer, { status: 400, body: { error } });
      assert.ok((await nowMs()) - before < SLACK_MS);
    });
  }

  for (const method of ["POST", "DELETE", "PATCH"]) {
    it(`does not know ${method}`, async () => {
      assert.deepEqual(await ask(method, '{"advance":"P1D"}'), { status: 405, body: { error: "Use GET or PUT." } });
    });
  }

  it("does what is due on the way in its order, each at its own time, and no more", async () => {
    const { kms, server, records } = world;
    const [late, early] = [await newKey(kms), await newKey(kms)];
    await kms.scheduleKeyDeletion({ KeyId: late.KeyId, PendingWindowInDays: 9 });
    const { DeletionDate } = await kms.scheduleKeyDeletion({ KeyId: early.KeyId, PendingWindowInDays: 7 });
    await server.clock.advance("P8D");
    await assert.rejects(kms.describeKey({ KeyId: early.KeyId }), { name: "NotFoundException" });
    assert.equal((await kms.describeKey({ KeyId: late.KeyId })).KeyMetadata?.KeyState, "PendingDeletion");
    const deletionOf = async (keyId: string): Promise<{ eventTime: string }> => {
      const [record] = await records.where(
        ({ eventName, resources = [] }) =>
          eventName === "DeleteKey" && resources.some(({ ARN }) => ARN.endsWith(keyId)),
      );
      return record as unknown as { eventTime: string };
    };
    const deletedAt = Date.parse((await deletionOf(early.KeyId)).eventTime);
    assert.ok(Math.abs(deletedAt - (DeletionDate?.getTime() ?? 0)) <= 1000, "its own due time");
    await server.clock.advance("P1D");
    await assert.rejects(kms.describeKey({ KeyId: late.KeyId }), { name: "NotFoundException" });
    assert.ok(Date.parse((await deletionOf(late.KeyId)).eventTime) > deletedAt);
  });

  it("leaves the freshness of signatures to the machine's clock", async () => {
    await world.server.clock.advance("P365D");
    await assert.rejects(world.kms.describeKey({ KeyId: ABSENT_KEY_ID }), { name: "NotFoundException" });
  });
});
