/** What the rest of the house sees of storage: reading, changing, and the view. */

import type { Kysely, Transaction } from "kysely";
import type { Identity, KeyLabels, ManagedPolicy, OrganizationNode, OrganizationPolicy } from "./identity-rows.ts";
import type { IdentityKind, OrganizationRow, VpcEndpointRow } from "./identity-schema.ts";
import type { KeyStoreRow } from "./key-store-schema.ts";
import type { PrimaryChannel } from "./remote-messages.ts";
import type { WorkerHandlers } from "./remote-transactions.ts";
import type {
  AccountRow,
  AliasRow,
  ChangeKind,
  CredentialRow,
  GrantedRow,
  GrantRow,
  KeyRow,
  MaterialRow,
  QuotaValues,
  Schema,
} from "./schema.ts";
import type { S3BucketRow, SecretRow } from "./service-schema.ts";
import type { Tag } from "./tags.ts";

/** A secret with its tags, for the conditions of policies; without its values. */
export interface Secret extends SecretRow {
  readonly tags: readonly Tag[];
}

/** The tags of an SSM parameter, where it has some. */
export interface ParameterTags {
  readonly account: string;
  readonly tags: readonly Tag[];
}

/** The row that each kind of name leads to. */
export interface Rows {
  account: AccountRow;
  credential: CredentialRow;
  /** A user, group or role with everything that hangs on it. */
  identity: Identity;
  identityName: { readonly unique_id: string };
  /** A managed policy of a customer with the text of its default version. */
  managedPolicy: ManagedPolicy;
  organization: OrganizationRow;
  organizationNode: OrganizationNode;
  /** A service control policy of a customer. */
  organizationPolicy: OrganizationPolicy;
  vpcEndpoint: VpcEndpointRow;
  bucket: S3BucketRow;
  key: KeyRow;
  /** The aliases and tags of a key, for the conditions of IAM policies. */
  keyLabels: KeyLabels;
  keyStore: KeyStoreRow;
  material: MaterialRow;
  alias: AliasRow;
  grant: GrantRow;
  granted: GrantedRow;
  quotas: QuotaValues;
  secret: Secret;
  parameterTags: ParameterTags;
}

/** The parts of the name of each kind, in order. Key ids are unique in their Region across accounts. */
export interface Names {
  account: readonly [id: string];
  credential: readonly [accessKeyId: string];
  identity: readonly [uniqueId: string];
  identityName: readonly [account: string, kind: IdentityKind, nameKey: string];
  managedPolicy: readonly [arn: string];
  organization: readonly [id: string];
  /** The id of a root, an organizational unit or an account. */
  organizationNode: readonly [id: string];
  organizationPolicy: readonly [id: string];
  vpcEndpoint: readonly [id: string];
  bucket: readonly [partition: string, name: string];
  key: readonly [region: string, keyId: string];
  keyLabels: readonly [region: string, keyId: string];
  keyStore: readonly [region: string, id: string];
  material: readonly [region: string, keyId: string, materialId: string];
  alias: readonly [region: string, account: string, name: string];
  grant: readonly [region: string, grantId: string];
  granted: readonly [region: string, keyId: string, grantee: string];
  quotas: readonly [region: string, account: string];
  secret: readonly [region: string, account: string, name: string];
  parameterTags: readonly [region: string, account: string, name: string];
}

/**
 * Rows by name, now or never: what resolvers and checks read.
 *
 * `find` answers from what is in memory. A name that is not in memory yet is noted as missing and answered as undefined;
 * whoever drives the reader (`settle`) loads what was missing and runs the reading again, until nothing was missing: then
 * every answer came from one moment, with no await in between.
 */
export interface Reader {
  find<K extends ChangeKind>(kind: K, ...name: Names[K]): Rows[K] | undefined;
}

/** One transaction of the writer: Kysely's queries, and the rows as they are inside it. */
export interface Tx {
  /** Queries of this transaction. Inside a transaction nothing else may be awaited. */
  readonly db: Transaction<Schema>;
  /**
   * Runs a synchronous reading over this transaction's rows, loading what it misses and running it again until nothing is
   * missing. Rows are read anew in every call.
   */
  settle<T>(reading: (reader: Reader) => T): Promise<T>;
  /** Appends to the change feed: from the commit on, no view holds the older row under that name. */
  changed<K extends ChangeKind>(kind: K, ...name: Names[K]): Promise<void>;
  /** The same of many names, in few statements. */
  changedAll<K extends ChangeKind>(kind: K, names: readonly Names[K][]): Promise<void>;
}

export interface Store extends AsyncDisposable {
  readonly id: string;
  /** Random, new after each restore. */
  readonly incarnation: string;
  readonly kind: "dev" | "serve";
  /** Read-only queries outside the view (lists). They see every change that was answered; never use it in a transaction. */
  readonly db: Kysely<Schema>;
  /**
   * Runs a synchronous reading over the view; loads what it misses and runs it again until nothing is missing.
   *
   * @returns the value at once where everything was in memory, else a promise
   */
  settle<T>(reading: (reader: Reader) => T): T | Promise<T>;
  /**
   * Runs `body` in one write transaction and commits; rolls back when it throws. Transactions run one after another in the
   * order of the calls, and those that wait share a commit. When this resolves the change is on the disk and in the view.
   *
   * A statement that fails fails its transaction, caught or not. The outcome, failures too, is told only after the commit
   * of those before it, since it may rest on what they wrote.
   *
   * @throws Error whatever `body` threw, or why the commit failed; nothing of the transaction is left then
   */
  transaction<T>(body: (tx: Tx) => Promise<T>): Promise<T>;
  /**
   * Lets a worker process write through this one, in whose queue its transactions take their turns; absent where every
   * process has a writer of its own.
   */
  hostWorker?(channel: PrimaryChannel, handlers: WorkerHandlers): void;
  /** Called with each name that left the view because its row changed (custody drops opened material). */
  onChange(listener: (kind: ChangeKind, name: readonly string[]) => void): void;
  /** Called when the whole view was dropped because the feed had lost its tail: everything made from rows is stale. */
  onReset(listener: () => void): void;
  /**
   * Takes deleted rows out of the write-ahead log, too (DESIGN §6, Destruction). Due deletions call it after their commit.
   *
   * @returns false when another process was reading and the log is left for a later call
   */
  truncateLog(): Promise<boolean>;
  /** Counts since the store was opened. */
  statistics(): { readonly transactions: number; readonly commits: number; readonly viewEntries: number };
  /** Finishes what is queued and releases files and locks. */
  close(): Promise<void>;
}
