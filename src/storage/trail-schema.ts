/** The tables of CloudTrail, as Kysely types; the same conventions as schema.ts. */

import type { Selectable } from "kysely";

/** A trail, in its home Region. */
export interface TrailTable {
  account: string;
  region: string;
  name: string;
  partition: string;
  bucket: string;
  prefix: string | null;
  /** ARN of the KMS key that log files are encrypted under. */
  key_arn: string | null;
  multi_region: number;
  global_events: number;
  /** Whether digest files are delivered. */
  validation: number;
  /** JSON: `EventSelectors` or `AdvancedEventSelectors`, as the API has them; null for the default. */
  selectors: string | null;
  logging: number;
  started_at: number | null;
  stopped_at: number | null;
  delivered_at: number | null;
  attempted_at: number | null;
  delivery_error: string | null;
  digested_at: number | null;
  digest_error: string | null;
  created_at: number;
}

/** How far the records of one place have been delivered to a trail; without a trail: how far they have been passed over. */
export interface TrailProgressTable {
  account: string;
  region: string;
  name: string;
  /** Which records: those of one writer slot of one incarnation of the store. */
  source: string;
  number: number;
  position: number;
}

/** A log file that its digest is to name. */
export interface TrailFileTable {
  account: string;
  region: string;
  name: string;
  /** The Region whose events it has. */
  source_region: string;
  bucket: string;
  object: string;
  /** SHA-256 of what is in it, before compression, in hex. */
  hash: string;
  oldest_at: number;
  newest_at: number;
  delivered_at: number;
}

/** The chain of digest files of a trail in one Region. */
export interface TrailChainTable {
  account: string;
  region: string;
  name: string;
  source_region: string;
  /** Where the next digest begins. */
  from_at: number;
  /** Until when somebody makes it. */
  claimed_until: number;
  /** JSON: bucket, object, hash and signature of the last digest file; null when the next one is the first. */
  previous: string | null;
}

/** A key pair that digest files of one Region are signed with, sealed as material is. */
export interface DigestKeyTable {
  region: string;
  id: string;
  material_id: string;
  domain_version: number;
  sealed: Uint8Array;
  valid_from: number;
  valid_to: number;
}

export interface TrailTables {
  trail: TrailTable;
  trail_progress: TrailProgressTable;
  trail_file: TrailFileTable;
  trail_chain: TrailChainTable;
  digest_key: DigestKeyTable;
}

export type TrailRow = Readonly<Selectable<TrailTable>>;
export type TrailFileRow = Readonly<Selectable<TrailFileTable>>;
export type TrailChainRow = Readonly<Selectable<TrailChainTable>>;
export type DigestKeyRow = Readonly<Selectable<DigestKeyTable>>;
