/** The tables of what is charged, as Kysely types; the same conventions as schema.ts. */

import type { Selectable } from "kysely";

/** Requests of KMS in a month, by who is charged for them. Never in the feed. */
export interface RequestCountTable {
  /** Of UTC, such as `2026-11`. */
  month: string;
  account: string;
  region: string;
  operation: string;
  /** Of the key, or of the pair that was asked for, where the charge depends on it; else empty. */
  spec: string;
  requests: number;
}

/** Since when a customer managed key is not charged any more; it stays when the key is deleted. */
export interface ChargeEndTable {
  region: string;
  key_id: string;
  account: string;
  /** Of the key. */
  created_at: number;
  /** JSON: when its material was rotated, in this order. */
  rotations: string;
  ended_at: number;
}

export interface MeterTables {
  request_count: RequestCountTable;
  charge_end: ChargeEndTable;
}

export type RequestCountRow = Readonly<Selectable<RequestCountTable>>;
export type ChargeEndRow = Readonly<Selectable<ChargeEndTable>>;
