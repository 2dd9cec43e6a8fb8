/** Counts of requests: whose they are, what their price depends on, and that none is written over. */

import assert from "node:assert/strict";
import { describe, it, mock } from "node:test";
import { billOf } from "../../../src/kms/metering/bill.ts";
import { findMonth, type Month } from "../../../src/kms/metering/month.ts";
import { RequestMeter } from "../../../src/kms/metering/request-meter.ts";
import { DEFAULT_TARIFF } from "../../../src/kms/metering/tariff.ts";
import type { Performed } from "../../../src/pipeline/operation.ts";
import { insertKey } from "../../../src/storage/keys.ts";
import { listRequests } from "../../../src/storage/meter.ts";
import type { Store } from "../../../src/storage/store.ts";
import { ACCOUNT, call, OTHER_ACCOUNT } from "../../audit/entries.ts";
import { present } from "../../kms-client.ts";
import { engines, key } from "../../storage/stores.ts";

const MONTH: Month = present(findMonth("2031-01"));
const LATER = present(findMonth("2031-02"));
const NOON = MONTH.from + 43_200_000;

/** A request that names no key whose spec matters. */
const request = (name: string, { now = NOON, account = ACCOUNT, region = "eu-west-1" } = {}): Performed => ({
  operation: {
    name,
    kind: "use",
    targets: [],
    record: { readOnly: true, request: null, resources: [] },
    run: () => ({}),
  },
  input: { KeyPairSpec: "ECC_NIST_P256" },
  call: { ...call, now, region, principal: { ...call.principal, account } as typeof call.principal },
  known: {},
});

const counted = async (store: Store, month = MONTH) =>
  (await listRequests(store.db, month.name)).map(
    ({ account, region, operation, spec, requests }) => `${account} ${region} ${operation} ${spec} ${requests}`,
  );

function meterOf(store: Pick<Store, "transaction">, errors: unknown[] = []): RequestMeter {
  return new RequestMeter({ store, onError: (cause) => errors.push(cause) });
}

for (const { engine, withStore } of engines) {
  describe(`counts of requests, on ${engine}`, () => {
    it("are of accounts, Regions, operations and months, and processes add to each other's", async () => {
      await withStore(async (store) => {
        const meters = [meterOf(store), meterOf(store)];
        for (const meter of meters) {
          meter.note(request("Encrypt"));
          meter.note(request("Encrypt"));
          meter.note(request("Encrypt", { region: "eu-central-1" }));
          meter.note(request("GenerateDataKeyPair"));
          meter.note(request("ListKeys", { account: OTHER_ACCOUNT }));
          meter.note(request("Encrypt", { now: LATER.from }));
          meter.note(request("Encrypt", { now: LATER.from - 1 }));
        }
        await Promise.all(meters.map((meter) => meter.flush()));
        meters[0]?.note(request("Encrypt"));
        await Promise.all(meters.map((meter) => meter.close()));
        assert.deepEqual(await counted(store), [
          `${ACCOUNT} eu-central-1 Encrypt  2`,
          `${ACCOUNT} eu-west-1 Encrypt  7`,
          `${ACCOUNT} eu-west-1 GenerateDataKeyPair ECC_NIST_P256 2`,
          `${OTHER_ACCOUNT} eu-west-1 ListKeys  2`,
        ]);
        assert.deepEqual(await counted(store, LATER), [`${ACCOUNT} eu-west-1 Encrypt  2`]);
      });
    });

    it("S08-031: of 250,000 requests, with three keys for a month, are $3.75, and $3.69 with the free tier", async () => {
      await withStore(async (store) => {
        for (const [index, columns] of [
          {},
          { origin: "EXTERNAL" },
          { spec: "RSA_2048" },
          { manager: "AWS", service: "ebs" } as const,
        ].entries()) {
          const key_id = `0000000${index}-0000-4000-8000-000000000000`;
          await store.transaction((tx) => insertKey(tx, key({ key_id, account: ACCOUNT, created_at: 0, ...columns })));
        }
        const meter = meterOf(store);
        const counting = request("Encrypt");
        for (let count = 0; count < 250_000; count += 1) meter.note(counting);
        await meter.close();
        const bill = (freeRequests: number) =>
          billOf(store.db, { month: MONTH, now: LATER.from, tariff: { ...DEFAULT_TARIFF, freeRequests } });
        assert.deepEqual([(await bill(0)).exact, (await bill(20_000)).exact], ["3.75", "3.69"]);
        assert.deepEqual(
          (await bill(20_000)).accounts[0]?.lines.map(({ item, quantity, free, amount }) => [
            item,
            quantity,
            free,
            amount,
          ]),
          [
            ["keys", 3 * 744, 0, "3.00"],
            ["requests", 250_000, 20_000, "0.69"],
          ],
        );
      });
    });
  });
}

describe("counts of requests", () => {
  it("are written within a minute, without being asked for, and outside the change feed", async () => {
    mock.timers.enable({ apis: ["setInterval"] });
    try {
      await present(engines[0]).withStore(async (store) => {
        const meter = meterOf(store);
        const changes = () => store.db.selectFrom("changes").selectAll().execute();
        const before = await changes();
        meter.note(request("Encrypt"));
        mock.timers.tick(60_000);
        await meter.flush();
        assert.deepEqual(await counted(store), [`${ACCOUNT} eu-west-1 Encrypt  1`]);
        assert.deepEqual(await changes(), before);
        await meter.close();
      });
    } finally {
      mock.timers.reset();
    }
  });

  it("are kept when they can't be written, and the operator is told", async () => {
    await present(engines[0]).withStore(async (store) => {
      const errors: unknown[] = [];
      let isBroken = true;
      const meter = meterOf(
        { transaction: (work) => (isBroken ? Promise.reject(new Error("no")) : store.transaction(work)) },
        errors,
      );
      meter.note(request("Encrypt"));
      meter.note(request("Encrypt", { now: LATER.from }));
      await meter.flush();
      meter.note(request("Encrypt", { now: LATER.from }));
      assert.equal(errors.length, 1);
      isBroken = false;
      await meter.close();
      assert.deepEqual(await counted(store), [`${ACCOUNT} eu-west-1 Encrypt  1`]);
      assert.deepEqual(await counted(store, LATER), [`${ACCOUNT} eu-west-1 Encrypt  2`]);
    });
  });
});
