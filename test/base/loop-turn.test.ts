/** The stages of a turn of the event loop. */

import assert from "node:assert/strict";
import { it } from "node:test";
import { onceBegun, onceRead } from "../../src/base/loop-turn.ts";

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it("begins what was read together, and ends what began, microtasks and all, in the same turn", async () => {
  const seen: string[] = [];
  const work = async (name: string): Promise<void> => {
    await new Promise<void>((resolve) => onceRead(resolve));
    seen.push(`${name} begins`);
    await Promise.resolve();
    seen.push(`${name} goes on`);
    await new Promise<void>((resolve) => onceBegun(resolve));
    seen.push(`${name} ends`);
  };
  void work("a");
  void work("b");
  seen.push("read");
  await nextTurn();
  const steps = ["begins", "goes on", "ends"];
  assert.deepEqual(seen, ["read", ...steps.flatMap((step) => [`a ${step}`, `b ${step}`])]);
});

it("ends what no turn began at the end of the turn that it comes in", async () => {
  const seen: string[] = [];
  onceBegun(() => seen.push("ended"));
  assert.deepEqual(seen, []);
  await nextTurn();
  assert.deepEqual(seen, ["ended"]);
});
