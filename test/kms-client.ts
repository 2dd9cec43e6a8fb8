/** What whole-server tests need: a server with two accounts, clients of its KMS API, keys, refusals, raw calls and records. */

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CreateKeyCommandInput, type KeyMetadata, KMS } from "@aws-sdk/client-kms";
import type { Keystead, StartOptions } from "../src/testing.ts";
import { type DevServer, startDevServer } from "./dev-server.ts";
import { type AccessKey, type Answer, kmsDraft, send, sign } from "./faults/signed-requests.ts";

/** The account of `keystead dev`. */
export const ACCOUNT = "111122223333";
/** A second account, from the seed file. */
export const OTHER_ACCOUNT = "444455556666";
/** The Region of clients that ask for none. */
export const REGION = "us-east-1";
/** A key id that no key has. */
export const ABSENT_KEY_ID = "00000000-0000-4000-8000-000000000000";

const OTHER_CREDENTIALS: AccessKey = {
  accessKeyId: "AKIAEXAMPLEACCOUNT02",
  secretAccessKey: "a/secret/for/the/second/account",
};

const SEED = `accounts:
  - id: "${OTHER_ACCOUNT}"
    credentials:
      - accessKeyId: ${OTHER_CREDENTIALS.accessKeyId}
        secretAccessKey: ${OTHER_CREDENTIALS.secretAccessKey}
`;

/** A running server with its two accounts and its records. */
export interface World extends AsyncDisposable {
  readonly server: DevServer;
  /** The client of the first account in the usual Region. */
  readonly kms: KMS;
  /** The client of the second account in the usual Region. */
  readonly other: KMS;
  readonly records: Records;
  /** The root access key of the second account. */
  readonly otherCredentials: AccessKey;
  /** A client of either account in a Region. */
  client(region: string, account?: string): KMS;
  /** A call of the first account, without the SDK: the answer's status, headers and bytes. */
  raw(operation: string, input: unknown, headers?: Readonly<Record<string, string>>): Promise<RawAnswer>;
  stop(): Promise<void>;
}

export interface RawAnswer extends Answer {
  readonly requestId: string;
  /** The body as JSON; an empty body is an empty object. */
  readonly json: Readonly<Record<string, unknown>>;
}

/** Starts a server for one test file, with further arguments of `keystead dev`. */
export function startWorld(args: readonly string[] = []): Promise<World> {
  return startWorldBy(startDevServer, args);
}

/** The same with a server that `start` makes, such as one in a process of its own. */
export async function startWorldBy<Server extends DevServer>(
  start: (options: StartOptions) => Promise<Server>,
  args: readonly string[] = [],
): Promise<World & { readonly server: Server }> {
  const folder = mkdtempSync(join(tmpdir(), "keystead-conformance-"));
  const seed = join(folder, "seed.yaml");
  const auditLog = join(folder, "audit.jsonl");
  writeFileSync(seed, SEED);
  const server = await start({ args: ["--seed", seed, "--audit-log", auditLog, ...args] });
  const clients: KMS[] = [];
  const client = (region: string, account = ACCOUNT): KMS => {
    const credentials = account === ACCOUNT ? server.credentials : OTHER_CREDENTIALS;
    const made = new KMS({ endpoint: server.endpoint, region, credentials, maxAttempts: 1 });
    clients.push(made);
    return made;
  };
  const stop = async (): Promise<void> => {
    for (const made of clients) made.destroy();
    await server.stop();
    rmSync(folder, { recursive: true });
  };
  return {
    server,
    kms: client(REGION),
    other: client(REGION, OTHER_ACCOUNT),
    records: new Records(auditLog),
    otherCredentials: OTHER_CREDENTIALS,
    client,
    async raw(operation, input, headers = {}) {
      const draft = kmsDraft(operation, input);
      const signed = await sign(server, { ...draft, headers: { ...draft.headers, ...headers } }, { region: REGION });
      const answer = await send(server.endpoint, signed);
      const text = answer.body.toString("utf8");
      const json = text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
      return { ...answer, requestId: String(answer.headers["x-amzn-requestid"]), json };
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** A client of a server's first account that ends with its scope. */
export function clientOf(
  { endpoint, credentials }: Pick<Keystead, "endpoint" | "credentials">,
  region: string = REGION,
): { readonly kms: KMS } & Disposable {
  const kms = new KMS({ endpoint, region, credentials, maxAttempts: 1 });
  return { kms, [Symbol.dispose]: () => kms.destroy() };
}

/** KeyMetadata of a key that exists: id and ARN are there. */
export type Metadata = KeyMetadata & { readonly KeyId: string; readonly Arn: string };

/** Makes a key and returns its metadata. */
export async function newKey(kms: KMS, input: CreateKeyCommandInput = {}): Promise<Metadata> {
  return metadataOf(await kms.createKey(input));
}

/** The key as DescribeKey shows it. */
export async function describedKey(kms: KMS, keyId: string): Promise<Metadata> {
  return metadataOf(await kms.describeKey({ KeyId: keyId }));
}

function metadataOf({ KeyMetadata }: { readonly KeyMetadata?: KeyMetadata | undefined }): Metadata {
  const { KeyId, Arn } = present(KeyMetadata);
  return { ...present(KeyMetadata), KeyId: present(KeyId), Arn: present(Arn) };
}

/** A key pending deletion. */
export async function newPendingKey(kms: KMS): Promise<Metadata> {
  const key = await newKey(kms);
  await kms.scheduleKeyDeletion({ KeyId: key.KeyId });
  return key;
}

/** Makes the AWS managed key of a service by describing its alias. */
export async function managedKey(kms: KMS, service: string): Promise<Metadata> {
  return describedKey(kms, `alias/aws/${service}`);
}

/** A value that must be there. */
export function present<T>(value: T | undefined): T {
  assert.notEqual(value, undefined);
  return value as T;
}

/** What the SDK returned, without its own `$metadata`. */
export function membersOf<T extends object>(output: T): Omit<T, "$metadata"> {
  const { $metadata: _metadata, ...members } = output as T & { $metadata?: unknown };
  return members;
}

/** The request id of an answer of the SDK. */
export function requestIdOf(output: { readonly $metadata: { readonly requestId?: string | undefined } }): string {
  return present(output.$metadata.requestId);
}

/** A refusal as the SDK throws it. */
export interface Refusal {
  readonly name: string;
  readonly message: string;
  readonly status: number;
  readonly requestId: string;
}

/** What a call was refused with. Fails when it succeeds, or fails without an answer of the server. */
export async function refusalOf(call: Promise<unknown>): Promise<Refusal> {
  const error: unknown = await call.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  assert.ok(error instanceof Error, "the call was not refused");
  const { name, message } = error;
  const metadata = (error as { $metadata?: { httpStatusCode?: number; requestId?: string } }).$metadata;
  const [status, requestId] = [metadata?.httpStatusCode, metadata?.requestId];
  if (status === undefined || requestId === undefined) throw error;
  return { name, message, status, requestId };
}

/** Asserts that a call is refused with HTTP status 400, this error code and, where given, this message. */
export async function assertRefused(
  call: Promise<unknown>,
  name: string | RegExp,
  message?: string | RegExp,
): Promise<Refusal> {
  const refusal = await refusalOf(call);
  if (typeof name === "string") assert.equal(refusal.name, name, refusal.message);
  else assert.match(refusal.name, name, refusal.message);
  assert.equal(refusal.status, 400);
  if (typeof message === "string") assert.equal(refusal.message, message);
  else if (message !== undefined) assert.match(refusal.message, message);
  return refusal;
}

/** A key policy document with these statements. */
export function policyOf(...statements: readonly object[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}

/** A statement that allows an account, through its root, these actions. */
export function allowing(account: string, action: string | readonly string[] = "kms:*"): object {
  return {
    Sid: `Allow account ${account}`,
    Effect: "Allow",
    Principal: { AWS: `arn:aws:iam::${account}:root` },
    Action: action,
    Resource: "*",
  };
}

/** Bytes for plaintexts. */
export function bytes(length: number, value = 7): Uint8Array {
  return new Uint8Array(length).fill(value);
}

/** A CloudTrail record, as far as tests read it. */
export interface AuditRecord {
  readonly eventName: string;
  readonly eventSource: string;
  readonly eventType: string;
  readonly eventID: string;
  /** ISO 8601. */
  readonly eventTime: string;
  readonly requestID?: string;
  readonly errorCode?: string;
  readonly errorMessage?: string;
  readonly requestParameters: Readonly<Record<string, unknown>> | null;
  readonly responseElements: Readonly<Record<string, unknown>> | null;
  readonly readOnly: boolean;
  readonly resources?: readonly { readonly accountId: string; readonly type: string; readonly ARN: string }[];
  readonly recipientAccountId: string;
  readonly vpcEndpointId?: string;
  readonly userIdentity: Readonly<Record<string, unknown>>;
  readonly sourceIPAddress: string;
  readonly additionalEventData?: Readonly<Record<string, unknown>>;
  readonly serviceEventDetails?: Readonly<Record<string, unknown>>;
}

/** How long a record of a change, which moves out of the store after its answer, may take to reach the file. */
const RECORD_MS_MAX = 60_000;

/** The records of a server, as its `--audit-log` file has them. */
export class Records {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** Every record there is now. */
  all(): readonly AuditRecord[] {
    const lines = readFileSync(this.#file, "utf8").split("\n");
    lines.pop(); // what follows the last line break is not a whole line
    return lines.map((line) => JSON.parse(line) as AuditRecord);
  }

  /** The one record of a request. */
  async of(requestId: string): Promise<AuditRecord> {
    const [record, ...more] = await this.where((candidate) => candidate.requestID === requestId);
    assert.deepEqual(more, []);
    return present(record);
  }

  /** The records that match, as soon as there is one. Rejects when none comes in time. */
  async where(matches: (record: AuditRecord) => boolean): Promise<readonly AuditRecord[]> {
    const done = Promise.withResolvers<readonly AuditRecord[]>();
    const look = (): void => {
      const found = this.all().filter(matches);
      if (found.length > 0) done.resolve(found);
    };
    const watcher = watch(this.#file, look);
    const timer = setTimeout(() => done.reject(new Error("No such record came.")), RECORD_MS_MAX);
    look();
    try {
      return await done.promise;
    } finally {
      clearTimeout(timer);
      watcher.close();
    }
  }
}
