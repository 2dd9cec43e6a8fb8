/** A server process for tests: opens the store of its argument, says so, adds accounts on request, and waits to be killed. */

import { insertAccount } from "../../src/storage/accounts.ts";
import { account, openServer } from "./stores.ts";

const [, , directory = ""] = process.argv;
const store = await openServer(directory);
process.on("message", async (id: string) => {
  await store.transaction((tx) => insertAccount(tx, account(id)));
  process.send?.(`added ${id}`);
});
process.send?.("open");
