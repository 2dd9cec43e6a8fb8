/** How an operation of EC2's part for EBS is declared, and what its errors are. */

import { asArn, formatArn } from "../../base/arn.ts";
import {
  AccessDeniedException,
  coded,
  DryRunOperationException,
  ServiceUnavailableException,
} from "../../base/errors.ts";
import type { Custody } from "../../custody/custody.ts";
import type { Call, ChangeContext, Operation, RunContext, Target } from "../../pipeline/operation.ts";
import type { EventBus } from "../../signals/events/bus.ts";
import { repeatedKey, type Tag } from "../../storage/tags.ts";
import { type ForwardingKms, KmsRefusal } from "../forwarding.ts";

/** What every run gets. */
export interface Environment {
  readonly custody: Custody;
  readonly kms: ForwardingKms;
  readonly bus: Pick<EventBus, "send">;
}

export type Context = RunContext & Environment;
export type Change<P> = ChangeContext<P> & Environment;

export class IncorrectState extends coded("IncorrectState") {}
export class InvalidAttachmentNotFound extends coded("InvalidAttachment.NotFound") {}
export class InvalidInstanceIdMalformed extends coded("InvalidInstanceID.Malformed") {}
export class InvalidAMIAttributeItemValue extends coded("InvalidAMIAttributeItemValue") {}
export class InvalidParameterCombination extends coded("InvalidParameterCombination") {}
export class InvalidParameterDependency extends coded("InvalidParameterDependency") {}
export class InvalidParameterValue extends coded("InvalidParameterValue") {}
export class InvalidSnapshotNotFound extends coded("InvalidSnapshot.NotFound") {}
export class InvalidVolumeNotFound extends coded("InvalidVolume.NotFound") {}
export class InvalidZoneNotFound extends coded("InvalidZone.NotFound") {}
export class InvalidKmsKeyInvalidState extends coded("InvalidKmsKey.InvalidState") {}
export class InvalidKmsKeyNotFound extends coded("InvalidKmsKey.NotFound") {}
export class MissingParameter extends coded("MissingParameter") {}
export class OperationNotPermitted extends coded("OperationNotPermitted") {}
export class SnapshotLimitExceeded extends coded("SnapshotLimitExceeded") {}
export class UnknownVolumeType extends coded("UnknownVolumeType") {}
export class VolumeInUse extends coded("VolumeInUse") {}

/** What a refusal by KMS becomes; the codes are ours, since EC2 tells of such failures in events. */
export function errorOfKms(cause: unknown): unknown {
  if (!(cause instanceof KmsRefusal)) return cause;
  const { cause: error, quoted } = cause;
  if (error.status >= 500) return new ServiceUnavailableException("", { cause: error });
  switch (error.code) {
    case "AccessDeniedException":
      return new AccessDeniedException(quoted);
    case "NotFoundException":
    case "InvalidArnException":
    case "ValidationException":
      return new InvalidKmsKeyNotFound(quoted, { cause: error });
    default:
      return new InvalidKmsKeyInvalidState(quoted, { cause: error });
  }
}

type Members = Readonly<Record<string, unknown>>;

interface Tagged {
  readonly TagSpecifications?: readonly {
    readonly Tags?: readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[] | undefined;
  }[];
}

/** The tags that an input gives to what it makes. */
export function tagsOf(input: object): Tag[] {
  const { TagSpecifications = [] } = input as Tagged;
  return TagSpecifications.flatMap(({ Tags = [] }) =>
    Tags.map(({ Key: key = "", Value: value = "" }) => ({ key, value })),
  );
}

/** Refuses a tag key that is there twice, in the words of the service (as clients of CreateSnapshot report them). */
function requireDistinctTags(input: object): void {
  const key = repeatedKey(tagsOf(input));
  if (key !== undefined) throw new InvalidParameterValue(`Duplicate tag key '${key}' specified.`);
}

/** Tags as answers have them. */
export function shownTags(tags: readonly Tag[]) {
  return tags.map(({ key: Key, value: Value }) => ({ Key, Value }));
}

function conditions(key: string, input: Members): readonly string[] | undefined {
  if (key === "ec2:encrypted" && input["Encrypted"] !== undefined) return [String(input["Encrypted"])];
  if (!("TagSpecifications" in input)) return undefined;
  const tags = tagsOf(input);
  if (key === "aws:tagkeys") return tags.map((tag) => tag.key);
  const tag = tags.find((each) => key === `aws:requesttag/${each.key.toLowerCase()}`);
  return tag && [tag.value];
}

/** Kinds of resources; the ARNs of snapshots name no account (Service Authorization Reference, EC2). */
type Kind = "volume" | "snapshot" | "instance";

/** The ARN of something of EC2. */
export function ec2Arn({ partition, region, principal }: Call, kind: Kind, id: string): string {
  const account = kind === "snapshot" ? "" : principal.account;
  return formatArn({ partition, service: "ec2", region, account, resource: `${kind}/${id}` });
}

/** A permission on a resource, or on `*` where none is named; whether it is there is found out by the operation. */
export function on<I>(
  action: string,
  where?: { readonly kind: Kind; idOf(input: I): string | undefined },
  as: string = where?.kind ?? "account",
): Target<I> {
  return {
    as,
    action: `ec2:${action}`,
    ...(where && { when: (input) => where.idOf(input) !== undefined }),
    resolve: (input, call) => ({
      kind: "found",
      resource: {
        arn: where === undefined ? "*" : ec2Arn(call, where.kind, where.idOf(input) ?? "*"),
        account: call.principal.account,
      },
    }),
    conditions: (key, { input }) => conditions(key, input as Members),
  };
}

/** Tags at creation take `ec2:CreateTags`, too. */
export function tagging(kind: Kind): Target<object> {
  const target = on<object>("CreateTags", { kind, idOf: () => "*" }, "tags");
  return { ...target, when: (input) => tagsOf(input).length > 0 };
}

interface DryRunning {
  readonly DryRun?: boolean | undefined;
}

/** Ends a dry run in EC2's own words. */
function endDryRun(input: unknown): void {
  if ((input as DryRunning).DryRun !== true) return;
  throw new DryRunOperationException("Request would have succeeded, but DryRun flag is set.");
}

interface Declared<I, C> {
  readonly targets: readonly Target<I>[];
  validate?(input: I, call: Call): void;
  run(input: I, context: C): Promise<object>;
}

/** An operation that only looks. */
export function read<I extends DryRunning>(name: string, declared: Declared<I, Context>): Operation {
  return { ...(declared as unknown as Operation), name, kind: "read", record: recordOf(true), check: endDryRun };
}

/** An operation that changes volumes, snapshots or settings; `prepare` calls KMS before the transaction. */
export function change<I extends DryRunning, P = undefined>(
  name: string,
  declared: Declared<I, Change<P>> & { prepare?(input: I, context: Context): Promise<P> },
): Operation {
  const { prepare } = declared;
  return {
    ...(declared as unknown as Operation),
    name,
    kind: "change",
    validate(input, call) {
      requireDistinctTags(input as Members);
      declared.validate?.(input as I, call);
    },
    record: { ...recordOf(false), response: (output) => ({ ...(output as Members) }) },
    check: endDryRun,
    ...(prepare && {
      async prepare(input, context) {
        endDryRun(input);
        return await prepare(input as I, context as Context);
      },
    }),
  };
}

function recordOf(readOnly: boolean): Operation["record"] {
  return { readOnly, request: (input) => ({ ...(input as Members) }), resources: undefined };
}

/** Whether a row is the caller's, in the Region of the call. */
export function isOwn(row: { readonly account: string; readonly region: string } | undefined, call: Call): boolean {
  return row?.account === call.principal.account && row.region === call.region;
}

/** Whether a text is the ARN of a KMS key of another Region than the call's. */
export function isElsewhere(keyArn: string, { region }: Call): boolean {
  return asArn(keyArn)?.region !== region;
}
