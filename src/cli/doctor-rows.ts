/** What `keystead doctor` finds in the rows of a store. */

import { digestMaterial } from "../audit/trails/digest-keys.ts";
import type { Purpose } from "../custody/custody.ts";
import type { SoftwareCustody } from "../custody/software.ts";
import { secretOf } from "../kms/key-stores/xks-client.ts";
import { type PolicyKind, parsePolicy } from "../policy/document.ts";
import { findOffenders, invariantsOf, NAMED_MAX } from "../storage/invariants.ts";
import type { KeyStoreRow } from "../storage/key-store-schema.ts";
import type { CredentialRow, MaterialRow } from "../storage/schema.ts";
import type { Snapshot } from "../storage/snapshot.ts";
import type { DigestKeyRow } from "../storage/trail-schema.ts";
import { type Examination, examineOne } from "./examination.ts";

type Row = Readonly<Record<string, unknown>>;

/** Texts that hold policies, by table and column. */
const policies: readonly {
  readonly table: string;
  readonly column: string;
  readonly kind: PolicyKind | ((row: Row) => PolicyKind);
  readonly name: readonly string[];
}[] = [
  { table: "key", column: "policy", kind: "resource", name: ["region", "key_id"] },
  { table: "identity", column: "trust_policy", kind: "trust", name: ["account", "kind", "name"] },
  { table: "inline_policy", column: "document", kind: "identity", name: ["unique_id", "name"] },
  { table: "policy_version", column: "document", kind: "identity", name: ["arn", "version"] },
  {
    table: "organization_policy",
    column: "content",
    kind: ({ type }) => (type === "RESOURCE_CONTROL_POLICY" ? "resource-control" : "control"),
    name: ["id"],
  },
  { table: "vpc_endpoint", column: "policy", kind: "endpoint", name: ["id"] },
];

/** Any date: only whether the secret opens is of interest. */
const SCOPE = { date: "19700101", region: "us-east-1", service: "kms" };

/** Root recipients that a store should have, so that the loss of one is not the loss of everything. */
const RECIPIENTS_MIN = 2;
/** Records that wait for a server to move them; more of them mean that none has for long. */
const OUTBOX_ROWS_MAX = 10_000;

/** Asks for the rows that break each rule. */
export async function examineInvariants(examination: Examination, { db, engine }: Snapshot): Promise<void> {
  const invariants = invariantsOf(engine);
  for (const invariant of invariants) {
    const names = await findOffenders(db, invariant);
    for (const name of names.slice(0, NAMED_MAX)) examination.error("rows", `${invariant.broken}: ${name}`);
    if (names.length > NAMED_MAX) examination.error("rows", `${invariant.broken}: and more`);
  }
  examination.count("rules", invariants.length);
  const recipients = await db.selectFrom("recipient").select("id").execute();
  if (recipients.length < RECIPIENTS_MIN) {
    examination.warn("recipients", "There is one root key only: losing it is losing every key.");
  }
}

/** Opens every domain key, material, secret access key, secret of a key store and key of digest files. */
export async function examineSealed(
  examination: Examination,
  snapshot: Snapshot,
  custody: SoftwareCustody,
): Promise<void> {
  const domains = await snapshot.db.selectFrom("domain_key").select(["region", "purpose"]).distinct().execute();
  for (const { region, purpose } of domains) {
    await examineOne(examination, "domain keys", () =>
      custody.examineDomainKey({ region, purpose: purpose as Purpose }),
    );
    examination.count("domain keys");
  }
  for await (const row of rowsOf(snapshot, "material")) {
    if ((row["sealed"] as Uint8Array).length === 0) continue;
    await examineOne(examination, "material", () =>
      custody.examineMaterial(sealedMaterial(row as unknown as MaterialRow)),
    );
    examination.count("materials");
  }
  for await (const row of rowsOf(snapshot, "credential")) {
    const { access_key_id: accessKeyId, secret: sealed, account, revision } = row as unknown as CredentialRow;
    await examineOne(examination, "access keys", () =>
      custody.signingKey({ account, accessKeyId, revision, sealed, ...SCOPE }),
    );
    examination.count("access keys");
  }
  for await (const row of rowsOf(snapshot, "key_store")) {
    const store = row as unknown as KeyStoreRow;
    await examineOne(examination, "key stores", () =>
      custody.signForProxy(secretOf(store), { date: SCOPE.date, stringToSign: "" }),
    );
    examination.count("key stores");
  }
  for await (const row of rowsOf(snapshot, "digest_key")) {
    await examineOne(examination, "digest keys", () =>
      custody.examineMaterial(digestMaterial(row as unknown as DigestKeyRow)),
    );
    examination.count("digest keys");
  }
}

/** Parses every policy. */
export async function examinePolicies(examination: Examination, snapshot: Snapshot): Promise<void> {
  for (const { table, column, kind, name } of policies) {
    for await (const row of rowsOf(snapshot, table)) {
      const text = row[column];
      if (typeof text !== "string") continue;
      await examineOne(examination, "policies", () => {
        try {
          parsePolicy(text, typeof kind === "function" ? kind(row) : kind);
        } catch (cause) {
          throw new Error(
            `The ${column} of ${table} ${name.map((part) => String(row[part])).join(" ")} can't be read`,
            { cause },
          );
        }
      });
      examination.count("policies");
    }
  }
}

/** Looks at the records that wait to be moved to their segment. */
export async function examineRecords(examination: Examination, snapshot: Snapshot): Promise<void> {
  let rows = 0;
  for await (const { sequence, record } of rowsOf(snapshot, "outbox")) {
    rows += 1;
    await examineOne(examination, "records", () => {
      try {
        JSON.parse(String(record));
      } catch (cause) {
        throw new Error(`The record ${String(sequence)} of the outbox is no JSON text`, { cause });
      }
    });
  }
  if (rows > OUTBOX_ROWS_MAX) examination.warn("records", `${rows} records wait to be moved to their segment.`);
  examination.count("waiting records", rows);
}

/** The rows of a table, one at a time. */
async function* rowsOf(snapshot: Snapshot, name: string): AsyncGenerator<Row, void, void> {
  const table = snapshot.tables.find((described) => described.name === name);
  if (table === undefined) return;
  for await (const rows of snapshot.rows(table)) {
    for (const values of rows) yield Object.fromEntries(table.columns.map((column, index) => [column, values[index]]));
  }
}

function sealedMaterial(row: MaterialRow) {
  const { account, region, key_id, spec, usage, origin, material_id, domain_version, sealed } = row;
  const owner = { account, region, keyId: key_id, spec, usage, origin };
  return { ...owner, materialId: material_id, domainVersion: domain_version, sealed };
}
