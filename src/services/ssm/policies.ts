/** Policies of parameters: when one expires, and of what somebody is to be told (Systems Manager guide, Assigning parameter policies). */

import { ValidationException } from "../../base/errors.ts";
import type { DueHandler } from "../../pipeline/due-work.ts";
import type { Recorder } from "../../pipeline/operation.ts";
import type { EventBus } from "../../signals/events/bus.ts";
import { clearDue, type DueName, setDue } from "../../storage/due.ts";
import type { SsmParameterRow } from "../../storage/service-schema.ts";
import {
  deleteParameter,
  findParameter,
  type ParameterName,
  parameterArnOf,
  parameterPath,
} from "../../storage/ssm-parameters.ts";
import type { Tx } from "../../storage/store.ts";
import {
  IncompatiblePolicyException,
  InvalidPolicyAttributeException,
  InvalidPolicyTypeException,
  PoliciesLimitExceededException,
} from "./errors.ts";

/** Policies of one parameter (API reference, PoliciesLimitExceededException). */
const POLICIES_MAX = 10;
const UNITS: Readonly<Record<string, number>> = { Days: 86_400_000, Hours: 3_600_000 };

type PolicyType = "Expiration" | "ExpirationNotification" | "NoChangeNotification";

/** A policy: its text as it was given, and when it acts. */
interface ParameterPolicy {
  readonly text: string;
  readonly type: PolicyType;
  at(changedAt: number, expiresAt: number | undefined): number;
}

/**
 * Reads a list of policies.
 *
 * @throws ValidationException no JSON list
 * @throws InvalidPolicyTypeException, InvalidPolicyAttributeException a policy of another type, or with other attributes
 * @throws IncompatiblePolicyException two expirations, or a notice of one that is not there
 * @throws PoliciesLimitExceededException more than ten
 */
export function parsePolicies(text: string): readonly ParameterPolicy[] {
  const list = jsonOf(text);
  if (!Array.isArray(list)) throw new ValidationException("Parameter policies are a JSON list.");
  if (list.length > POLICIES_MAX) {
    throw new PoliciesLimitExceededException(`A parameter can have at most ${POLICIES_MAX} policies.`);
  }
  const policies = list.map(policyOf);
  const expirations = policies.filter(({ type }) => type === "Expiration").length;
  if (expirations > 1) throw new IncompatiblePolicyException("A parameter can have one Expiration policy.");
  if (expirations === 0 && policies.some(({ type }) => type === "ExpirationNotification")) {
    throw new IncompatiblePolicyException("An ExpirationNotification policy requires an Expiration policy.");
  }
  return policies;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (cause instanceof SyntaxError) throw new ValidationException("Parameter policies are a JSON list.");
    throw cause;
  }
}

interface Attributes {
  readonly Timestamp?: unknown;
  readonly Before?: unknown;
  readonly After?: unknown;
  readonly Unit?: unknown;
}

function policyOf(value: unknown): ParameterPolicy {
  const {
    Type,
    Version,
    Attributes = {},
  } = (value ?? {}) as {
    readonly Type?: unknown;
    readonly Version?: unknown;
    readonly Attributes?: Attributes;
  };
  if (Version !== "1.0") throw new InvalidPolicyAttributeException("The version of a policy is 1.0.");
  const text = JSON.stringify(value);
  switch (Type) {
    case "Expiration": {
      const at = typeof Attributes.Timestamp === "string" ? Date.parse(Attributes.Timestamp) : Number.NaN;
      if (Number.isNaN(at)) throw new InvalidPolicyAttributeException("Timestamp is a time as of ISO 8601.");
      return { text, type: Type, at: () => at };
    }
    case "ExpirationNotification": {
      const before = spanOf(Attributes.Before, Attributes.Unit, "Before");
      return { text, type: Type, at: (_changedAt, expiresAt = Infinity) => expiresAt - before };
    }
    case "NoChangeNotification": {
      const after = spanOf(Attributes.After, Attributes.Unit, "After");
      return { text, type: Type, at: (changedAt) => changedAt + after };
    }
    default:
      throw new InvalidPolicyTypeException(
        "The policy type is not supported. Parameter Store supports the following policy types: Expiration, ExpirationNotification, and NoChangeNotification.",
      );
  }
}

function spanOf(count: unknown, unit: unknown, member: string): number {
  const unitMs = typeof unit === "string" ? UNITS[unit] : undefined;
  const isCount = typeof count === "string" && /^[1-9]\d{0,4}$/.test(count);
  if (unitMs !== undefined && isCount) return Number(count) * unitMs;
  throw new InvalidPolicyAttributeException(`${member} is a number of Days or Hours.`);
}

interface Action {
  readonly at: number;
  readonly policy: ParameterPolicy;
}

/** What the policies of a version do, in the order in which they do it. */
function actionsOf({ policies, modified_at }: Pick<SsmParameterRow, "policies" | "modified_at">): readonly Action[] {
  const parsed = policies === null ? [] : parsePolicies(policies);
  const expiresAt = parsed.find(({ type }) => type === "Expiration")?.at(modified_at, undefined);
  const actions = parsed.map((policy) => ({ at: policy.at(modified_at, expiresAt), policy }));
  return actions.toSorted((left, right) => left.at - right.at);
}

/** Policies as histories and descriptions show them; what has acted is finished. */
export function shownPolicies(row: SsmParameterRow, now: number) {
  return actionsOf(row).map(({ at, policy }) => ({
    PolicyText: policy.text,
    PolicyType: policy.type,
    PolicyStatus: at <= now ? "Finished" : "Pending",
  }));
}

/** The kind of the due rows of parameters with policies. */
export const PARAMETER_POLICY = "ssm:ParameterPolicy";

const dueOf = ({ region, account, name }: ParameterName): DueName => ({
  kind: PARAMETER_POLICY,
  region,
  subject: `${account}:${parameterPath(name)}`,
});

/** Plans what the policies of a parameter do next, after a moment; what of it lies before is not made up for. */
export async function planPolicies(
  tx: Tx,
  row: Pick<SsmParameterRow, "policies" | "modified_at"> & ParameterName,
  after: number,
): Promise<void> {
  const next = actionsOf(row).find(({ at, policy }) => at > after || policy.type === "Expiration");
  if (next === undefined) await clearDue(tx, dueOf(row));
  else await setDue(tx, { ...dueOf(row), due_at: next.at });
}

/** Takes what was planned for a parameter off the list. */
export async function forgetPolicies(tx: Tx, name: ParameterName): Promise<void> {
  await clearDue(tx, dueOf(name));
}

/** Does what policies say: deletes parameters that expire, and tells EventBridge of that and of what is to be told. */
export function actOnPoliciesWhenDue({
  recorder,
  bus,
}: {
  readonly recorder: Recorder;
  readonly bus: Pick<EventBus, "send">;
}): DueHandler {
  return {
    destructive: true,
    async perform(tx, { region, subject, due_at }, { now }) {
      const [account = "", ...parts] = subject.split(":");
      const name = { region, account, name: parts.join(":") };
      const row = await findParameter(tx.db, name);
      if (row === undefined) return;
      const arn = parameterArnOf(name);
      for (const { policy } of actionsOf(row).filter(({ at }) => at === due_at)) {
        const detail = {
          "parameter-name": row.name,
          "parameter-type": row.type,
          "policy-type": policy.type,
          "policy-content": policy.text,
          "action-status": "Success",
        };
        const what = { source: "aws.ssm", detailType: "Parameter Store Policy Action" };
        const event = { account, region, ...what, time: now, resources: [arn], detail: JSON.stringify(detail) };
        await bus.send(tx, { account, region }, [event]);
        if (policy.type !== "Expiration") continue;
        await deleteParameter(tx, name);
        const facts = { service: "ssm", event: "DeleteParameter", account, region, now };
        await recorder.enlist(tx, { ...facts, response: null, resources: undefined, details: { name: row.name } });
        return;
      }
      await planPolicies(tx, row, due_at);
    },
  };
}
