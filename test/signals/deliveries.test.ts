/** Deliveries: taken once, tried again with growing pauses, given up at last; and nothing without the change that it tells of. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EventBus } from "../../src/signals/events/bus.ts";
import { Deliveries } from "../../src/signals/events/deliveries.ts";
import { parseEventTarget } from "../../src/signals/events/targets.ts";
import { putRule, putTarget } from "../../src/storage/events.ts";
import type { Store } from "../../src/storage/store.ts";
import { engines } from "../storage/stores.ts";

const BUS = { account: "111122223333", region: "us-east-1" };
const RULE = {
  ...BUS,
  name: "all",
  pattern: '{"source":["aws.kms"]}',
  state: "ENABLED",
  created_by: BUS.account,
} as const;
const ARN = "arn:aws:sqs:us-east-1:111122223333:q";
const DEAD = "arn:aws:sqs:us-east-1:111122223333:dead";
const EVENT = { ...BUS, source: "aws.kms", detailType: "KMS CMK Deletion", time: 0, resources: [], detail: "{}" };
const DAY_MS = 86_400_000;

/** A bus with one rule and target, a clock that is moved, and what was sent; `answers` says which tries fail. */
async function openBus(store: Store, target: object = {}) {
  let now = 1_000_000;
  const machineClock = { now: () => now };
  const bus = new EventBus({ machineClock, sent: () => undefined });
  await store.transaction(async (tx) => {
    await putRule(tx, { ...RULE, description: null, role_arn: null });
    const definition = JSON.stringify({ Id: "t", Arn: ARN, ...target });
    await putTarget(tx, { ...BUS, rule: RULE.name, id: "t", arn: ARN, definition });
  });
  const sent: string[] = [];
  const givenUp: string[] = [];
  const world = { isDown: false };
  const runner = () =>
    new Deliveries({
      store,
      machineClock,
      async send(arn) {
        sent.push(arn);
        if (world.isDown && arn === ARN) throw new Error("It is down.");
      },
      onError: assert.ifError,
      onGivenUp: (_delivery, reason) => givenUp.push(reason),
    });
  return {
    bus,
    runner,
    sent,
    givenUp,
    world,
    move: (ms: number) => {
      now += ms;
    },
    send: () => store.transaction((tx) => bus.send(tx, BUS, [EVENT])),
  };
}

for (const { engine, withStore } of engines) {
  describe(`deliveries, on ${engine}`, () => {
    it("go out once, whichever of two processes takes them", async () => {
      await withStore(async (store) => {
        const { runner, sent, send } = await openBus(store);
        assert.equal(await send(), 1);
        await Promise.all([runner().run(), runner().run()]);
        assert.deepEqual(sent, [ARN]);
        assert.deepEqual(await store.db.selectFrom("event_delivery").selectAll().execute(), []);
      });
    });

    it("are not there where the change was undone", async () => {
      await withStore(async (store) => {
        const { bus, runner, sent } = await openBus(store);
        const undone = store.transaction(async (tx) => {
          assert.equal(await bus.send(tx, BUS, [EVENT]), 1);
          throw new Error("undone");
        });
        await assert.rejects(undone, /undone/);
        await runner().run();
        assert.deepEqual(sent, []);
      });
    });

    it("are tried again after growing pauses, for a day, and then count as given up", async () => {
      await withStore(async (store) => {
        const { runner, sent, givenUp, world, move, send } = await openBus(store, { DeadLetterConfig: { Arn: DEAD } });
        world.isDown = true;
        await send();
        const tries: number[] = [];
        for (let elapsed = 0; elapsed < DAY_MS + 3_600_000; elapsed += 60_000) {
          const before = sent.length;
          await runner().run();
          if (sent.length > before) tries.push(elapsed);
          move(60_000);
        }
        const pauses = tries.slice(1).map((at, index) => at - (tries[index] ?? 0));
        assert.ok(
          pauses.every((pause) => pause <= 960_000),
          String(pauses),
        );
        assert.ok((pauses.at(-2) ?? 0) > (pauses[0] ?? 0));
        assert.deepEqual(givenUp, ["It is down."]);
        assert.equal(sent.at(-1), DEAD);
        const [failure, ...more] = await store.db.selectFrom("event_failure").selectAll().execute();
        assert.deepEqual([failure?.failures, failure?.target, more], [1, "t", []]);
      });
    });

    it("end with the retries that the target's policy has", async () => {
      await withStore(async (store) => {
        const { runner, sent, givenUp, world, move, send } = await openBus(store, {
          RetryPolicy: { MaximumRetryAttempts: 1 },
        });
        world.isDown = true;
        await send();
        for (let tries = 0; tries < 5; tries += 1) {
          await runner().run();
          move(60_000);
        }
        assert.deepEqual([sent, givenUp], [[ARN, ARN], ["It is down."]]);
      });
    });

    it("come again when a process dies in the middle of a try", async () => {
      await withStore(async (store) => {
        const { sent, move, send, runner } = await openBus(store);
        await send();
        await store.transaction(async ({ db }) => {
          await db.updateTable("event_delivery").set({ next_at: 1_060_000 }).execute(); // taken by one that is gone
        });
        await runner().run();
        assert.deepEqual(sent, []);
        move(60_000);
        await runner().run();
        assert.deepEqual(sent, [ARN]);
      });
    });
  });
}

describe("--event-target", () => {
  it("maps an ARN, or all that begin so, to a URL", () => {
    for (const text of [
      `${ARN}=https://hooks.internal/a?b=c`,
      "arn:aws:sqs:*=http://[::1]:8080/",
      "*=file:///var/log/events",
    ]) {
      const { arn, url } = parseEventTarget(text);
      assert.equal(`${arn}=${url.href}`, text);
    }
  });

  for (const text of [
    "",
    ARN,
    `${ARN}=`,
    `${ARN}=ftp://host/`,
    "queue=https://host/",
    `${ARN}=https://user:secret@host/`,
  ]) {
    it(`refuses ${JSON.stringify(text)}, and repeats no secret of it`, () => {
      assert.throws(
        () => parseEventTarget(text),
        ({ message }: Error) => !message.includes("secret"),
      );
    });
  }
});
