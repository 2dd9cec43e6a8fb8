/** The wizard's steps about people: who administers the key, and who uses it. */

import Checkbox from "@cloudscape-design/components/checkbox";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import type { PrincipalList } from "../api/list-principals.ts";
import type { Owner, PolicyChoices } from "../model/key-policy.ts";
import { FailureAlert } from "../parts/failure-alert.tsx";
import type { Loaded } from "../parts/use-loaded.ts";
import { OtherAccounts } from "../policy/other-accounts.tsx";
import { PrincipalTable } from "../policy/principal-table.tsx";

export interface PeopleStepProps {
  readonly people: Loaded<PrincipalList>;
  readonly choices: PolicyChoices;
  onChange(choices: PolicyChoices): void;
}

/** What of the lists could not be read. */
export function PeopleFailures({ people }: Pick<PeopleStepProps, "people">) {
  return people.value?.failures.map((failure) => <FailureAlert key={failure.title} failure={failure} />);
}

export function AdministratorsStep({ people, choices, onChange }: PeopleStepProps) {
  return (
    <SpaceBetween size="l">
      <PeopleFailures people={people} />
      <PrincipalTable
        title="Key administrators"
        description="IAM users and roles who can administer this key through the KMS API."
        principals={people.value?.principals ?? []}
        loading={people.loading}
        chosen={choices.administrators}
        onChange={(administrators) => onChange({ ...choices, administrators })}
      />
      <Container header={<Header variant="h2">Key deletion</Header>}>
        <Checkbox
          checked={choices.administratorsMayDelete}
          onChange={({ detail }) => onChange({ ...choices, administratorsMayDelete: detail.checked })}
        >
          Allow key administrators to delete this key.
        </Checkbox>
      </Container>
    </SpaceBetween>
  );
}

export function UsersStep({ people, choices, owner, onChange }: PeopleStepProps & { readonly owner: Owner }) {
  return (
    <SpaceBetween size="l">
      <PeopleFailures people={people} />
      <PrincipalTable
        title="Key users"
        description="IAM users and roles who can use this key in cryptographic operations."
        principals={people.value?.principals ?? []}
        loading={people.loading}
        chosen={choices.users}
        onChange={(users) => onChange({ ...choices, users })}
      />
      <Container
        header={
          <Header
            variant="h2"
            description="Administrators of these accounts also have to allow their users and roles to use the key, by IAM policies."
          >
            Other AWS accounts
          </Header>
        }
      >
        <OtherAccounts
          ownAccount={owner.account}
          accounts={choices.otherAccounts}
          onChange={(otherAccounts) => onChange({ ...choices, otherAccounts })}
        />
      </Container>
    </SpaceBetween>
  );
}
