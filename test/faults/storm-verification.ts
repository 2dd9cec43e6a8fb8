/** Holds a restarted server, and the files of a killed one, to what a storm was answered. */

import assert from "node:assert/strict";
import { cpSync, existsSync } from "node:fs";
import type { Agent } from "node:http";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type AuditRecord, readTrail } from "./audit-trail.ts";
import { TemporaryDirectory } from "./processes.ts";
import { mustCallKms, type ServerAddress } from "./signed-requests.ts";
import type { Ledger, LedgerKey, LedgerRequest } from "./storm-ledger.ts";

/** A verifier's connection to a server, and the ledger in which its own answered requests count too. */
export interface Verifier {
  readonly server: ServerAddress;
  readonly agent: Agent;
  readonly ledger: Ledger;
}

/** Checks that a key is there with its state and tags, and that its ciphertexts become their plaintexts. */
export async function verifyKey(verifier: Verifier, key: LedgerKey): Promise<void> {
  const { KeyState: state } = await metadataOf(verifier, key.arn);
  if (key.deletion === "scheduled") assert.equal(state, "PendingDeletion", `${key.arn} was to be deleted`);
  else if (key.deletion === "kept") assert.equal(state, "Enabled", key.arn);
  else assert.match(String(state), /^(?:Enabled|PendingDeletion)$/, key.arn);

  const tags = new Map(await tagsOf(verifier, key.arn));
  for (const [name, value] of key.tags) assert.equal(tags.get(name), value, `tag ${name} of ${key.arn}`);

  if (key.blobs.length === 0) return;
  if (state === "PendingDeletion") await withoutDeletion(verifier, key, () => verifyBlobs(verifier, key));
  else await verifyBlobs(verifier, key);
}

/** Checks the files that a killed server left: the database is whole, and every answered request has its one record. */
export async function verifyFiles(directory: string, requests: readonly LedgerRequest[]): Promise<void> {
  // A copy, without the index of the log, so that the server's own recovery finds what its predecessor left.
  using copy = new TemporaryDirectory();
  for (const name of ["keystead.db", "keystead.db-wal", "audit"]) {
    const source = join(directory, name);
    if (existsSync(source)) cpSync(source, copy.at(name), { recursive: true });
  }
  const keyArns = readDatabase(copy.at("keystead.db"));
  const { inSegments, inOutbox } = await readTrail(copy.path);
  requireOneRecordEach(inSegments, inOutbox, requests);
  assert.deepEqual(keysCreatedIn([...inSegments, ...inOutbox]), keyArns, "keys, and records of CreateKey");
}

/** Checks a store that was closed in good order: every record is in a segment, each once. */
export async function verifyClosed(directory: string, requests: readonly LedgerRequest[]): Promise<void> {
  const { inSegments, inOutbox } = await readTrail(directory);
  assert.equal(inOutbox.length, 0, "rows left in the outbox");
  requireOneRecordEach(inSegments, [], requests);
}

function readDatabase(path: string): ReadonlySet<string> {
  using database = new DatabaseSync(path);
  assert.deepEqual(
    database
      .prepare("PRAGMA integrity_check")
      .all()
      .map((row) => ({ ...row })),
    [{ integrity_check: "ok" }],
  );
  const rows = database.prepare("SELECT partition, region, account, key_id FROM key WHERE manager = 'CUSTOMER'").all();
  return new Set(
    rows.map((row) => `arn:${row["partition"]}:kms:${row["region"]}:${row["account"]}:key/${row["key_id"]}`),
  );
}

/** A row that was moved and not yet deleted is in both places: there, and only there, one event may lie twice. */
function requireOneRecordEach(
  inSegments: readonly AuditRecord[],
  inOutbox: readonly AuditRecord[],
  requests: readonly LedgerRequest[],
): void {
  const eventIds = new Set(inSegments.map((record) => record["eventID"]));
  assert.equal(eventIds.size, inSegments.length, "no event lies in the segments twice");
  const waiting = inOutbox.filter((record) => !eventIds.has(record["eventID"]));
  const counts = new Map<unknown, number>();
  for (const record of [...inSegments, ...waiting]) {
    const id = record["requestID"];
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  const wrong = requests.filter(({ id }) => counts.get(id) !== 1);
  const told = wrong.slice(0, 5).map(({ id, operation }) => `${operation} ${id}: ${counts.get(id) ?? 0}`);
  assert.deepEqual(told, [], `records of ${wrong.length} answered requests`);
}

function keysCreatedIn(records: readonly AuditRecord[]): ReadonlySet<string> {
  const created = records.filter((record) => record["eventName"] === "CreateKey" && record["errorCode"] === undefined);
  return new Set(
    created.map((record) => {
      const response = record["responseElements"] as { keyMetadata: { arn: string } };
      return response.keyMetadata.arn;
    }),
  );
}

/** A key that waits for its deletion decrypts nothing, so the deletion is called off and asked for again. */
async function withoutDeletion(verifier: Verifier, { arn }: LedgerKey, body: () => Promise<void>): Promise<void> {
  await call(verifier, "CancelKeyDeletion", { KeyId: arn });
  await call(verifier, "EnableKey", { KeyId: arn });
  await body();
  await call(verifier, "ScheduleKeyDeletion", { KeyId: arn, PendingWindowInDays: 7 });
}

async function verifyBlobs(verifier: Verifier, { blobs }: LedgerKey): Promise<void> {
  for (const { keyArn, ciphertext, plaintext, context } of blobs) {
    const output = await call(verifier, "Decrypt", { CiphertextBlob: ciphertext, EncryptionContext: context });
    assert.equal(output["Plaintext"], plaintext);
    assert.equal(output["KeyId"], keyArn);
  }
}

async function metadataOf(verifier: Verifier, arn: string): Promise<Readonly<Record<string, unknown>>> {
  const output = await call(verifier, "DescribeKey", { KeyId: arn });
  return output["KeyMetadata"] as Record<string, unknown>;
}

async function tagsOf(verifier: Verifier, arn: string): Promise<readonly (readonly [string, string])[]> {
  const { Tags = [] } = (await call(verifier, "ListResourceTags", { KeyId: arn, Limit: 50 })) as {
    Tags?: readonly { readonly TagKey: string; readonly TagValue: string }[];
  };
  return Tags.map(({ TagKey, TagValue }) => [TagKey, TagValue] as const);
}

async function call({ server, agent, ledger }: Verifier, operation: string, input: unknown) {
  const answer = await mustCallKms(server, operation, input, { agent });
  ledger.note({ id: answer.requestId, operation });
  return answer.output;
}
