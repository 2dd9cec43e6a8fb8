/** "General configuration" of a key: names, state, dates, and its description, which can be edited. */

import { type KeyMetadata, UpdateKeyDescriptionCommand } from "@aws-sdk/client-kms";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import CopyToClipboard from "@cloudscape-design/components/copy-to-clipboard";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import Textarea from "@cloudscape-design/components/textarea";
import { useState } from "react";
import { regionalityOf } from "../model/key-kinds.ts";
import { dateText, NONE } from "../model/key-rows.ts";
import { ActionDialog } from "../parts/action-dialog.tsx";
import { StateIndicator } from "../parts/key-status.tsx";
import { useConsole } from "../session/use-console.ts";

export interface GeneralConfigurationProps {
  readonly metadata: KeyMetadata;
  readonly aliases: readonly string[] | undefined;
  onChange(): void;
}

export function GeneralConfiguration({ metadata, aliases, onChange }: GeneralConfigurationProps) {
  const [isEditing, setEditing] = useState(false);
  const { Arn = "", KeyState, CreationDate, Description = "", DeletionDate } = metadata;
  const isPending = KeyState === "PendingDeletion" || KeyState === "PendingReplicaDeletion";
  const { PendingDeletionWindowInDays: window } = metadata;
  return (
    <Container
      header={
        <Header
          variant="h2"
          {...(metadata.KeyManager === "CUSTOMER" && {
            actions: (
              <Button ariaLabel="Edit description" disabled={isPending} onClick={() => setEditing(true)}>
                Edit
              </Button>
            ),
          })}
        >
          General configuration
        </Header>
      }
    >
      <KeyValuePairs
        columns={3}
        items={[
          { label: "Alias", value: aliases === undefined ? "You can't list aliases" : aliases.join(", ") || NONE },
          { label: "Status", value: KeyState === undefined ? NONE : <StateIndicator state={KeyState} /> },
          { label: "Creation date", value: dateText(CreationDate) },
          {
            label: "ARN",
            value: (
              <CopyToClipboard
                variant="inline"
                textToCopy={Arn}
                copyButtonAriaLabel="Copy ARN"
                copySuccessText="ARN copied"
                copyErrorText="ARN could not be copied"
              />
            ),
          },
          { label: "Description", value: Description || NONE },
          { label: "Regionality", value: regionalityOf(metadata) },
          ...(DeletionDate === undefined ? [] : [{ label: "Scheduled deletion date", value: dateText(DeletionDate) }]),
          ...(window === undefined
            ? []
            : [{ label: "Waiting period", value: `${window} days, which begin when the last replica key is deleted` }]),
        ]}
      />
      {isEditing && (
        <EditDescription
          keyId={metadata.KeyId ?? ""}
          description={Description}
          onClose={() => setEditing(false)}
          onChange={onChange}
        />
      )}
    </Container>
  );
}

interface EditDescriptionProps {
  readonly keyId: string;
  readonly description: string;
  onClose(): void;
  onChange(): void;
}

function EditDescription({ keyId, description, onClose, onChange }: EditDescriptionProps) {
  const { clients } = useConsole();
  const [text, setText] = useState(description);
  return (
    <ActionDialog
      title="Edit description"
      button="Save changes"
      permission="kms:UpdateKeyDescription"
      act={async () => {
        await clients.kms.send(new UpdateKeyDescriptionCommand({ KeyId: keyId, Description: text }));
        return "The description was saved.";
      }}
      onClose={onClose}
      onTried={onChange}
    >
      <FormField label="Description" stretch>
        <Textarea value={text} onChange={({ detail }) => setText(detail.value)} />
      </FormField>
    </ActionDialog>
  );
}
