/** "General configuration" of a key: names, state, dates, and its description, which can be edited. */

import { type KeyMetadata, UpdateKeyDescriptionCommand } from "@aws-sdk/client-kms";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import CopyToClipboard from "@cloudscape-design/components/copy-to-clipboard";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Textarea from "@cloudscape-design/components/textarea";
import { useState } from "react";
import { regionalityOf } from "../model/key-kinds.ts";
import { dateText, NONE } from "../model/key-rows.ts";
import { FailureAlert } from "../parts/failure-alert.tsx";
import { StateIndicator } from "../parts/key-status.tsx";
import { useNotify } from "../parts/notices.ts";
import { useAction } from "../parts/use-action.ts";
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
  const notify = useNotify();
  const { busy, failure, run } = useAction();
  const [text, setText] = useState(description);
  const save = async () => {
    const isDone = await run(async () => {
      await clients.kms.send(new UpdateKeyDescriptionCommand({ KeyId: keyId, Description: text }));
    }, "kms:UpdateKeyDescription");
    if (!isDone) return;
    notify("The description was saved.");
    onChange();
    onClose();
  };
  return (
    <Modal
      visible
      header="Edit description"
      closeAriaLabel="Close"
      onDismiss={onClose}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onClose}>
              Cancel
            </Button>
            <Button variant="primary" loading={busy} onClick={() => void save()}>
              Save changes
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="m">
        <FailureAlert failure={failure} />
        <FormField label="Description" stretch>
          <Textarea value={text} onChange={({ detail }) => setText(detail.value)} />
        </FormField>
      </SpaceBetween>
    </Modal>
  );
}
