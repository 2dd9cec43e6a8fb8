/** A year passes: rotations and deletions in the order in which they fall due, each once, however the time goes by. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { KMS } from "@aws-sdk/client-kms";
import { MovableClock } from "../../src/base/clock.ts";
import { DEV_ACCOUNT, ensureAccount } from "../../src/cli/accounts.ts";
import { type RunningServer, startServer } from "../../src/cli/server.ts";
import { ephemeralRootKey, type RootKey } from "../../src/custody/root-key.ts";
import { TemporaryDirectory } from "../faults/processes.ts";
import { type AuditRecord, assertRefused, bytes, clientOf, newKey, present, Records } from "../kms-client.ts";

const DAY_MS = 86_400_000;
/** What the cast's making may take before the clock is moved. */
const SLACK_MS = 60_000;

/** What happened: on which day, what, and to which key of the cast. */
type Event = readonly [day: number, name: "DeleteKey" | "RotateKey", key: string];

/** What a year holds for the cast, from the guide's rules alone. */
const YEAR: readonly Event[] = [
  [7, "DeleteKey", "deleted after 7 days"],
  [20, "DeleteKey", "deleted after 20 days"],
  [30, "DeleteKey", "deleted after 30 days, would rotate"],
  [90, "RotateKey", "every 90 days"],
  [100, "RotateKey", "every 100 days"],
  [180, "RotateKey", "every 90 days"],
  [200, "RotateKey", "every 100 days"],
  [270, "RotateKey", "every 90 days"],
  [300, "RotateKey", "every 100 days"],
  [360, "RotateKey", "every 90 days"],
  [365, "RotateKey", "yearly"],
];

interface Cast {
  /** The key ids by their parts. */
  readonly ids: ReadonlyMap<string, string>;
  /** A blob under each key, made before anything happened. */
  readonly blobs: ReadonlyMap<string, Uint8Array>;
}

/** Makes the keys, the later ones due first, so that no order comes about by the order of their making. */
async function makeCast(kms: KMS): Promise<Cast> {
  const ids = new Map<string, string>();
  const blobs = new Map<string, Uint8Array>();
  const make = async (part: string, setting: { rotation?: number; deletion?: number; disabled?: boolean }) => {
    const { KeyId } = await newKey(kms);
    ids.set(part, KeyId);
    blobs.set(part, present((await kms.encrypt({ KeyId, Plaintext: bytes(4) })).CiphertextBlob));
    if (setting.rotation !== undefined) {
      await kms.enableKeyRotation({ KeyId, RotationPeriodInDays: setting.rotation });
    }
    if (setting.disabled === true) await kms.disableKey({ KeyId });
    if (setting.deletion !== undefined) {
      await kms.scheduleKeyDeletion({ KeyId, PendingWindowInDays: setting.deletion });
    }
  };
  await make("yearly", { rotation: 365 });
  await make("every 100 days", { rotation: 100 });
  await make("every 90 days", { rotation: 90 });
  await make("disabled, would rotate", { rotation: 90, disabled: true });
  await make("deleted after 30 days, would rotate", { rotation: 90, deletion: 30 });
  await make("deleted after 20 days", { deletion: 20 });
  await make("deleted after 7 days", { deletion: 7 });
  await make("left alone", {});
  return { ids, blobs };
}

/** A development server in this process on a data directory; the test holds its clock and opens and closes it. */
class House {
  readonly clock = new MovableClock();
  readonly start: number = this.clock.now();
  readonly #directory: TemporaryDirectory;
  readonly #rootKey: RootKey = ephemeralRootKey();

  constructor(directory: TemporaryDirectory) {
    this.#directory = directory;
  }

  async open(): Promise<RunningServer> {
    return await startServer({
      kind: "dev",
      directory: this.#directory.at("data"),
      create: true,
      host: "127.0.0.1",
      port: 0,
      rootKeys: [this.#rootKey],
      clock: this.clock,
      auditSync: false,
      auditLog: this.#directory.at("audit.jsonl"),
      log: { error: (_facts, message) => assert.fail(message), warn: () => {} },
      prepare: (parts) => ensureAccount(parts, DEV_ACCOUNT, this.clock.now()),
    });
  }

  /** Opens, works through the API, and closes. */
  async during<T>(work: (kms: KMS, server: RunningServer) => Promise<T>): Promise<T> {
    const server = await this.open();
    try {
      using client = clientOf({ endpoint: server.endpoint, credentials: DEV_ACCOUNT.credential });
      return await work(client.kms, server);
    } finally {
      await server.close();
    }
  }

  /** The moment so many days after the start, and the slack in which the cast was made. */
  day(days: number): number {
    return this.start + days * DAY_MS + SLACK_MS;
  }

  /** What the records tell, in their order; all of them are there once the house is closed. */
  events({ ids }: Cast): readonly Event[] {
    const parts = new Map([...ids].map(([part, keyId]) => [keyId, part]));
    return new Records(this.#directory.at("audit.jsonl")).all().flatMap((record): Event[] => {
      const { eventName, eventTime } = record;
      if (eventName !== "DeleteKey" && eventName !== "RotateKey") return [];
      const days = (Date.parse(eventTime) - this.start) / DAY_MS;
      assert.ok(Math.abs(days - Math.round(days)) * DAY_MS <= 2 * SLACK_MS, `${eventName} at ${eventTime}`);
      return [[Math.round(days), eventName, present(parts.get(keyIdOf(record)))]];
    });
  }
}

function keyIdOf({ resources = [] }: AuditRecord): string {
  return present(resources[0]).ARN.split("/").at(-1) ?? "";
}

/** Every key that is left has as many materials as the events say, and opens what it sealed at first unless it is disabled. */
async function assertKept(kms: KMS, { ids, blobs }: Cast, events: readonly Event[]): Promise<void> {
  for (const [part, KeyId] of ids) {
    const own = events.filter(([, , key]) => key === part);
    if (own.some(([, name]) => name === "DeleteKey")) {
      await assertRefused(kms.describeKey({ KeyId }), "NotFoundException");
      continue;
    }
    const { Rotations } = await kms.listKeyRotations({ KeyId, IncludeKeyMaterial: "ALL_KEY_MATERIAL" });
    assert.equal(present(Rotations).length, 1 + own.length, part);
    if (part.startsWith("disabled")) continue;
    assert.deepEqual((await kms.decrypt({ CiphertextBlob: blobs.get(part) })).Plaintext, bytes(4));
  }
}

describe("a year", () => {
  it("S02-021, S01-049, S02-042: in one leap, brings each rotation and deletion on its day, in their order", async () => {
    using directory = new TemporaryDirectory();
    const house = new House(directory);
    const cast = await house.during(async (kms, { dueWork }) => {
      const made = await makeCast(kms);
      await dueWork.moveClock(house.clock, house.day(366));
      await assertKept(kms, made, YEAR);
      return made;
    });
    assert.deepEqual(house.events(cast), YEAR);
  });

  it("S02-021, S01-049: day by day and over restarts, brings the same", async () => {
    using directory = new TemporaryDirectory();
    const house = new House(directory);
    const cast = await house.during(makeCast);
    for (let day = 1; day <= 366; ) {
      // Four houses, one after another; the second and the fourth open on a day on which something falls due.
      const until = [89, 180, 299, 366].find((last) => last >= day) ?? 366;
      await house.during(async (_kms, { dueWork }) => {
        for (; day <= until; day += 1) await dueWork.moveClock(house.clock, house.day(day));
      });
    }
    assert.deepEqual(house.events(cast), YEAR);
    await house.during((kms) => assertKept(kms, cast, YEAR));
  });

  it("S02-021, S02-042: slept through, is made up for once, in the order in which it fell due", async () => {
    using directory = new TemporaryDirectory();
    const house = new House(directory);
    const cast = await house.during(makeCast);
    house.clock.set(house.day(400));
    // Rotations that were missed several times come once, and all is dated from when it is done.
    const expected = new Map(YEAR.map((event) => [event[2], event]).toReversed() as [string, Event][]);
    const late = [...expected.values()].toSorted(([left], [right]) => left - right);
    const atOnce = late.map(([, name, key]): Event => [400, name, key]);
    await house.during((_kms, { dueWork }) => dueWork.runDue());
    assert.deepEqual(house.events(cast), atOnce);
    await house.during(async (kms, { dueWork }) => {
      await dueWork.runDue();
      await assertKept(kms, cast, atOnce);
      await dueWork.moveClock(house.clock, house.day(491));
    });
    assert.deepEqual(house.events(cast).slice(atOnce.length), [[490, "RotateKey", "every 90 days"]]);
  });
});
