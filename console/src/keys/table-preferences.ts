/** What a user chose of a table, kept in this browser: columns, page size, wrapping. It holds nothing of what is in the table. */

import { useState } from "react";

export interface TablePreferences<ColumnId extends string> {
  readonly pageSize: number;
  readonly wrapLines: boolean;
  readonly visibleContent: readonly ColumnId[];
}

/** The columns that a table has, and those that it shows until the user chooses. */
export interface TableColumns<ColumnId extends string> {
  readonly all: readonly ColumnId[];
  readonly shown: readonly ColumnId[];
}

type Stored = Partial<Record<keyof TablePreferences<string>, unknown>>;

export const PAGE_SIZES = [10, 20, 50, 100];
const DEFAULT_PAGE_SIZE = 20;

/** @param table the name under which the preferences are kept */
export function useTablePreferences<ColumnId extends string>(
  table: string,
  columns: TableColumns<ColumnId>,
): [TablePreferences<ColumnId>, (next: Stored) => void] {
  const [preferences, setPreferences] = useState(() => readPreferences(table, columns));
  const change = (next: Stored): void => {
    const sound = soundPreferences(next, columns);
    window.localStorage.setItem(storageKey(table), JSON.stringify(sound));
    setPreferences(sound);
  };
  return [preferences, change];
}

function storageKey(table: string): string {
  return `keystead.table.${table}`;
}

function readPreferences<ColumnId extends string>(
  table: string,
  columns: TableColumns<ColumnId>,
): TablePreferences<ColumnId> {
  try {
    const stored: unknown = JSON.parse(window.localStorage.getItem(storageKey(table)) ?? "{}");
    return soundPreferences(stored as Stored, columns);
  } catch {
    return soundPreferences({}, columns);
  }
}

/** What another version stored may name what is not there. */
function soundPreferences<ColumnId extends string>(
  { pageSize, wrapLines, visibleContent }: Stored,
  { all, shown }: TableColumns<ColumnId>,
): TablePreferences<ColumnId> {
  const columns = Array.isArray(visibleContent) ? visibleContent.filter((id): id is ColumnId => all.includes(id)) : [];
  return {
    pageSize: PAGE_SIZES.includes(pageSize as number) ? (pageSize as number) : DEFAULT_PAGE_SIZE,
    wrapLines: wrapLines === true,
    visibleContent: columns.length > 0 ? columns : shown,
  };
}
