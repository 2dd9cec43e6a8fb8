/** Other AWS accounts that may use a key, by their ids. */

import AttributeEditor from "@cloudscape-design/components/attribute-editor";
import Input from "@cloudscape-design/components/input";
import { accountProblem } from "../model/other-accounts.ts";

export interface OtherAccountsProps {
  readonly ownAccount: string;
  readonly accounts: readonly string[];
  onChange(accounts: readonly string[]): void;
}

export function OtherAccounts({ ownAccount, accounts, onChange }: OtherAccountsProps) {
  return (
    <AttributeEditor
      items={accounts.map((id, index) => ({ id, index }))}
      addButtonText="Add another AWS account"
      removeButtonText="Remove"
      removeButtonAriaLabel={({ id }) => `Remove account ${id}`}
      onAddButtonClick={() => onChange([...accounts, ""])}
      onRemoveButtonClick={({ detail }) => onChange(accounts.filter((_id, index) => index !== detail.itemIndex))}
      definition={[
        {
          label: "Account ID",
          control: ({ id, index }) => (
            <Input
              value={id}
              inputMode="numeric"
              ariaLabel={`Account ID ${index + 1}`}
              placeholder="12 digits"
              onChange={({ detail }) =>
                onChange(accounts.map((other, position) => (position === index ? detail.value.trim() : other)))
              }
            />
          ),
          errorText: ({ id, index }) =>
            id === "" ? undefined : accountProblem(id, { ownAccount, others: accounts.toSpliced(index, 1) }),
        },
      ]}
      empty="No other AWS account may use this key."
    />
  );
}
