/** When a commit on PostgreSQL is told: not before every node has it, however quickly this one has. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PostgresConnection } from "../../src/storage/postgres-connection.ts";
import { PostgresWriter } from "../../src/storage/postgres-writer.ts";

/** Commits once, with the feed at position 4 before it; resolves to the positions that the barrier was asked to let pass. */
async function passedBy({ head, seenAtOnce }: { readonly head: number; readonly seenAtOnce: boolean }) {
  let sent = false;
  const passed: number[] = [];
  const connection = {
    isLost: false,
    warnings: 0,
    run: async () => ({ rows: [{ position: head }] }),
    async script(sql: string) {
      sent ||= sql === "COMMIT";
      return sql;
    },
    destroy() {},
    close: async () => {},
  } as unknown as PostgresConnection;
  const barrier = {
    get position() {
      return sent && seenAtOnce ? head : 4;
    },
    async passed(position: number) {
      passed.push(position);
    },
    unknown: async () => {},
  };
  const writer = new PostgresWriter({ connect: async () => connection, barrier: () => barrier });
  await writer.run([{ do: "open" }, { do: "release" }]);
  await writer.run([{ do: "commit", transactions: 1 }]);
  return passed;
}

describe("a commit", () => {
  it("waits for the other nodes, too, where this one's look at the feed was quicker than the commit's answer", async () => {
    assert.deepEqual(await passedBy({ head: 5, seenAtOnce: true }), [5]);
    assert.deepEqual(await passedBy({ head: 5, seenAtOnce: false }), [5]);
  });

  it("waits for nobody where it changed nothing that nodes follow", async () => {
    assert.deepEqual(await passedBy({ head: 4, seenAtOnce: false }), []);
  });
});
