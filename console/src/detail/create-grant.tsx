/** The dialog "Create grant". */

import { CreateGrantCommand, type GrantOperation } from "@aws-sdk/client-kms";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Multiselect from "@cloudscape-design/components/multiselect";
import RadioGroup from "@cloudscape-design/components/radio-group";
import { useState } from "react";
import {
  canConstrain,
  createGrantInput,
  type GrantDraft,
  grantOperations,
  isGrantDone,
  NEW_GRANT,
  PAIRS_MAX,
  pairProblem,
  principalProblem,
} from "../model/grant-draft.ts";
import type { KeyKind } from "../model/key-kinds.ts";
import { ActionDialog } from "../parts/action-dialog.tsx";
import { PairFields } from "../parts/pair-fields.tsx";
import { useConsole } from "../session/use-console.ts";

export interface CreateGrantProps {
  readonly keyId: string;
  readonly kind: KeyKind;
  onClose(): void;
  onTried(): void;
}

const CONSTRAINTS = [
  { value: "none", label: "None" },
  { value: "EncryptionContextSubset", label: "The encryption context has at least these pairs" },
  { value: "EncryptionContextEquals", label: "The encryption context is exactly these pairs" },
] as const;

export function CreateGrant({ keyId, kind, onClose, onTried }: CreateGrantProps) {
  const { clients } = useConsole();
  const [draft, setDraft] = useState(NEW_GRANT);
  const change = (next: Partial<GrantDraft>) => setDraft((last) => ({ ...last, ...next }));
  const { grantee, retiring, operations, constraint, pairs, name } = draft;
  const option = (operation: GrantOperation) => ({ label: operation, value: operation });
  return (
    <ActionDialog
      size="large"
      title="Create grant"
      button="Create grant"
      permission="kms:CreateGrant"
      disabled={!isGrantDone(draft)}
      act={async () => {
        const { GrantId } = await clients.kms.send(new CreateGrantCommand(createGrantInput(keyId, draft)));
        return `Grant ${GrantId} was created.`;
      }}
      onClose={onClose}
      onTried={onTried}
    >
      <FormField
        label="Grantee principal"
        description="The ARN of the user, role, session or account that may use the key."
        errorText={grantee !== "" && principalProblem(grantee)}
      >
        <Input value={grantee} onChange={({ detail }) => change({ grantee: detail.value.trim() })} />
      </FormField>
      <FormField label="Operations">
        <Multiselect
          placeholder="Choose operations"
          options={grantOperations(kind).map(option)}
          selectedOptions={operations.map(option)}
          onChange={({ detail }) =>
            change({ operations: detail.selectedOptions.map(({ value }) => value as GrantOperation) })
          }
          expandToViewport
        />
      </FormField>
      {canConstrain(kind) && (
        <FormField label="Constraint">
          <RadioGroup
            ariaLabel="Constraint"
            value={constraint}
            items={[...CONSTRAINTS]}
            onChange={({ detail }) => change({ constraint: detail.value as GrantDraft["constraint"] })}
          />
        </FormField>
      )}
      {constraint !== "none" && (
        <PairFields
          pairs={pairs}
          most={PAIRS_MAX}
          noun="pair"
          keyLabel="Context name"
          valueLabel="Context value"
          empty="Add the pairs that the encryption context has to have."
          keyProblem={({ key }, others) =>
            key === ""
              ? undefined
              : pairProblem(
                  key,
                  others.map((pair) => pair.key),
                )
          }
          valueProblem={() => undefined}
          onChange={(next) => change({ pairs: next })}
        />
      )}
      <FormField
        label="Retiring principal - optional"
        description="Who may retire the grant, besides the account that has the key."
        errorText={retiring !== "" && principalProblem(retiring)}
      >
        <Input value={retiring} onChange={({ detail }) => change({ retiring: detail.value.trim() })} />
      </FormField>
      <FormField label="Name - optional" description="The same request with the same name makes no second grant.">
        <Input value={name} onChange={({ detail }) => change({ name: detail.value })} />
      </FormField>
    </ActionDialog>
  );
}
