/** The menu "Key actions", for ticked rows and for the page of one key. */

import {
  CancelKeyDeletionCommand,
  DeleteImportedKeyMaterialCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  type KMSClient,
} from "@aws-sdk/client-kms";
import Alert from "@cloudscape-design/components/alert";
import ButtonDropdown from "@cloudscape-design/components/button-dropdown";
import { useState } from "react";
import { useNavigate } from "react-router-dom";
import { type ActionId, actionProblem, keyActions } from "../model/key-actions.ts";
import type { KeyRow } from "../model/key-rows.ts";
import { ActionDialog } from "../parts/action-dialog.tsx";
import { useConsole } from "../session/use-console.ts";
import { ScheduleDeletion } from "./schedule-deletion.tsx";

export interface KeyActionsProps {
  readonly rows: readonly KeyRow[];
  /** To be told when keys have changed. */
  onDone(): void;
}

/** Actions that are done once they are confirmed: what is asked, what is called for each key, what is said after. */
const CONFIRMED = {
  enable: {
    question: "Enabled keys can be used in cryptographic operations.",
    call: (kms: KMSClient, KeyId: string) => kms.send(new EnableKeyCommand({ KeyId })),
    permission: "kms:EnableKey",
    done: "enabled",
  },
  disable: {
    question: "Disabled keys can't be used in cryptographic operations until they are enabled again.",
    call: (kms: KMSClient, KeyId: string) => kms.send(new DisableKeyCommand({ KeyId })),
    permission: "kms:DisableKey",
    done: "disabled",
  },
  "cancel-deletion": {
    question: "The keys will be disabled. Enable them before you use them.",
    call: (kms: KMSClient, KeyId: string) => kms.send(new CancelKeyDeletionCommand({ KeyId })),
    permission: "kms:CancelKeyDeletion",
    done: "no longer scheduled for deletion; disabled",
  },
  "delete-material": {
    question: "What was encrypted under the keys can't be decrypted until the same key material is imported again.",
    call: (kms: KMSClient, KeyId: string) => kms.send(new DeleteImportedKeyMaterialCommand({ KeyId })),
    permission: "kms:DeleteImportedKeyMaterial",
    done: "without key material",
  },
} as const;

export function KeyActions({ rows, onDone }: KeyActionsProps) {
  const { link } = useConsole();
  const navigate = useNavigate();
  const [asked, setAsked] = useState<ActionId>();
  const close = () => setAsked(undefined);
  const choose = (id: ActionId) => {
    if (id === "edit-tags" && rows[0] !== undefined) navigate(link(`keys/${rows[0].id}/tags`));
    else setAsked(id);
  };
  return (
    <>
      <ButtonDropdown
        items={keyActions.map(({ id, text }) => {
          const problem = actionProblem(id, rows);
          return { id, text, ...(problem !== undefined && { disabled: true, disabledReason: problem }) };
        })}
        disabled={rows.length === 0}
        onItemClick={({ detail }) => choose(detail.id as ActionId)}
        expandToViewport
      >
        Key actions
      </ButtonDropdown>
      {asked === "schedule-deletion" && <ScheduleDeletion rows={rows} onClose={close} onDone={onDone} />}
      {asked !== undefined && asked in CONFIRMED && (
        <Confirmation id={asked as keyof typeof CONFIRMED} rows={rows} onClose={close} onDone={onDone} />
      )}
    </>
  );
}

interface ConfirmationProps extends KeyActionsProps {
  readonly id: keyof typeof CONFIRMED;
  onClose(): void;
}

function Confirmation({ id, rows, onClose, onDone }: ConfirmationProps) {
  const { clients } = useConsole();
  const { question, call, permission, done } = CONFIRMED[id];
  const text = keyActions.find((action) => action.id === id)?.text ?? "";
  return (
    <ActionDialog
      title={text}
      button={text}
      permission={permission}
      act={async () => {
        for (const row of rows) await call(clients.kms, row.id);
        return `${namesOf(rows)}: ${done}.`;
      }}
      onClose={onClose}
      onTried={onDone}
    >
      <Alert type={id === "enable" ? "info" : "warning"}>{question}</Alert>
      <KeyNames rows={rows} />
    </ActionDialog>
  );
}

/** The keys that an action is about. */
export function KeyNames({ rows }: { readonly rows: readonly KeyRow[] }) {
  return (
    <ul>
      {rows.map((row) => (
        <li key={row.id}>{row.aliases[0] === undefined ? row.id : `${row.aliases[0]} (${row.id})`}</li>
      ))}
    </ul>
  );
}

/** Keys as a message names them. */
export function namesOf(rows: readonly KeyRow[]): string {
  return rows.length === 1 ? `Key ${rows[0]?.aliases[0] ?? rows[0]?.id}` : `${rows.length} keys`;
}
