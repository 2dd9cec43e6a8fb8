/** Targets: where a rule's events go. */

import type { Target } from "@aws-sdk/client-eventbridge";
import { asArn } from "../../base/arn.ts";
import { ValidationException } from "../../base/errors.ts";
import type { Call } from "../../pipeline/operation.ts";
import * as rows from "../../storage/events.ts";
import type { EventTargetRow } from "../../storage/signal-schema.ts";
import { requireOwnArns } from "../operation.ts";
import { requireInput } from "./input.ts";
import { change, type Input, LimitExceededException, page, read, requireRule, ruleArn, ruleName } from "./operation.ts";

/** Targets of a rule (EventBridge user guide, Quotas). */
const TARGETS_MAX = 5;

const onRule = ({ Rule }: { readonly Rule: string | undefined }, call: Call): readonly string[] => [
  ruleArn(call, Rule ?? ""),
];

/** Adds targets to a rule, or puts them in the place of those with their ids. Which ARNs lead somewhere, the operator says. */
export const putTargets = change("PutTargets", {
  on: onRule,
  validate: requireTargets,
  async run({ Rule, EventBusName, Targets }, context) {
    const { call, tx } = context;
    await requireRule(context, { name: Rule, bus: EventBusName });
    const name = ruleName(call, Rule);
    const { account, region } = name;
    requireOwnArns(
      (Targets ?? []).flatMap(({ Arn, DeadLetterConfig }) => [Arn, DeadLetterConfig?.Arn]),
      call,
    );
    const ids = new Set((await rows.listTargets(tx.db, name)).map(({ id }) => id));
    for (const target of Targets ?? []) {
      const { Id: id = "", Arn: arn = "" } = target;
      ids.add(id);
      const definition = JSON.stringify({ ...target, RuleArn: ruleArn(call, Rule ?? "") });
      await rows.putTarget(tx, { account, region, rule: Rule ?? "", id, arn, definition });
    }
    if (ids.size > TARGETS_MAX) {
      throw new LimitExceededException("The requested resource exceeds the maximum number allowed.");
    }
    return { FailedEntryCount: 0, FailedEntries: [] };
  },
});

/** @throws ValidationException an ARN is none, or an input can't be made */
function requireTargets({ Targets = [] }: Input<"PutTargets">): void {
  for (const target of Targets) {
    if (asArn(target.Arn ?? "") === undefined) {
      throw new ValidationException(
        `Parameter ${target.Arn} is not valid. Reason: Provided Arn is not in correct format.`,
      );
    }
    requireInput(target);
  }
}

/** The targets of a rule, in the order of their ids. */
export const listTargetsByRule = read("ListTargetsByRule", {
  on: onRule,
  async run(input, context) {
    const { Rule = "", EventBusName } = input;
    await requireRule(context, { name: Rule, bus: EventBusName });
    const all = await rows.listTargets(context.store.db, ruleName(context.call, Rule));
    const { items, ...rest } = await page(input, context, {
      filter: Rule,
      list: async (after = "", count) => all.filter(({ id }) => id > after).slice(0, count),
      nameOf: ({ id }) => id,
    });
    return { Targets: items.map(describe), ...rest };
  },
});

function describe({ definition }: EventTargetRow): Target {
  const { RuleArn: _ours, ...target } = JSON.parse(definition) as Target & { readonly RuleArn: string };
  return target;
}

/** Removes targets from a rule; those that are not there are no error. */
export const removeTargets = change("RemoveTargets", {
  on: onRule,
  async run({ Rule, EventBusName, Ids }, context) {
    await requireRule(context, { name: Rule ?? "", bus: EventBusName });
    for (const id of Ids ?? []) await rows.deleteTarget(context.tx, ruleName(context.call, Rule ?? ""), id);
    return { FailedEntryCount: 0, FailedEntries: [] };
  },
});
