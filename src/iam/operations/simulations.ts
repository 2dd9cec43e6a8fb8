/** SimulatePrincipalPolicy and SimulateCustomPolicy: what would be allowed, and by which statement. */

import type { ContextEntry, EvaluationResult, PolicySourceType, Position, Statement } from "@aws-sdk/client-iam";
import type { Denial } from "../../access/decide.ts";
import type { ExplainedSource } from "../../access/explain.ts";
import { type SourcedPolicy, type Sources, sourcesOf } from "../../access/sources.ts";
import { InvalidInputException } from "../../base/errors.ts";
import { findPrincipalByArn, simulatedUser } from "../../identity/credentials.ts";
import type { Principal } from "../../identity/principal.ts";
import type { Call } from "../../pipeline/operation.ts";
import { type ResourceDirectory, simulate } from "../../pipeline/simulation.ts";
import { type PolicyKind, PolicySyntaxError } from "../../policy/document.ts";
import { requireIdentityPolicy } from "../../policy/identity-policies.ts";
import { type Place, placesOfStatements } from "../../policy/json.ts";
import { type CompiledPolicy, compilePolicy } from "../../policy/policy.ts";
import type { Identity } from "../../storage/identity-rows.ts";
import type { Reader } from "../../storage/store.ts";
import { read } from "../operation.ts";
import { page } from "../pages.ts";
import { fixed, identityOfArn } from "../resources.ts";
import type { Input } from "../shapes.ts";
import { contextKeyNames } from "./context-keys.ts";

/** What both operations are told. */
type Told = Omit<Input<"SimulateCustomPolicy">, "PolicyInputList"> & { readonly PolicyInputList?: readonly string[] };

/**
 * What a user, group or role would be allowed, by its policies and those of the request (API reference, SimulatePrincipalPolicy).
 * Beyond AWS: the policy of a KMS key and its grants take part when its ARN is given.
 */
export const simulatePrincipalPolicy = read("SimulatePrincipalPolicy", {
  targets: [{ as: "principal", action: "iam:SimulatePrincipalPolicy", resource: identityOfArn("PolicySourceArn") }],
  async run(input, context) {
    const { principal, directory, store, call } = context;
    const given = parsedInput(input);
    const results = await store.settle((reader) => {
      const who = principalOf(principal.identity, principal.arn, input, call, reader);
      const own = sourcesOf(who, reader);
      const sources = {
        ...own,
        identity: [...(own.identity ?? []), ...given.policies],
        boundary: given.boundary ?? own.boundary,
      };
      return evaluate({ input, given, who, sources, directory, call, reader });
    });
    return await paged(results, input, context);
  },
});

/** What policies of the request would allow to whoever had them (API reference, SimulateCustomPolicy). */
export const simulateCustomPolicy = read("SimulateCustomPolicy", {
  targets: [{ as: "account", action: "iam:SimulateCustomPolicy", resource: fixed("*") }],
  async run(input, context) {
    const { store, call } = context;
    const given = parsedInput(input);
    const sources: Sources = { identity: given.policies, boundary: given.boundary, session: undefined, control: [] };
    const results = await store.settle((reader) => {
      const who = callerOf(input, call, reader) ?? simulatedUser(ownerOf(call), "simulated");
      return evaluate({ input, given, who, sources, directory: NO_DIRECTORY, call, reader });
    });
    return await paged(results, input, context);
  },
});

const NO_DIRECTORY: ResourceDirectory = { find: () => undefined };

interface Given {
  readonly policies: readonly SourcedPolicy[];
  readonly boundary: readonly SourcedPolicy[] | undefined;
  readonly resourcePolicy: CompiledPolicy | undefined;
  readonly entries: ReadonlyMap<string, readonly string[]>;
}

/** @throws InvalidInputException a policy can't be read, or a context entry has no name or no values */
function parsedInput(input: Told): Given {
  const { PolicyInputList = [], PermissionsBoundaryPolicyInputList: boundary, ResourcePolicy } = input;
  return {
    policies: PolicyInputList.map((text, index) => sourced(text, `PolicyInputList.${index + 1}`)),
    boundary: boundary?.map((text, index) => sourced(text, `PermissionsBoundaryPolicyInputList.${index + 1}`)),
    resourcePolicy: ResourcePolicy === undefined ? undefined : compiledOr(ResourcePolicy, "resource", "ResourcePolicy"),
    entries: new Map((input.ContextEntries ?? []).map(entryOf)),
  };
}

function sourced(document: string, id: string): SourcedPolicy {
  return { name: id, policy: compiledOr(document, "identity", id), origin: { id, document } };
}

function compiledOr(text: string, kind: PolicyKind, member: string): CompiledPolicy {
  try {
    if (kind === "identity") requireIdentityPolicy(text, "inline");
    return compilePolicy(text, kind);
  } catch (cause) {
    if (cause instanceof PolicySyntaxError) throw new InvalidInputException(`${member}: ${cause.message}`);
    throw cause;
  }
}

function entryOf({ ContextKeyName, ContextKeyValues = [] }: ContextEntry): [string, readonly string[]] {
  if (ContextKeyName === undefined) throw new InvalidInputException("A context entry has no name.");
  return [ContextKeyName.toLowerCase(), ContextKeyValues];
}

/** Whom the request would be of: `CallerArn` where it is given, else whoever has the policies. */
function principalOf(identity: Identity, arn: string, input: Told, call: Call, reader: Reader): Principal {
  const found = callerOf(input, call, reader) ?? findPrincipalByArn(reader, arn, call.now);
  return found ?? simulatedUser({ ...ownerOf(call), identityId: identity.unique_id, arn }, identity.name);
}

function ownerOf({ principal: { account }, partition }: Call): {
  readonly account: string;
  readonly partition: string;
} {
  return { account, partition };
}

function callerOf({ CallerArn }: Told, { now }: Call, reader: Reader): Principal | undefined {
  if (CallerArn === undefined) return undefined;
  const found = findPrincipalByArn(reader, CallerArn, now);
  if (found === undefined) throw new InvalidInputException(`Invalid Caller Arn: ${CallerArn}`);
  return found;
}

interface Evaluation {
  readonly input: Told;
  readonly given: Given;
  readonly who: Principal;
  readonly sources: Sources;
  readonly directory: ResourceDirectory;
  readonly call: Call;
  readonly reader: Reader;
}

/** Every action on every resource. */
function evaluate({ input, given, who, sources, directory, call, reader }: Evaluation): EvaluationResult[] {
  const { ActionNames, ResourceArns = ["*"], ResourceOwner } = input;
  const owner = ResourceOwner === undefined ? undefined : (ResourceOwner.split(":")[4] ?? ResourceOwner);
  return ActionNames.flatMap((action) => {
    if (!/^[a-zA-Z0-9-]+:[a-zA-Z0-9*]+$/.test(action))
      throw new InvalidInputException(`Invalid Action Name: ${action}`);
    return ResourceArns.map((resourceArn) => {
      const simulation = {
        principal: who,
        action,
        resourceArn,
        entries: given.entries,
        now: call.now,
        sources,
        ...(given.resourcePolicy !== undefined && { resourcePolicy: given.resourcePolicy }),
        ...(owner !== undefined && { resourceAccount: owner }),
      };
      const { explanation, request } = simulate(simulation, { directory, reader });
      // What another account's key policy says is not told to whoever asks, unless it is in the request.
      const isTold = given.resourcePolicy !== undefined || request.resource.account === call.principal.account;
      const told = explanation.sources.filter(({ type }) => isTold || type !== "resource-based policy");
      return resultOf(action, resourceArn, { ...explanation, sources: told }, sources);
    });
  });
}

function resultOf(
  action: string,
  resourceArn: string,
  { decision, sources }: ReturnType<typeof simulate>["explanation"],
  { boundary, control }: Sources,
): EvaluationResult {
  const told = { MatchedStatements: sources.flatMap(matchedStatements), MissingContextValues: missingKeys(sources) };
  const EvalDecision = decision.allowed ? "allowed" : decisionOf(decision, sources);
  return {
    EvalActionName: action,
    EvalResourceName: resourceArn,
    EvalDecision,
    ...told,
    ...(resourceArn !== "*" && {
      EvalDecisionDetails: {},
      ResourceSpecificResults: [{ EvalResourceName: resourceArn, EvalResourceDecision: EvalDecision, ...told }],
    }),
    ...(control.length > 0 && {
      OrganizationsDecisionDetail: {
        AllowedByOrganizations: decision.allowed || decision.by !== "service control policy",
      },
    }),
    ...(boundary !== undefined && {
      PermissionsBoundaryDecisionDetail: {
        AllowedByPermissionsBoundary: decision.allowed || decision.by !== "permissions boundary",
      },
    }),
  };
}

/** Callers of another account's resource are not told that its policy denies; who simulates is, where the policy is told. */
function decisionOf({ why }: Denial, sources: readonly ExplainedSource[]): "explicitDeny" | "implicitDeny" {
  const isDenied = sources.some(
    ({ type, statements }) =>
      type === "resource-based policy" &&
      statements.some(({ effect, mismatch }) => effect === "Deny" && mismatch === undefined),
  );
  return why === "explicit" || isDenied ? "explicitDeny" : "implicitDeny";
}

/** Not in the model, and what the simulator says of every policy of a caller (recorded answers). */
const IAM_POLICY = "IAM Policy" as PolicySourceType;

/** The statements that are about the request and whose conditions hold, with their places in the text. */
function matchedStatements({ origin, name, statements }: ExplainedSource): Statement[] {
  const places = origin === undefined ? [] : placesOfStatements(origin.document);
  return statements
    .filter(({ mismatch }) => mismatch === undefined)
    .map(({ index }) => {
      const place = places[index];
      return {
        SourcePolicyId: origin?.id ?? name,
        SourcePolicyType: origin === undefined ? "resource" : IAM_POLICY,
        ...(place !== undefined && { StartPosition: positionOf(place.start), EndPosition: positionOf(place.end) }),
      };
    });
}

function positionOf({ line, column }: Place): Position {
  return { Line: line, Column: column };
}

/** Keys that conditions ask for and that the simulated request does not have, each once, as the policies write them. */
function missingKeys(sources: readonly ExplainedSource[]): string[] {
  const asked = sources.flatMap(({ statements }) => statements.flatMap(({ conditions }) => conditions));
  const missing = asked.filter(({ actual, operator }) => actual === undefined && operator !== "null");
  const written = contextKeyNames(sources.flatMap(({ origin }) => origin?.document ?? []));
  return [...new Set(missing.map(({ key }) => written.get(key) ?? key))];
}

async function paged(
  results: readonly EvaluationResult[],
  input: Told,
  context: Parameters<typeof page>[1],
): Promise<{ EvaluationResults: EvaluationResult[]; IsTruncated: boolean; Marker?: string }> {
  const numbered = results.map((result, index) => ({ result, name: String(index).padStart(6, "0") }));
  const { items, end } = await page(input, context, {
    filter: [JSON.stringify([input.ActionNames, input.ResourceArns])],
    list: (after = "", count) => numbered.filter(({ name }) => name > after).slice(0, count),
    nameOf: ({ name }) => name,
  });
  return { EvaluationResults: items.map(({ result }) => result), ...end };
}
