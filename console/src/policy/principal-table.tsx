/** Users and roles, to choose from. */

import Box from "@cloudscape-design/components/box";
import Header from "@cloudscape-design/components/header";
import Pagination from "@cloudscape-design/components/pagination";
import Table from "@cloudscape-design/components/table";
import TextFilter from "@cloudscape-design/components/text-filter";
import { useState } from "react";
import type { Principal } from "../api/list-principals.ts";

export interface PrincipalTableProps {
  readonly title: string;
  readonly description?: string;
  readonly principals: readonly Principal[];
  readonly loading: boolean;
  /** ARNs. */
  readonly chosen: readonly string[];
  onChange(chosen: readonly string[]): void;
}

const PAGE_SIZE = 10;

export function PrincipalTable({ title, description, principals, loading, chosen, onChange }: PrincipalTableProps) {
  const [sought, setSought] = useState("");
  const [page, setPage] = useState(1);
  const found = principals.filter(({ name }) => name.toLowerCase().includes(sought.toLowerCase()));
  const pages = Math.max(1, Math.ceil(found.length / PAGE_SIZE));
  const current = Math.min(page, pages);
  return (
    <Table<Principal>
      trackBy="arn"
      wrapLines
      selectionType="multi"
      items={found.slice((current - 1) * PAGE_SIZE, current * PAGE_SIZE)}
      selectedItems={principals.filter(({ arn }) => chosen.includes(arn))}
      onSelectionChange={({ detail }) => onChange(detail.selectedItems.map(({ arn }) => arn))}
      loading={loading}
      loadingText="Loading users and roles"
      columnDefinitions={[
        { id: "name", header: "Name", cell: ({ name }) => name, isRowHeader: true },
        { id: "path", header: "Path", cell: ({ path }) => path },
        { id: "type", header: "Type", cell: ({ type }) => type },
      ]}
      ariaLabels={{
        tableLabel: title,
        selectionGroupLabel: title,
        allItemsSelectionLabel: () => `${title}: all`,
        itemSelectionLabel: (_selection, { name }) => `${title}: ${name}`,
      }}
      header={
        <Header variant="h2" counter={`(${chosen.length}/${principals.length})`} {...(description && { description })}>
          {title}
        </Header>
      }
      filter={
        <TextFilter
          filteringText={sought}
          filteringPlaceholder="Search users and roles"
          filteringAriaLabel={`${title}: search`}
          onChange={({ detail }) => {
            setSought(detail.filteringText);
            setPage(1);
          }}
        />
      }
      pagination={
        <Pagination
          currentPageIndex={current}
          pagesCount={pages}
          onChange={({ detail }) => setPage(detail.currentPageIndex)}
        />
      }
      empty={<Box textAlign="center">No users or roles</Box>}
    />
  );
}
