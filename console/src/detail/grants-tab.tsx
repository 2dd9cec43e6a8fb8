/** The tab "Grants": a key's grants, which can be created and revoked here. */

import { type GrantListEntry, RevokeGrantCommand } from "@aws-sdk/client-kms";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import { useCallback, useState } from "react";
import { listGrants } from "../api/list-grants.ts";
import { constraintsText } from "../model/grant-draft.ts";
import { kindOf } from "../model/key-kinds.ts";
import { dateText, NONE } from "../model/key-rows.ts";
import { ActionDialog } from "../parts/action-dialog.tsx";
import { FailureAlert } from "../parts/failure-alert.tsx";
import { useLoaded } from "../parts/use-loaded.ts";
import { useConsole } from "../session/use-console.ts";
import { CreateGrant } from "./create-grant.tsx";
import type { TabProps } from "./tab-content.tsx";

export function GrantsTab({ metadata }: TabProps) {
  const { clients } = useConsole();
  const keyId = metadata.KeyId ?? "";
  const { value, failure, loading, reload } = useLoaded(
    useCallback(() => listGrants(clients.kms, keyId), [clients, keyId]),
    "kms:ListGrants",
  );
  const [tickedIds, setTickedIds] = useState<readonly string[]>([]);
  const [asked, setAsked] = useState<"create" | "revoke">();
  const grants = value ?? [];
  const ticked = grants.filter(({ GrantId = "" }) => tickedIds.includes(GrantId));
  const close = () => setAsked(undefined);
  return (
    <SpaceBetween size="m">
      <FailureAlert failure={failure} />
      <Table<GrantListEntry>
        trackBy="GrantId"
        wrapLines
        items={grants}
        loading={loading && value === undefined}
        loadingText="Loading grants"
        selectionType="multi"
        selectedItems={ticked}
        onSelectionChange={({ detail }) => setTickedIds(detail.selectedItems.map(({ GrantId = "" }) => GrantId))}
        ariaLabels={{
          tableLabel: "Grants",
          selectionGroupLabel: "Selected grants",
          allItemsSelectionLabel: () => "Select all grants",
          itemSelectionLabel: (_selection, { GrantId, Name }) => `Select ${Name || GrantId}`,
        }}
        columnDefinitions={[
          { id: "id", header: "Grant ID", cell: ({ GrantId }) => GrantId, isRowHeader: true, minWidth: 160 },
          { id: "name", header: "Name", cell: ({ Name }) => Name || NONE },
          {
            id: "grantee",
            header: "Grantee principal",
            cell: ({ GranteePrincipal, GranteeServicePrincipal }) =>
              GranteePrincipal ?? GranteeServicePrincipal ?? NONE,
          },
          { id: "operations", header: "Operations", cell: ({ Operations = [] }) => Operations.join(", ") },
          { id: "constraints", header: "Constraints", cell: constraintsText },
          {
            id: "retiring",
            header: "Retiring principal",
            cell: ({ RetiringPrincipal, RetiringServicePrincipal }) =>
              RetiringPrincipal ?? RetiringServicePrincipal ?? NONE,
          },
          { id: "date", header: "Creation date", cell: ({ CreationDate }) => dateText(CreationDate) },
        ]}
        empty={<Box textAlign="center">No grants</Box>}
        header={
          <Header
            variant="h2"
            counter={`(${grants.length})`}
            description="A grant lets one principal use the key for some operations, besides what policies allow."
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                <Button disabled={ticked.length === 0} onClick={() => setAsked("revoke")}>
                  Revoke
                </Button>
                <Button variant="primary" onClick={() => setAsked("create")}>
                  Create grant
                </Button>
              </SpaceBetween>
            }
          >
            Grants
          </Header>
        }
      />
      {asked === "create" && <CreateGrant keyId={keyId} kind={kindOf(metadata)} onClose={close} onTried={reload} />}
      {asked === "revoke" && (
        <ActionDialog
          title="Revoke grants"
          button="Revoke"
          permission="kms:RevokeGrant"
          act={async () => {
            for (const { GrantId } of ticked) await clients.kms.send(new RevokeGrantCommand({ KeyId: keyId, GrantId }));
            return ticked.length === 1 ? "The grant was revoked." : `${ticked.length} grants were revoked.`;
          }}
          onClose={close}
          onTried={() => {
            setTickedIds([]);
            reload();
          }}
        >
          <Box>What these grants allow is no longer allowed, unless a policy or another grant allows it.</Box>
          <ul>
            {ticked.map(({ GrantId, Name, GranteePrincipal }) => (
              <li key={GrantId}>
                {Name || GrantId}: {GranteePrincipal}
              </li>
            ))}
          </ul>
        </ActionDialog>
      )}
    </SpaceBetween>
  );
}
