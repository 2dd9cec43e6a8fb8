/** The tab "Key material" of a key whose material is imported. */

import { DeleteImportedKeyMaterialCommand } from "@aws-sdk/client-kms";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { useNavigate } from "react-router-dom";
import { dateText, NONE } from "../model/key-rows.ts";
import { ActionDialog } from "../parts/action-dialog.tsx";
import { StateIndicator } from "../parts/key-status.tsx";
import { useConsole } from "../session/use-console.ts";
import type { TabProps } from "./tab-content.tsx";

export function MaterialTab({ metadata, onChange }: TabProps) {
  const { link } = useConsole();
  const navigate = useNavigate();
  const [isDeleting, setDeleting] = useState(false);
  const { KeyState, ExpirationModel, ValidTo, CurrentKeyMaterialId } = metadata;
  const hasMaterial = ExpirationModel !== undefined;
  return (
    <Container
      header={
        <Header
          variant="h2"
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button disabled={!hasMaterial} onClick={() => setDeleting(true)}>
                Delete key material
              </Button>
              <Button
                variant="primary"
                disabled={KeyState === "PendingDeletion" || KeyState === "PendingReplicaDeletion"}
                onClick={() => navigate(link(`keys/${metadata.KeyId}/import`))}
              >
                Import key material
              </Button>
            </SpaceBetween>
          }
        >
          Key material
        </Header>
      }
    >
      <KeyValuePairs
        columns={3}
        items={[
          { label: "Key status", value: KeyState === undefined ? NONE : <StateIndicator state={KeyState} /> },
          {
            label: "Expiration date",
            value: hasMaterial && ValidTo === undefined ? "Does not expire" : dateText(ValidTo),
          },
          { label: "Key material ID", value: CurrentKeyMaterialId ?? NONE },
        ]}
      />
      {isDeleting && (
        <DeleteMaterial keyId={metadata.KeyId ?? ""} onClose={() => setDeleting(false)} onDone={onChange} />
      )}
    </Container>
  );
}

interface DeleteMaterialProps {
  readonly keyId: string;
  onClose(): void;
  onDone(): void;
}

function DeleteMaterial({ keyId, onClose, onDone }: DeleteMaterialProps) {
  const { clients } = useConsole();
  return (
    <ActionDialog
      title="Delete key material"
      button="Delete"
      permission="kms:DeleteImportedKeyMaterial"
      act={async () => {
        await clients.kms.send(new DeleteImportedKeyMaterialCommand({ KeyId: keyId }));
        return "The key material was deleted.";
      }}
      onClose={onClose}
      onTried={onDone}
    >
      What was encrypted under the key can't be decrypted until the same key material is imported again.
    </ActionDialog>
  );
}
