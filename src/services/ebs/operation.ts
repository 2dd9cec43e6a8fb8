/** How an operation of the EBS direct APIs is declared. */

import type { EBS } from "@aws-sdk/client-ebs";
import { asArn } from "../../base/arn.ts";
import type { Custody } from "../../custody/custody.ts";
import { Secret } from "../../custody/secret.ts";
import type { InputOf, OperationsOf, OutputOf } from "../../pipeline/client-types.ts";
import type { Call, ChangeContext, Operation, RunContext, Target } from "../../pipeline/operation.ts";
import type { EbsSnapshotRow } from "../../storage/service-schema.ts";
import { contextOf } from "../ec2/data-keys.ts";
import { ec2Arn } from "../ec2/operation.ts";
import { sealedOf } from "../ec2/volumes.ts";
import type { ForwardingKms } from "../forwarding.ts";
import { errorOfKms } from "./errors.ts";

/** What every run gets. */
export interface Environment {
  readonly custody: Custody;
  readonly kms: ForwardingKms;
}

export type OperationName = OperationsOf<EBS>;
export type Input<N extends OperationName> = InputOf<EBS, N>;
export type Output<N extends OperationName> = OutputOf<EBS, N>;
export type Context = RunContext & Environment;
export type Change<P> = ChangeContext<P> & Environment;

type Members = Readonly<Record<string, unknown>>;

interface Tagged {
  readonly Tags?: readonly { readonly Key?: string; readonly Value?: string }[];
}

/** Condition keys that are members of the request (Service Authorization Reference, EBS). */
const MEMBERS: Readonly<Record<string, string>> = {
  "ebs:description": "Description",
  "ebs:parentsnapshot": "ParentSnapshotId",
  "ebs:volumesize": "VolumeSize",
};

function conditions(key: string, input: Members): readonly string[] | undefined {
  const member = MEMBERS[key];
  if (member !== undefined) return input[member] === undefined ? undefined : [String(input[member])];
  const { Tags } = input as Tagged;
  if (key === "aws:tagkeys") return Tags?.map(({ Key = "" }) => Key);
  const tag = Tags?.find(({ Key = "" }) => key === `aws:requesttag/${Key.toLowerCase()}`);
  return tag && [tag.Value ?? ""];
}

/** A permission on a snapshot, or on any that is to be; whether it is there is found out by the operation. */
export function onSnapshot<I>(
  action: string,
  idOf: (input: I) => string | undefined = () => "*",
  options: { readonly as?: string; when?(input: I): boolean } = {},
): Target<I> {
  const { as = "snapshot", when } = options;
  return {
    as,
    action,
    when: (input) => idOf(input) !== undefined && (when === undefined || when(input)),
    resolve: (input, call) => ({
      kind: "found",
      resource: { arn: ec2Arn(call, "snapshot", idOf(input) ?? "*"), account: call.principal.account },
    }),
    conditions: (key, { input }) => conditions(key, input as Members),
  };
}

interface Declared<N extends OperationName, C> {
  readonly targets: readonly Target<Input<N>>[];
  validate?(input: Input<N>, call: Call): void;
  run(input: Input<N>, context: C): Promise<Output<N>>;
}

/** An operation that only reads. */
export function read<N extends OperationName>(name: N, declared: Declared<N, Context>): Operation {
  return { ...(declared as unknown as Operation), name, kind: "read", record: recordOf(true) };
}

/** An operation that writes; `prepare` calls KMS before the transaction. */
export function change<N extends OperationName, P = undefined>(
  name: N,
  declared: Declared<N, Change<P>> & { prepare?(input: Input<N>, context: Context): Promise<P> },
): Operation {
  const record = { ...recordOf(false), response: (output: unknown) => ({ ...(output as Members) }) };
  return { ...(declared as unknown as Operation), name, kind: "change", record };
}

function recordOf(readOnly: boolean): Operation["record"] {
  return {
    readOnly,
    request(input) {
      const { BlockData: _data, BlockToken: _token, ...shown } = input as Members;
      return shown;
    },
    resources: undefined,
  };
}

/** EBS calls KMS as EC2 does: its requests come through `ec2`, which the policy of `aws/ebs` names (KMS guide, kms:ViaService). */
export function asEc2(call: Call): Call {
  return { ...call, service: "ec2" };
}

/**
 * Opens the data key of a snapshot in the caller's name.
 *
 * @returns undefined where it is not encrypted; else what the caller wipes
 * @throws AccessDeniedException, ValidationException as KMS refuses
 */
export async function openedDataKey(
  snapshot: EbsSnapshotRow,
  { call, kms }: Pick<Context, "call" | "kms">,
): Promise<Secret | undefined> {
  const sealed = sealedOf(snapshot);
  if (sealed === undefined) return undefined;
  const input = { CiphertextBlob: sealed.data_key, EncryptionContext: contextOf(sealed.context_id) };
  try {
    const region = asArn(sealed.key_arn)?.region ?? call.region;
    const { Plaintext } = await kms.perform(asEc2(call), "Decrypt", input, { region });
    return new Secret(Plaintext ?? new Uint8Array());
  } catch (cause) {
    throw errorOfKms(cause);
  }
}
