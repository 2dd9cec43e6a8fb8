/** A node in a process of its own, for tests that stop it: it reads and writes names of accounts as it is told. */

import { account, findAccount, openNode } from "./stores.ts";

/** What a node can be told; each order is answered once. */
export type Order =
  | { readonly do: "read"; readonly id: string }
  | { readonly do: "write"; readonly id: string; readonly name: string }
  /** Begins a transaction, takes the writer's lock, and never ends it. */
  | { readonly do: "hold" };

/** What came of an order. */
export type Reply = { readonly name: string | undefined } | { readonly error: string };

const store = await openNode(String(process.env["NODE_DATABASE"]));
process.on("message", (order: Order) => {
  perform(order).then(
    (reply) => process.send?.(reply),
    (cause: unknown) => process.send?.({ error: String(cause) } satisfies Reply),
  );
});
process.send?.({ name: "ready" } satisfies Reply);

async function perform(order: Order): Promise<Reply> {
  if (order.do === "read") return { name: (await findAccount(store, order.id))?.name };
  if (order.do === "hold") {
    return new Promise((resolve, reject) => {
      const held = store.transaction(async ({ db }) => {
        await db.insertInto("account").values(account("held")).execute();
        resolve({ name: "holding" });
        await new Promise(() => {});
      });
      held.catch(reject);
    });
  }
  await store.transaction(async (tx) => {
    await tx.db.updateTable("account").set({ name: order.name }).where("id", "=", order.id).execute();
    await tx.changed("account", order.id);
  });
  return { name: order.name };
}
