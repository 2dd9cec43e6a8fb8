/** Who may call what: every operation by callers of every standing, each decision against the rules of the guide. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { operations } from "../../src/kms/operations/index.ts";
import { CALLS } from "./access-calls.ts";
import { type Caller, startAccessLab } from "./access-lab.ts";
import { HALVES, RULES, type Rule, verdictOf } from "./access-rules.ts";

const lab = await startAccessLab();
after(() => lab[Symbol.asyncDispose]());

/** What a call came to: `done`, or the code and message of its refusal. */
async function outcomeOf({ kms, facts }: Caller, operation: string): Promise<{ code: string; message: string }> {
  const call = CALLS.get(operation);
  assert.ok(call, `there is no call of ${operation}`);
  const about = await facts(operation);
  return call.call(kms, about).then(
    () => ({ code: "done", message: "" }),
    ({ name, message }: Error) => ({ code: name, message }),
  );
}

/** What is wrong with one cell; undefined: nothing. */
async function faultOf(caller: Caller, rule: Rule): Promise<string | undefined> {
  const verdict = verdictOf(rule, caller.standing);
  const { code, message } = await outcomeOf(caller, rule.operation);
  const told = `${rule.operation}: ${verdict.is}, but ${code} ${message}`;
  switch (verdict.is) {
    case "allowed":
      return code === CALLS.get(rule.operation)?.outcome ? undefined : told;
    case "absent":
      return code === "NotFoundException" ? undefined : told;
    case "denied":
      return code === "AccessDeniedException" && verdict.text.test(message) ? undefined : `${told} (${verdict.text})`;
  }
}

describe("the matrix of permissions", () => {
  it("has a rule and a call for every operation there is, and no others", () => {
    const built = [...operations.keys()].sort();
    assert.deepEqual(RULES.map(({ operation }) => operation).sort(), built);
    assert.deepEqual([...CALLS.keys()].sort(), built);
    assert.ok(HALVES.every((half) => half.length > 20));
  });

  for (const caller of lab.callers) {
    const ids = caller.standing.isForeign
      ? "S04-028, S03-005"
      : caller.standing.keyPolicy === "none"
        ? "S03-004"
        : "S04-027";
    it(`${ids}: ${caller.title} may do what the rules say, and nothing else`, async () => {
      const faults: string[] = [];
      for (const rule of RULES) {
        const fault = await faultOf(caller, rule);
        if (fault !== undefined) faults.push(fault);
      }
      assert.deepEqual(faults, []);
    });
  }
});
