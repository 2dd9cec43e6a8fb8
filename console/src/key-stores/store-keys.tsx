/** The keys of a custom key store. */

import Box from "@cloudscape-design/components/box";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import { Link } from "react-router-dom";
import { useKeys } from "../keys/use-keys.ts";
import { NONE } from "../model/key-rows.ts";
import { FailureAlert } from "../parts/failure-alert.tsx";
import { KeyStatus } from "../parts/key-status.tsx";
import { useConsole } from "../session/use-console.ts";

export function StoreKeys({ storeId }: { readonly storeId: string }) {
  const { link } = useConsole();
  const { rows, failures, loading } = useKeys("customer");
  // Which store a key is in is told by DescribeKey alone.
  const keys = rows.filter(({ metadata }) => metadata?.CustomKeyStoreId === storeId);
  return (
    <SpaceBetween size="m">
      {failures.map((failure) => (
        <FailureAlert key={failure.title} failure={failure} />
      ))}
      <Table
        trackBy="id"
        items={keys}
        loading={loading && keys.length === 0}
        loadingText="Loading keys"
        ariaLabels={{ tableLabel: "Keys in this key store" }}
        columnDefinitions={[
          {
            id: "keyId",
            header: "Key ID",
            isRowHeader: true,
            cell: ({ id }) => <Link to={link(`keys/${id}`)}>{id}</Link>,
          },
          { id: "aliases", header: "Aliases", cell: ({ aliases }) => aliases.join(", ") || NONE },
          {
            id: "external",
            header: "External key ID",
            cell: ({ metadata }) => metadata?.XksKeyConfiguration?.Id ?? NONE,
          },
          { id: "status", header: "Status", cell: (row) => <KeyStatus row={row} /> },
        ]}
        empty={<Box textAlign="center">No keys</Box>}
        header={
          <Header variant="h2" counter={`(${keys.length})`}>
            Keys in this key store
          </Header>
        }
      />
    </SpaceBetween>
  );
}
