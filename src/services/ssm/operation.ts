/** How an operation of SSM is declared. */

import type { SSM } from "@aws-sdk/client-ssm";
import type { Custody } from "../../custody/custody.ts";
import type { InputOf, OperationsOf, OutputOf } from "../../pipeline/client-types.ts";
import type { Call, ChangeContext, Operation, RunContext, Target } from "../../pipeline/operation.ts";
import { parameterPath } from "../../storage/ssm-parameters.ts";
import type { ForwardingKms } from "../forwarding.ts";
import { parameterArn } from "./names.ts";
import type { ReadSecret } from "./secret-references.ts";

/** What every run gets. */
export interface Environment {
  readonly custody: Custody;
  readonly kms: ForwardingKms;
  readonly readSecret: ReadSecret;
}

export type OperationName = OperationsOf<SSM>;
export type Input<N extends OperationName> = InputOf<SSM, N>;
export type Output<N extends OperationName> = OutputOf<SSM, N>;
export type Context = RunContext & Environment;
export type Change<P> = ChangeContext<P> & Environment;

type Members = Readonly<Record<string, unknown>>;

/** A permission on the parameter of a name, or on what begins with it. */
export function onParameter<I>(
  action: string,
  nameOf: (input: I, call: Call) => string | undefined,
  as = "parameter",
): Target<I> {
  return {
    as,
    action,
    when: (input, call) => nameOf(input, call) !== undefined,
    resolve(input, call) {
      const arn = parameterArn(call, nameOf(input, call) ?? "");
      return { kind: "found", resource: { arn, account: call.principal.account } };
    },
    conditions(key, { input, call, reader }) {
      const [, tagKey] = /^(?:aws|ssm):resourcetag\/(.*)$/s.exec(key) ?? [];
      if (tagKey === undefined) return flagOf(key, action, input as Members) ?? tagConditions(key, input as Members);
      const name = nameOf(input as I, call) ?? "";
      const tagged = reader.find("parameterTags", call.region, call.principal.account, parameterPath(name));
      return tagged?.tags.filter((tag) => tag.key.toLowerCase() === tagKey).map(({ value }) => value);
    },
  };
}

/** Conditions of one action that ask whether a request has something (Systems Manager guide, Policy conditions for Parameter Store). */
const FLAGS: Readonly<Record<string, { readonly action: string; is(input: Members): boolean }>> = {
  "ssm:overwrite": { action: "ssm:PutParameter", is: ({ Overwrite }) => Overwrite === true },
  "ssm:policies": { action: "ssm:PutParameter", is: ({ Policies }) => Policies !== undefined },
  "ssm:recursive": { action: "ssm:GetParametersByPath", is: ({ Recursive }) => Recursive === true },
};

function flagOf(key: string, action: string, input: Members): readonly string[] | undefined {
  const flag = FLAGS[key];
  return flag?.action === action ? [String(flag.is(input))] : undefined;
}

interface Tagged {
  readonly Tags?: readonly { readonly Key?: string; readonly Value?: string }[];
  readonly TagKeys?: readonly string[];
}

/** `aws:TagKeys` and `aws:RequestTag/…` of requests that bring tags, or name some. */
function tagConditions(key: string, { Tags, TagKeys }: Tagged): readonly string[] | undefined {
  if (key === "aws:tagkeys") return Tags?.map(({ Key = "" }) => Key) ?? TagKeys;
  const tag = Tags?.find(({ Key = "" }) => key === `aws:requesttag/${Key.toLowerCase()}`);
  return tag && [tag.Value ?? ""];
}

interface Declared<N extends OperationName, C> {
  readonly targets: readonly Target<Input<N>>[];
  validate?(input: Input<N>, call: Call): void;
  run(input: Input<N>, context: C): Promise<Output<N>>;
}

/** An operation that only reads; with decryption it calls KMS. */
export function read<N extends OperationName>(name: N, declared: Declared<N, Context>): Operation {
  return { ...(declared as unknown as Operation), name, kind: "read", record: recordOf(declared.targets, true) };
}

/** An operation that changes parameters; `prepare` calls KMS before the transaction. */
export function change<N extends OperationName, P = undefined>(
  name: N,
  declared: Declared<N, Change<P>> & { prepare?(input: Input<N>, context: Context): Promise<P> },
): Operation {
  return {
    ...(declared as unknown as Operation),
    name,
    kind: "change",
    record: { ...recordOf(declared.targets, false), response: (output) => recorded(output as Members) },
  };
}

/** What CloudTrail writes in place of a value (CloudTrail user guide, PutParameter). */
const HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS";

function recordOf(targets: readonly Pick<Target, "as">[], readOnly: boolean): Operation["record"] {
  return {
    readOnly,
    request: (input) => ({ ...(input as Members), ...("Value" in (input as Members) && { Value: HIDDEN }) }),
    resources: targets.map(({ as }) => as),
  };
}

/** An empty answer is recorded as none (records that users published). */
function recorded(output: Members): Members | null {
  return Object.keys(output).length === 0 ? null : output;
}
