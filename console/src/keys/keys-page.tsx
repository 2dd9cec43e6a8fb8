/** The pages "Customer managed keys" and "AWS managed keys". */

import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import CollectionPreferences from "@cloudscape-design/components/collection-preferences";
import Header from "@cloudscape-design/components/header";
import Pagination from "@cloudscape-design/components/pagination";
import PropertyFilter from "@cloudscape-design/components/property-filter";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import { useMemo, useState } from "react";
import { useNavigate } from "react-router-dom";
import { type FilterQuery, filterOptions, filterProperties, filterRows, NO_FILTER } from "../model/key-filter.ts";
import { COLUMNS, type ColumnId, DEFAULT_COLUMNS, type KeyRow, sortRows } from "../model/key-rows.ts";
import { FailureAlert } from "../parts/failure-alert.tsx";
import { useConsole } from "../session/use-console.ts";
import { KeyActions } from "./key-actions.tsx";
import { columnDefinitions } from "./key-columns.tsx";
import { PAGE_SIZES, useTablePreferences } from "./table-preferences.ts";
import { useKeys } from "./use-keys.ts";

const TITLES = { customer: "Customer managed keys", aws: "AWS managed keys" } as const;
const COLUMN_IDS = Object.keys(COLUMNS) as ColumnId[];

export interface KeysPageProps {
  readonly manager: "customer" | "aws";
}

export function KeysPage({ manager }: KeysPageProps) {
  const { link } = useConsole();
  const navigate = useNavigate();
  const { rows, failures, loading, reload } = useKeys(manager);
  const [preferences, setPreferences] = useTablePreferences(manager, {
    all: COLUMN_IDS,
    shown: DEFAULT_COLUMNS[manager],
  });
  const [query, setQuery] = useState<FilterQuery>(NO_FILTER);
  const [sorting, setSorting] = useState<{ column: ColumnId; descending: boolean }>({
    column: "aliases",
    descending: false,
  });
  const [page, setPage] = useState(1);
  const [selectedIds, setSelectedIds] = useState<readonly string[]>([]);

  const properties = useMemo(() => filterProperties(manager, rows), [manager, rows]);
  const options = useMemo(() => filterOptions(properties, rows), [properties, rows]);
  const found = useMemo(
    () => sortRows(filterRows(rows, query), sorting.column, sorting.descending),
    [rows, query, sorting],
  );
  const pages = Math.max(1, Math.ceil(found.length / preferences.pageSize));
  const current = Math.min(page, pages);
  const shown = found.slice((current - 1) * preferences.pageSize, current * preferences.pageSize);
  const selected = rows.filter(({ id }) => selectedIds.includes(id));
  const columns = useMemo(() => columnDefinitions(link), [link]);
  const sortingColumn = columns.find(({ id }) => id === sorting.column);
  const isCustomer = manager === "customer";

  return (
    <SpaceBetween size="m">
      {failures.map((failure) => (
        <FailureAlert key={failure.title} failure={failure} />
      ))}
      <Table<KeyRow>
        variant="full-page"
        stickyHeader
        trackBy="id"
        items={shown}
        columnDefinitions={columns}
        visibleColumns={preferences.visibleContent}
        wrapLines={preferences.wrapLines}
        loading={loading && rows.length === 0}
        loadingText="Loading keys"
        {...(isCustomer && {
          selectionType: "multi" as const,
          selectedItems: selected,
          onSelectionChange: ({ detail }: { detail: { selectedItems: KeyRow[] } }) =>
            setSelectedIds(detail.selectedItems.map(({ id }) => id)),
        })}
        {...(sortingColumn && { sortingColumn })}
        sortingDescending={sorting.descending}
        onSortingChange={({ detail }) => {
          const { id } = columns.find(({ sortingField }) => sortingField === detail.sortingColumn.sortingField) ?? {};
          if (id !== undefined) setSorting({ column: id, descending: detail.isDescending === true });
        }}
        ariaLabels={{
          tableLabel: TITLES[manager],
          selectionGroupLabel: "Selected keys",
          allItemsSelectionLabel: () => "Select all keys",
          itemSelectionLabel: (_selection, row) => `Select ${row.aliases[0] ?? row.id}`,
        }}
        empty={<Empty manager={manager} isFiltered={query.tokens.length > 0} onClear={() => setQuery(NO_FILTER)} />}
        header={
          <Header
            variant="awsui-h1-sticky"
            counter={`(${rows.length})`}
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                <Button iconName="refresh" ariaLabel="Refresh keys" loading={loading} onClick={reload} />
                {isCustomer && <KeyActions rows={selected} onDone={reload} />}
                {isCustomer && (
                  <Button variant="primary" onClick={() => navigate(link("keys/create"))}>
                    Create key
                  </Button>
                )}
              </SpaceBetween>
            }
          >
            {TITLES[manager]}
          </Header>
        }
        filter={
          <PropertyFilter
            query={{ operation: query.operation, tokens: query.tokens }}
            onChange={({ detail }) => {
              setQuery({ operation: detail.operation, tokens: detail.tokens });
              setPage(1);
            }}
            filteringProperties={properties}
            filteringOptions={options}
            customGroupsText={[{ group: "tags", properties: "Tags", values: "Tag values" }]}
            filteringPlaceholder={isCustomer ? "Filter keys by properties or tags" : "Filter keys by properties"}
            filteringAriaLabel="Filter keys"
            countText={`${found.length} ${found.length === 1 ? "match" : "matches"}`}
            expandToViewport
          />
        }
        pagination={
          <Pagination
            currentPageIndex={current}
            pagesCount={pages}
            onChange={({ detail }) => setPage(detail.currentPageIndex)}
          />
        }
        preferences={
          <CollectionPreferences
            title="Preferences"
            preferences={preferences}
            onConfirm={({ detail }) => setPreferences(detail)}
            pageSizePreference={{
              title: "Page size",
              options: PAGE_SIZES.map((value) => ({ value, label: `${value} keys` })),
            }}
            wrapLinesPreference={{}}
            visibleContentPreference={{
              title: "Visible columns",
              options: [
                {
                  label: "Key properties",
                  options: COLUMN_IDS.map((id) => ({ id, label: COLUMNS[id].header, editable: id !== "keyId" })),
                },
              ],
            }}
          />
        }
      />
    </SpaceBetween>
  );
}

interface EmptyProps {
  readonly manager: "customer" | "aws";
  readonly isFiltered: boolean;
  onClear(): void;
}

function Empty({ manager, isFiltered, onClear }: EmptyProps) {
  if (isFiltered) {
    return (
      <SpaceBetween size="s" alignItems="center">
        <b>No matches</b>
        <Button onClick={onClear}>Clear filter</Button>
      </SpaceBetween>
    );
  }
  return (
    <Box textAlign="center">
      <b>{manager === "customer" ? "No customer managed keys" : "No AWS managed keys"}</b>
      <Box color="text-body-secondary">
        {manager === "customer"
          ? "Create a key to get started."
          : "A service makes its key when it first needs one in this Region."}
      </Box>
    </Box>
  );
}
