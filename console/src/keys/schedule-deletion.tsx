/** "Schedule key deletion": the waiting period, and a confirmation that names it. */

import { ScheduleKeyDeletionCommand } from "@aws-sdk/client-kms";
import Alert from "@cloudscape-design/components/alert";
import Checkbox from "@cloudscape-design/components/checkbox";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import { useState } from "react";
import { WINDOW_DAYS, windowDays } from "../model/key-actions.ts";
import { ActionDialog } from "../parts/action-dialog.tsx";
import { useConsole } from "../session/use-console.ts";
import { type KeyActionsProps, KeyNames, namesOf } from "./key-actions.tsx";

export interface ScheduleDeletionProps extends KeyActionsProps {
  onClose(): void;
}

export function ScheduleDeletion({ rows, onClose, onDone }: ScheduleDeletionProps) {
  const { clients } = useConsole();
  const [text, setText] = useState(String(WINDOW_DAYS.most));
  const [isConfirmed, setConfirmed] = useState(false);
  const days = windowDays(text);
  const subject = rows.length === 1 ? "this key" : `these ${rows.length} keys`;
  return (
    <ActionDialog
      size="medium"
      title="Schedule key deletion"
      button="Schedule deletion"
      permission="kms:ScheduleKeyDeletion"
      disabled={!isConfirmed || days === undefined}
      act={async () => {
        for (const { id } of rows) {
          await clients.kms.send(new ScheduleKeyDeletionCommand({ KeyId: id, PendingWindowInDays: days }));
        }
        return `${namesOf(rows)}: scheduled for deletion in ${days} days.`;
      }}
      onClose={onClose}
      onTried={onDone}
    >
      <Alert type="warning" header="Deleting a key makes all data that was encrypted under it unrecoverable">
        During the waiting period the key can't be used, and you can cancel the deletion. If you are not sure, disable
        the key instead.
      </Alert>
      <FormField
        label="Waiting period (in days)"
        description={`From ${WINDOW_DAYS.least} to ${WINDOW_DAYS.most} days.`}
        errorText={days === undefined && `Enter ${WINDOW_DAYS.least} to ${WINDOW_DAYS.most}.`}
      >
        <Input
          type="number"
          inputMode="numeric"
          value={text}
          onChange={({ detail }) => {
            setText(detail.value);
            setConfirmed(false);
          }}
        />
      </FormField>
      <KeyNames rows={rows} />
      <Checkbox
        checked={isConfirmed}
        disabled={days === undefined}
        onChange={({ detail }) => setConfirmed(detail.checked)}
      >
        Confirm that you want to delete {subject} in {days ?? "…"} days.
      </Checkbox>
    </ActionDialog>
  );
}
