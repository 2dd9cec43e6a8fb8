/** How an operation of Secrets Manager is declared: targets on secrets, what conditions ask, and what records say. */

import type { SecretsManager } from "@aws-sdk/client-secrets-manager";
import { accessDenied, type Denial } from "../../access/decide.ts";
import type { UnknownPrincipals } from "../../access/principals.ts";
import { resourcePolicyOf } from "../../access/resource-policies.ts";
import type { AccessDeniedException } from "../../base/errors.ts";
import type { Custody } from "../../custody/custody.ts";
import type { InputOf, OperationsOf, OutputOf } from "../../pipeline/client-types.ts";
import type {
  Call,
  ChangeContext,
  Operation,
  Question,
  Resource,
  RunContext,
  Target,
} from "../../pipeline/operation.ts";
import type { CompiledPolicy } from "../../policy/policy.ts";
import type { Secret } from "../../storage/store.ts";
import type { ForwardingKms } from "../forwarding.ts";
import { InvalidRequestException, noSecret } from "./errors.ts";
import { arnToBe, findMeant, requireSecretId } from "./names.ts";

/** What every run gets. */
export interface Environment {
  readonly custody: Custody;
  readonly kms: ForwardingKms;
  readonly unknownPrincipals: UnknownPrincipals;
  /** Performs GetSecretValue for the caller of a request that asks for several, with a record of its own. Never in a transaction. */
  getSecretValue(input: Input<"GetSecretValue">, call: Call): Promise<Output<"GetSecretValue">>;
}

export type OperationName = OperationsOf<SecretsManager>;
export type Input<N extends OperationName> = InputOf<SecretsManager, N>;
export type Output<N extends OperationName> = OutputOf<SecretsManager, N>;
export type Context = RunContext & Environment;
/** A run on a secret that was found. */
export type OnSecret = Context & { readonly secret: StoredSecret };
export type Change<P, C> = Omit<ChangeContext<P>, keyof RunContext> & C;

/** A secret that a target came to. */
export class StoredSecret implements Resource {
  readonly row: Secret;
  /** Identity policies of its account allow whatever its policy does not deny. */
  readonly ownedByAccount = true;
  readonly policy?: CompiledPolicy;

  constructor(row: Secret) {
    this.row = row;
    const policy = resourcePolicyOf(row);
    if (policy !== undefined) this.policy = policy;
  }

  get arn(): string {
    return this.row.arn;
  }

  get account(): string {
    return this.row.account;
  }
}

interface Named {
  readonly SecretId: string;
}

/**
 * A permission on the secret that a request names.
 *
 * @param options.deleted whether a secret that is to be deleted will do
 * @param options.absent whether the operation does nothing where there is none
 * @param options.when whether the request names one
 */
export function onSecret<I extends Named>(
  action: string,
  options: { readonly deleted?: boolean; absent?(input: I): boolean; when?(input: I): boolean } = {},
): Target<I> {
  const { when } = options;
  return {
    as: "secret",
    action: `secretsmanager:${action}`,
    ...(when && { when }),
    resolve({ SecretId, ...rest }, call, reader) {
      const { account, arn, secret } = findMeant(SecretId, call, reader);
      if (secret !== undefined) return { kind: "found", resource: new StoredSecret(secret) };
      const resource = { arn, account };
      const isFine = account === call.principal.account && options.absent?.({ SecretId, ...rest } as I) === true;
      return isFine ? { kind: "found", resource } : { kind: "absent", resource, error: noSecret };
    },
    allow(resource) {
      if (options.deleted === true || !(resource instanceof StoredSecret) || resource.row.deletion_at === null) return;
      throw new InvalidRequestException(
        "You can't perform this operation on the secret because it was marked for deletion.",
      );
    },
    denied: (call, { SecretId }, denial) => deniedAs({ call, action, name: SecretId }, denial),
    conditions: (key, question) => conditions(key, question),
  };
}

/**
 * Secrets Manager's words: it names a secret as the request does, and another account's like one of the caller's own (quoted by users).
 */
function deniedAs(
  { call, action, name }: { readonly call: Call; readonly action: string; readonly name: string },
  denial: Denial,
): AccessDeniedException {
  const { principal } = call;
  const request = { principal, action: `secretsmanager:${action}`, resource: { arn: name, account: "" } };
  return accessDenied(request, denial.why === "another account's" ? { ...denial, why: "implicit" } : denial);
}

/** A permission on the secret that a request is to make. */
export function onNewSecret<I extends { readonly Name: string }>(
  action: string,
  { as, when }: { readonly as: string; when?(input: I): boolean },
): Target<I> {
  return {
    as,
    action: `secretsmanager:${action}`,
    ...(when && { when }),
    resolve: ({ Name }, call) => ({
      kind: "found",
      resource: { arn: arnToBe(call, Name), account: call.principal.account },
    }),
    denied: (call, { Name }, denial) => deniedAs({ call, action, name: Name }, denial),
    conditions: (key, question) => conditions(key, question),
  };
}

/** A permission on no secret in particular (Service Authorization Reference). */
export function onAccount<I>(
  action: string,
  { as = "account", when }: { readonly as?: string; when?(input: I): boolean } = {},
): Target<I> {
  return {
    as,
    action: `secretsmanager:${action}`,
    ...(when && { when }),
    resolve: (_input, { principal: { account } }) => ({ kind: "found", resource: { arn: "*", account } }),
  };
}

type Members = Readonly<Record<string, unknown>>;

/** Condition keys that are members of the request (Service Authorization Reference, Secrets Manager). */
const MEMBERS: Readonly<Record<string, string>> = {
  "secretsmanager:name": "Name",
  "secretsmanager:description": "Description",
  "secretsmanager:kmskeyid": "KmsKeyId",
  "secretsmanager:versionid": "VersionId",
  "secretsmanager:versionstage": "VersionStage",
  "secretsmanager:recoverywindowindays": "RecoveryWindowInDays",
  "secretsmanager:forcedeletewithoutrecovery": "ForceDeleteWithoutRecovery",
  "secretsmanager:blockpublicpolicy": "BlockPublicPolicy",
};

interface Tagging {
  readonly Tags?: readonly { readonly Key?: string; readonly Value?: string }[];
  readonly TagKeys?: readonly string[];
}

export function conditions(key: string, { input, resource }: Question): readonly string[] | undefined {
  const member = MEMBERS[key];
  if (member !== undefined) {
    const value = (input as Members)[member];
    return value === undefined ? undefined : [String(value)];
  }
  const row = resource instanceof StoredSecret ? resource.row : undefined;
  if (key === "secretsmanager:secretid") return row && [row.arn];
  if (key === "secretsmanager:secretprimaryregion") return row && [row.region];
  const [, tagKey] = /^(?:aws|secretsmanager):resourcetag\/(.*)$/s.exec(key) ?? [];
  if (tagKey !== undefined) {
    return row?.tags.filter((tag) => tag.key.toLowerCase() === tagKey).map(({ value }) => value);
  }
  return tagConditions(key, input as Tagging);
}

/** `aws:TagKeys` and `aws:RequestTag/…`. */
function tagConditions(key: string, { Tags, TagKeys }: Tagging): readonly string[] | undefined {
  if (key === "aws:tagkeys") return Tags?.map(({ Key = "" }) => Key) ?? TagKeys;
  const tag = Tags?.find(({ Key = "" }) => key === `aws:requesttag/${Key.toLowerCase()}`);
  return tag && [tag.Value ?? ""];
}

/** Changes whose answers are recorded whole. */
const RECORDED_WHOLE: ReadonlySet<OperationName> = new Set<OperationName>([
  "DeleteResourcePolicy",
  "DeleteSecret",
  "PutResourcePolicy",
  "RestoreSecret",
  "UpdateSecretVersionStage",
]);

interface Declared<N extends OperationName, C> {
  readonly targets: readonly Target<never>[];
  validate?(input: Input<N>, call: Call): void;
  run(input: Input<N>, context: C): Promise<Output<N>>;
}

/** An operation that only reads; reading a value calls KMS. */
export function read<N extends OperationName, C extends Context = OnSecret>(
  name: N,
  declared: Declared<N, C>,
): Operation {
  return operation(name, "read", declared);
}

/** An operation that changes secrets; `prepare` calls KMS before the transaction. */
export function change<N extends OperationName, P = undefined, C extends Context = OnSecret>(
  name: N,
  declared: Declared<N, Change<P, C>> & { prepare?(input: Input<N>, context: C): Promise<P> },
): Operation {
  return operation(name, "change", declared);
}

function operation<N extends OperationName>(
  name: N,
  kind: "read" | "change",
  declared: Omit<Declared<N, never>, "run">,
): Operation {
  const { validate } = declared;
  return {
    ...(declared as unknown as Operation),
    name,
    kind,
    validate(input, call) {
      const { SecretId, Name } = input as Partial<Named> & { readonly Name?: string };
      requireSecretId(SecretId ?? Name ?? "-");
      validate?.(input as Input<N>, call);
    },
    record: {
      readOnly: kind === "read",
      request: (input) => {
        const { SecretString: _text, SecretBinary: _bytes, RotationToken: _token, ...shown } = input as Members;
        return Object.keys(shown).length === 0 ? null : shown;
      },
      resources: undefined,
      ...(kind === "change" && {
        response: (output: unknown, { secret }: Partial<OnSecret>) => recorded(name, output as Members, secret?.arn),
      }),
    },
  };
}

/**
 * What records say of an answer: the ARN of the secret, under the same name whatever the operation, and of some operations the
 * rest of it (AWS re:Post, "secrets-manager-arn", and records that users published).
 */
function recorded(name: OperationName, { ARN, ...rest }: Members, arn: string | undefined): Members {
  return { Arn: ARN ?? arn, ...(RECORDED_WHOLE.has(name) && rest) };
}
