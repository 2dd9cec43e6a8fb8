/** Rules: which events go to targets. */

import type { Rule } from "@aws-sdk/client-eventbridge";
import { UnsupportedOperationException, ValidationException } from "../../base/errors.ts";
import type { Call, ChangeContext } from "../../pipeline/operation.ts";
import * as rows from "../../storage/events.ts";
import type { EventRuleRow } from "../../storage/signal-schema.ts";
import {
  busArn,
  change,
  DEFAULT_BUS,
  type Input,
  LimitExceededException,
  page,
  read,
  requireDefaultBus,
  requireRule,
  ruleArn,
  ruleInArn,
  ruleName,
} from "./operation.ts";
import { compileEventPattern } from "./pattern.ts";

/** Rules on a bus (EventBridge user guide, Quotas). */
const RULES_MAX = 300;

const onRule = ({ Name }: { readonly Name: string | undefined }, call: Call): readonly string[] => [
  ruleArn(call, Name ?? ""),
];

/** Makes a rule, or puts it in the place of the one of that name, whose targets stay. */
export const putRule = change("PutRule", {
  on: onRule,
  validate: requireServed,
  async run({ Name, EventPattern = "", State, Description, RoleArn, EventBusName }, { call, tx }) {
    requireDefaultBus(call, EventBusName);
    const name = ruleName(call, Name);
    const isNew = (await rows.findRule(tx.db, name)) === undefined;
    if (isNew && (await rows.countRules(tx.db, name)) >= RULES_MAX) {
      throw new LimitExceededException("The requested resource exceeds the maximum number allowed.");
    }
    await rows.putRule(tx, {
      ...name,
      pattern: EventPattern,
      state: State === "DISABLED" ? "DISABLED" : "ENABLED",
      description: Description ?? null,
      role_arn: RoleArn ?? null,
      created_by: call.principal.account,
    });
    return { RuleArn: ruleArn(call, Name) };
  },
});

/**
 * @throws ValidationException neither a pattern nor a schedule is given
 * @throws InvalidEventPatternException the pattern is none
 * @throws UnsupportedOperationException what is asked would not take effect here
 */
function requireServed({ EventPattern, ScheduleExpression, State, Tags = [] }: Input<"PutRule">): void {
  if (EventPattern === undefined && ScheduleExpression === undefined) {
    throw new ValidationException("Parameter(s) EventPattern or ScheduleExpression must be specified.");
  }
  if (ScheduleExpression !== undefined) throw unsupported("ScheduleExpression");
  if (State === "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS") throw unsupported(`the state ${State}`);
  if (Tags.length > 0) throw unsupported("Tags of rules");
  compileEventPattern(EventPattern ?? "");
}

function unsupported(what: string): UnsupportedOperationException {
  return new UnsupportedOperationException(`Keystead does not support ${what} yet.`);
}

/** What a rule is. */
export const describeRule = read("DescribeRule", {
  on: onRule,
  async run({ Name, EventBusName }, context) {
    const row = await requireRule(context, { name: Name, bus: EventBusName });
    return { ...describe(context.call, row), CreatedBy: row.created_by };
  },
});

function describe(call: Call, { name, pattern, state, description, role_arn }: EventRuleRow): Rule {
  return {
    Name: name,
    Arn: ruleArn(call, name),
    EventPattern: pattern,
    State: state,
    ...(description !== null && { Description: description }),
    ...(role_arn !== null && { RoleArn: role_arn }),
    EventBusName: DEFAULT_BUS,
  };
}

/** The rules of the bus, in the order of their names. */
export const listRules = read("ListRules", {
  on: (_input, call) => [ruleArn(call, "*")],
  async run(input, context) {
    const { NamePrefix: prefix = "", EventBusName } = input;
    const { call, store } = context;
    requireDefaultBus(call, EventBusName);
    const bus = { account: call.principal.account, region: call.region };
    const { items, ...rest } = await page(input, context, {
      filter: prefix,
      // A bus has few rules, so those of other prefixes are read and left out.
      async list(after, count) {
        const all = await rows.listRules(store.db, bus, { after, count: RULES_MAX });
        return all.filter(({ name }) => name.startsWith(prefix)).slice(0, count);
      },
      nameOf: ({ name }) => name,
    });
    return { Rules: items.map((row) => describe(call, row)), ...rest };
  },
});

/** Removes a rule that has no targets; one that is not there is no error. */
export const deleteRule = change("DeleteRule", {
  on: onRule,
  async run({ Name, EventBusName }, { call, tx }) {
    requireDefaultBus(call, EventBusName);
    const name = ruleName(call, Name);
    if ((await rows.listTargets(tx.db, name)).length > 0) {
      throw new ValidationException("Rule can't be deleted since it has targets.");
    }
    await rows.deleteRule(tx, name);
    return {};
  },
});

/** Turns a rule on. */
export const enableRule = change("EnableRule", {
  on: onRule,
  run: (input, context) => switchRule(input, context, "ENABLED"),
});

/** Turns a rule off: events of then are not for it. */
export const disableRule = change("DisableRule", {
  on: onRule,
  run: (input, context) => switchRule(input, context, "DISABLED"),
});

async function switchRule(
  { Name: name = "", EventBusName }: Input<"EnableRule">,
  context: ChangeContext,
  state: EventRuleRow["state"],
): Promise<object> {
  await requireRule(context, { name, bus: EventBusName });
  await rows.setRuleState(context.tx, ruleName(context.call, name), state);
  return {};
}

/** The bus that is there. */
export const describeEventBus = read("DescribeEventBus", {
  on: ({ Name }, call) => [busArn(call, Name)],
  run({ Name }, { call }) {
    requireDefaultBus(call, Name);
    return { Name: DEFAULT_BUS, Arn: busArn(call) };
  },
});

/** The tags of rules and of the bus, which here have none: clients ask for them whenever they look at a rule. */
export const listTagsForResource = read("ListTagsForResource", {
  on: ({ ResourceARN }) => [ResourceARN ?? "*"],
  async run({ ResourceARN = "" }, context) {
    const rule = ruleInArn(ResourceARN);
    if (rule === undefined) requireDefaultBus(context.call, ResourceARN);
    else await requireRule(context, rule);
    return { Tags: [] };
  },
});
