/** A worker process for tests: opens the store through its parent and does what it is told, one order after another. */

import { messagesWith, storeChannel } from "../../src/cli/process-messages.ts";
import { insertAccount } from "../../src/storage/accounts.ts";
import { openWorkerStore } from "../../src/storage/open.ts";
import type { FromWorker, ToWorker } from "../../src/storage/remote-messages.ts";
import { account, findAccount } from "./stores.ts";

/** What a worker is told: to add an account, to hang in the middle of adding one, or to look for one. */
export interface Order {
  readonly kind: "add" | "hang" | "find" | "fail";
  readonly id: string;
}

/** What it answers. */
export interface Report {
  readonly kind: "report";
  readonly text: string;
}

if (import.meta.main) {
  const [, , directory = ""] = process.argv;
  const messages = messagesWith<{ kind: "store"; message: FromWorker } | Report, Order>(process);
  messages.onEnd(() => process.exit(1));
  const channel = storeChannel<FromWorker, ToWorker>(messages);
  const store = openWorkerStore({ directory, kind: "serve", channel });
  const report = (text: string): void => messages.send({ kind: "report", text });
  const carryOut = {
    async add(id: string) {
      await store.transaction((tx) => insertAccount(tx, account(id)));
      // Its own view has it by now: the answer is not a promise, so nothing is loaded any more.
      report(`added ${id}`);
    },
    async find(id: string) {
      report((await findAccount(store, id)) === undefined ? `no ${id}` : `found ${id}`);
    },
    async fail(id: string) {
      const failing = store.transaction(async (tx) => {
        await insertAccount(tx, account(id));
        throw new Error("no");
      });
      await failing.catch((cause: Error) => report(cause.message));
    },
    async hang(id: string) {
      await store.transaction(async (tx) => {
        await insertAccount(tx, account(id));
        report("inside");
        await new Promise(() => undefined);
      });
    },
  };
  messages.onMessage(({ kind, id }) => {
    if (kind in carryOut) void carryOut[kind](id);
  });
  report("open");
}
