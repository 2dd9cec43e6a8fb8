/** The default view of a key policy: key administrators, key deletion, key users, other AWS accounts. */

import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Checkbox from "@cloudscape-design/components/checkbox";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import { useCallback, useState } from "react";
import { listPrincipals, type Principal } from "../api/list-principals.ts";
import { PeopleFailures } from "../create/people-steps.tsx";
import type { PolicyChoices } from "../model/key-policy.ts";
import { areAccountsSound } from "../model/other-accounts.ts";
import { useLoaded } from "../parts/use-loaded.ts";
import { useConsole } from "../session/use-console.ts";
import { OtherAccounts } from "./other-accounts.tsx";
import { PrincipalTable } from "./principal-table.tsx";

export interface PolicyDefaultViewProps {
  readonly choices: PolicyChoices;
  readonly busy: boolean;
  onSave(choices: PolicyChoices): Promise<boolean>;
}

export function PolicyDefaultView({ choices, busy, onSave }: PolicyDefaultViewProps) {
  const { clients } = useConsole();
  const people = useLoaded(useCallback(() => listPrincipals(clients.iam), [clients]));
  const known = people.value?.principals ?? [];
  return (
    <SpaceBetween size="l">
      <PeopleFailures people={people} />
      <PeopleSection
        title="Key administrators"
        known={known}
        loading={people.loading}
        busy={busy}
        chosen={choices.administrators}
        onSave={(administrators) => onSave({ ...choices, administrators })}
      />
      <Container header={<Header variant="h2">Key deletion</Header>}>
        <Checkbox
          checked={choices.administratorsMayDelete}
          disabled={busy || choices.administrators.length === 0}
          onChange={({ detail }) => void onSave({ ...choices, administratorsMayDelete: detail.checked })}
        >
          Allow key administrators to delete this key.
        </Checkbox>
      </Container>
      <PeopleSection
        title="Key users"
        known={known}
        loading={people.loading}
        busy={busy}
        chosen={choices.users}
        onSave={(users) => onSave({ ...choices, users })}
      />
      <AccountsSection choices={choices} busy={busy} onSave={onSave} />
    </SpaceBetween>
  );
}

interface PeopleSectionProps {
  readonly title: string;
  readonly known: readonly Principal[];
  readonly loading: boolean;
  readonly busy: boolean;
  /** ARNs, or the unique ids of those that are gone. */
  readonly chosen: readonly string[];
  onSave(chosen: readonly string[]): Promise<boolean>;
}

function PeopleSection({ title, known, loading, busy, chosen, onSave }: PeopleSectionProps) {
  const [isAdding, setAdding] = useState(false);
  const [added, setAdded] = useState<readonly string[]>([]);
  const [ticked, setTicked] = useState<readonly string[]>([]);
  const rows = chosen.map((arn) => known.find((one) => one.arn === arn) ?? { arn, name: arn, path: "", type: "" });
  const add = async () => {
    if (await onSave([...chosen, ...added])) setAdding(false);
  };
  const remove = async () => {
    if (await onSave(chosen.filter((arn) => !ticked.includes(arn)))) setTicked([]);
  };
  return (
    <>
      <Table
        trackBy="arn"
        wrapLines
        selectionType="multi"
        items={rows}
        selectedItems={rows.filter(({ arn }) => ticked.includes(arn))}
        onSelectionChange={({ detail }) => setTicked(detail.selectedItems.map(({ arn }) => arn))}
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
        empty={<Box textAlign="center">None</Box>}
        header={
          <Header
            variant="h2"
            counter={`(${chosen.length})`}
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                <Button
                  ariaLabel={`Remove ${title.toLowerCase()}`}
                  disabled={busy || ticked.length === 0}
                  onClick={() => void remove()}
                >
                  Remove
                </Button>
                <Button
                  ariaLabel={`Add ${title.toLowerCase()}`}
                  disabled={busy}
                  onClick={() => {
                    setAdded([]);
                    setAdding(true);
                  }}
                >
                  Add
                </Button>
              </SpaceBetween>
            }
          >
            {title}
          </Header>
        }
      />
      {isAdding && (
        <Modal
          visible
          size="large"
          header={`Add ${title.toLowerCase()}`}
          closeAriaLabel="Close"
          onDismiss={() => setAdding(false)}
          footer={
            <Box float="right">
              <SpaceBetween direction="horizontal" size="xs">
                <Button variant="link" onClick={() => setAdding(false)}>
                  Cancel
                </Button>
                <Button variant="primary" loading={busy} disabled={added.length === 0} onClick={() => void add()}>
                  Add
                </Button>
              </SpaceBetween>
            </Box>
          }
        >
          <PrincipalTable
            title="Users and roles"
            principals={known.filter(({ arn }) => !chosen.includes(arn))}
            loading={loading}
            chosen={added}
            onChange={setAdded}
          />
        </Modal>
      )}
    </>
  );
}

function AccountsSection({ choices, busy, onSave }: PolicyDefaultViewProps) {
  const { owner } = useConsole();
  const [draft, setDraft] = useState<readonly string[]>();
  const accounts = draft ?? choices.otherAccounts;
  const given = accounts.filter((id) => id !== "");
  const save = async () => {
    if (await onSave({ ...choices, otherAccounts: given })) setDraft(undefined);
  };
  return (
    <Container
      header={
        <Header
          variant="h2"
          actions={
            draft !== undefined && (
              <SpaceBetween direction="horizontal" size="xs">
                <Button variant="link" onClick={() => setDraft(undefined)}>
                  Cancel
                </Button>
                <Button
                  variant="primary"
                  loading={busy}
                  disabled={!areAccountsSound(accounts, owner.account)}
                  onClick={() => void save()}
                >
                  Save changes
                </Button>
              </SpaceBetween>
            )
          }
        >
          Other AWS accounts
        </Header>
      }
    >
      <OtherAccounts ownAccount={owner.account} accounts={accounts} onChange={(next) => setDraft(next)} />
    </Container>
  );
}
