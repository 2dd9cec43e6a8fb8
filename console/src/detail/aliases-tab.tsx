/** The tab "Aliases": a key's aliases, which can be created and deleted here, and not moved to another key. */

import { CreateAliasCommand, DeleteAliasCommand } from "@aws-sdk/client-kms";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import { useCallback, useState } from "react";
import { allAliases } from "../api/list-keys.ts";
import { aliasProblem } from "../model/key-draft.ts";
import { aliasLabel } from "../model/key-rows.ts";
import { ActionDialog } from "../parts/action-dialog.tsx";
import { FailureAlert } from "../parts/failure-alert.tsx";
import { useNotify } from "../parts/notices.ts";
import { useAction } from "../parts/use-action.ts";
import { useLoaded } from "../parts/use-loaded.ts";
import { useConsole } from "../session/use-console.ts";
import type { TabProps } from "./tab-content.tsx";

export function AliasesTab({ metadata, onChange }: TabProps) {
  const { clients } = useConsole();
  const notify = useNotify();
  const keyId = metadata.KeyId ?? "";
  const { value, failure, loading, reload } = useLoaded(
    useCallback(() => allAliases(clients.kms, keyId), [clients, keyId]),
    "kms:ListAliases",
  );
  const { busy, failure: deleteFailure, run } = useAction();
  const [ticked, setTicked] = useState<readonly string[]>([]);
  const [isCreating, setCreating] = useState(false);
  const isCustomer = metadata.KeyManager === "CUSTOMER";
  const aliases = value ?? [];
  const changed = () => {
    setTicked([]);
    reload();
    onChange();
  };
  const remove = async () => {
    const isDone = await run(async () => {
      for (const AliasName of ticked) await clients.kms.send(new DeleteAliasCommand({ AliasName }));
    }, "kms:DeleteAlias");
    if (isDone) notify(ticked.length === 1 ? "The alias was deleted." : `${ticked.length} aliases were deleted.`);
    changed();
  };
  return (
    <SpaceBetween size="m">
      <FailureAlert failure={failure ?? deleteFailure} />
      <Table
        trackBy="AliasName"
        items={aliases}
        loading={loading && value === undefined}
        loadingText="Loading aliases"
        {...(isCustomer && { selectionType: "multi" as const })}
        selectedItems={aliases.filter(({ AliasName = "" }) => ticked.includes(AliasName))}
        onSelectionChange={({ detail }) => setTicked(detail.selectedItems.map(({ AliasName = "" }) => AliasName))}
        ariaLabels={{
          tableLabel: "Aliases",
          selectionGroupLabel: "Selected aliases",
          allItemsSelectionLabel: () => "Select all aliases",
          itemSelectionLabel: (_selection, { AliasName = "" }) => `Select ${aliasLabel(AliasName)}`,
        }}
        columnDefinitions={[
          { id: "name", header: "Alias name", cell: ({ AliasName = "" }) => aliasLabel(AliasName), isRowHeader: true },
          { id: "arn", header: "Alias ARN", cell: ({ AliasArn }) => AliasArn },
        ]}
        empty={<Box textAlign="center">No aliases</Box>}
        header={
          <Header
            variant="h2"
            counter={`(${aliases.length})`}
            {...(isCustomer && {
              actions: (
                <SpaceBetween direction="horizontal" size="xs">
                  <Button loading={busy} disabled={ticked.length === 0} onClick={() => void remove()}>
                    Delete
                  </Button>
                  <Button variant="primary" onClick={() => setCreating(true)}>
                    Create alias
                  </Button>
                </SpaceBetween>
              ),
            })}
          >
            Aliases
          </Header>
        }
      />
      {isCreating && <CreateAlias keyId={keyId} onClose={() => setCreating(false)} onDone={changed} />}
    </SpaceBetween>
  );
}

interface CreateAliasProps {
  readonly keyId: string;
  onClose(): void;
  onDone(): void;
}

function CreateAlias({ keyId, onClose, onDone }: CreateAliasProps) {
  const { clients } = useConsole();
  const [alias, setAlias] = useState("");
  const problem = aliasProblem(alias);
  return (
    <ActionDialog
      title="Create alias"
      button="Create alias"
      permission="kms:CreateAlias"
      disabled={problem !== undefined}
      act={async () => {
        await clients.kms.send(new CreateAliasCommand({ AliasName: `alias/${alias}`, TargetKeyId: keyId }));
        return `Alias ${alias} was created.`;
      }}
      onClose={onClose}
      onTried={onDone}
    >
      <FormField label="Alias name" description="Don't type alias/: it is added." errorText={alias !== "" && problem}>
        <Input value={alias} onChange={({ detail }) => setAlias(detail.value)} />
      </FormField>
    </ActionDialog>
  );
}
