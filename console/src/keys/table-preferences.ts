/** What a user chose of a key table, kept in this browser: columns, page size, wrapping. It holds nothing of any key. */

import { useState } from "react";
import { COLUMNS, type ColumnId, DEFAULT_COLUMNS } from "../model/key-rows.ts";

export interface TablePreferences {
  readonly pageSize: number;
  readonly wrapLines: boolean;
  readonly visibleContent: readonly ColumnId[];
}

export const PAGE_SIZES = [10, 20, 50, 100];
const DEFAULT_PAGE_SIZE = 20;

export function useTablePreferences(
  table: "customer" | "aws",
): [TablePreferences, (next: Partial<Record<keyof TablePreferences, unknown>>) => void] {
  const [preferences, setPreferences] = useState(() => readPreferences(table));
  const change = (next: Partial<Record<keyof TablePreferences, unknown>>): void => {
    const sound = soundPreferences(table, next);
    window.localStorage.setItem(storageKey(table), JSON.stringify(sound));
    setPreferences(sound);
  };
  return [preferences, change];
}

function storageKey(table: string): string {
  return `keystead.table.${table}`;
}

function readPreferences(table: "customer" | "aws"): TablePreferences {
  try {
    const stored: unknown = JSON.parse(window.localStorage.getItem(storageKey(table)) ?? "{}");
    return soundPreferences(table, stored as Partial<Record<keyof TablePreferences, unknown>>);
  } catch {
    return soundPreferences(table, {});
  }
}

/** What another version stored may name what is not there. */
function soundPreferences(
  table: "customer" | "aws",
  { pageSize, wrapLines, visibleContent }: Partial<Record<keyof TablePreferences, unknown>>,
): TablePreferences {
  const columns = Array.isArray(visibleContent) ? visibleContent.filter((id): id is ColumnId => id in COLUMNS) : [];
  return {
    pageSize: PAGE_SIZES.includes(pageSize as number) ? (pageSize as number) : DEFAULT_PAGE_SIZE,
    wrapLines: wrapLines === true,
    visibleContent: columns.length > 0 ? columns : DEFAULT_COLUMNS[table],
  };
}
