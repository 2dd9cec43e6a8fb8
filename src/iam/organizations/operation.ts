/** How an operation of Organizations is declared: `read` and `change`. */

import type { Tag } from "@aws-sdk/client-organizations";
import type { Custody } from "../../custody/custody.ts";
import { type ControlPolicyType, findFullAccess, SCP } from "../../identity/control-policies.ts";
import type {
  ChangeContext,
  Operation,
  Question,
  Recorder,
  Resource,
  RunContext,
  Target,
} from "../../pipeline/operation.ts";
import { type Page, pageOf } from "../../pipeline/pages.ts";
import type { Reader } from "../../storage/store.ts";
import type { Tag as TagOfRow } from "../../storage/tags.ts";
import { ConstraintViolationException, InvalidInputException } from "./errors.ts";
import { PAGE_SIZE, TAGS_MAX } from "./quotas.ts";
import type { Locator, Members } from "./resources.ts";
import type { Input, OperationName, Output } from "./shapes.ts";

/** What every run gets beside its targets' resources. */
export interface Environment {
  readonly custody: Custody;
  readonly recorder: Recorder;
}

// biome-ignore lint/suspicious/noExplicitAny: locators of any resource, from which it is inferred
type AnyLocators = Readonly<Record<string, Locator<any>>>;

type Resources<T extends AnyLocators> = {
  readonly [As in keyof T]: T[As] extends Locator<infer R> ? R : never;
};

/** What a run that only looks gets. */
type ReadContext<T extends AnyLocators> = RunContext & Environment & Resources<T>;
type WriteContext<T extends AnyLocators> = ChangeContext & Environment & Resources<T>;

interface Declared<I, O, T extends AnyLocators, C> {
  /** What it is on, in the order in which absent ones are told; the caller must be allowed the operation on each. */
  readonly on: T;
  run(input: I, context: C): Promise<O> | O;
}

/** An operation that only looks. */
export function read<N extends OperationName, const T extends AnyLocators>(
  name: N,
  declared: Declared<Input<N>, Output<N>, T, ReadContext<T>>,
): Operation {
  return compile(name, "read", declared);
}

/** An operation that changes rows. Its record has the answer, names of accounts and email addresses masked. */
export function change<N extends OperationName, const T extends AnyLocators>(
  name: N,
  declared: Declared<Input<N>, Output<N>, T, WriteContext<T>>,
): Operation {
  return compile(name, "change", declared);
}

function compile<I, O, T extends AnyLocators, C>(
  name: string,
  kind: "read" | "change",
  { on, run }: Declared<I, O, T, C>,
): Operation {
  const targets = Object.entries(on).map(([as, locator]) => compileTarget(as, `organizations:${name}`, locator));
  const [first] = Object.values(on);
  const tagging =
    first === undefined ? [] : [{ ...compileTarget("tags", "organizations:TagResource", first), when: hasTags }];
  return {
    name,
    kind,
    targets: [...targets, ...tagging],
    record: {
      readOnly: kind === "read",
      request: (input) => recorded(input as Members),
      ...(kind === "change" && { response: (output) => recorded(output as Members) }),
      resources: undefined,
    },
    validate: (input) => requireTags((input as TaggedInput).Tags),
    run: (input, context) => run(input as I, context as C),
  };
}

function compileTarget(as: string, action: string, locator: Locator<Resource>): Target {
  return {
    as,
    action,
    resolve: (input, call, reader) => locator.resolve(input as Members, call, reader),
    conditions: conditionValues,
  };
}

interface TaggedInput {
  readonly Tags?: readonly Tag[];
}

/** Names of accounts and email addresses are masked in records (Organizations user guide, CloudTrail examples). */
const MASKED = new Set(["AccountName", "Email", "MasterAccountEmail"]);

function recorded(members: Members): Members | null {
  const entries = Object.entries(members).map(([name, value]) => [name, MASKED.has(name) ? "****" : inner(value)]);
  return entries.length === 0 ? null : Object.fromEntries(entries);
}

function inner(value: unknown): unknown {
  const isStructure = typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  return isStructure ? recorded(value as Members) : value;
}

/** The condition keys of Organizations (Service Authorization Reference), and those of tags in the request. */
function conditionValues(key: string, { input, reader }: Question): readonly string[] | undefined {
  const { Type, PolicyType, Filter, PolicyId, Tags = [] } = input as Members & TaggedInput;
  if (key === "organizations:policytype") {
    const type =
      Type ?? PolicyType ?? Filter ?? (PolicyId === undefined ? undefined : typeOf(String(PolicyId), reader));
    return type === undefined ? undefined : [String(type)];
  }
  if (Tags.length === 0) return undefined;
  if (key === "aws:tagkeys") return Tags.map(({ Key = "" }) => Key);
  const tag = Tags.find(({ Key = "" }) => key === `aws:requesttag/${Key.toLowerCase()}`);
  return tag && [tag.Value ?? ""];
}

/** Of a policy that is not there, the type under which its ARN is asked for. */
function typeOf(policyId: string, reader: Reader): ControlPolicyType {
  return (reader.find("organizationPolicy", policyId) ?? findFullAccess(policyId))?.type ?? SCP;
}

function hasTags(input: unknown): boolean {
  return ((input as TaggedInput).Tags ?? []).length > 0;
}

/** @throws InvalidInputException, ConstraintViolationException (Organizations API reference, Tag) */
function requireTags(tags: readonly Tag[] = []): void {
  const keys = tags.map(({ Key = "" }) => Key);
  if (keys.some((key) => key.toLowerCase().startsWith("aws:"))) {
    throw new InvalidInputException("INVALID_SYSTEM_TAGS_PARAMETER", "You specified a tag key that is a system tag.");
  }
  if (new Set(keys).size < keys.length) {
    throw new InvalidInputException(
      "DUPLICATE_TAG_KEY",
      "Tag keys must be unique among the tags attached to the same entity.",
    );
  }
  if (keys.length > TAGS_MAX) {
    throw new ConstraintViolationException(
      "MAX_TAG_LIMIT_EXCEEDED",
      "You have exceeded the number of tags allowed on this resource.",
    );
  }
}

/** The tags of an input as rows have them. */
export function tagsOf(tags: readonly Tag[] = []): TagOfRow[] {
  return tags.map(({ Key = "", Value = "" }) => ({ key: Key, value: Value }));
}

/** One page of a list. */
export function page<T>(
  { NextToken, MaxResults }: { readonly NextToken?: string; readonly MaxResults?: number },
  context: RunContext & Environment,
  {
    of = "",
    list,
    nameOf,
  }: {
    /** What is listed, where an operation has several lists. */
    readonly of?: string;
    list(after: string | undefined, count: number): readonly T[] | Promise<readonly T[]>;
    nameOf(item: T): string;
  },
): Promise<Page<T>> {
  const invalidMarker = () =>
    new InvalidInputException("INVALID_NEXT_TOKEN", "You specified an invalid value for NextToken.");
  return pageOf(
    { marker: NextToken, limit: MaxResults ?? PAGE_SIZE, filter: of, list, nameOf, invalidMarker },
    context,
  );
}
