/** The frame of every dialog that does one thing: what it is about, the button that does it, and what went wrong. */

import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import type { ReactNode } from "react";
import { FailureAlert } from "./failure-alert.tsx";
import { useNotify } from "./notices.ts";
import { useAction } from "./use-action.ts";

export interface ActionDialogProps {
  readonly title: string;
  /** What the button that does it says. */
  readonly button: string;
  /** Whether something is still missing. */
  readonly disabled?: boolean;
  readonly size?: "small" | "medium" | "large";
  /** The IAM action that it takes, such as `kms:CreateAlias`. */
  readonly permission: string;
  /** @returns what to tell once it is done */
  act(): Promise<string>;
  onClose(): void;
  /** To be told when it was tried: where it is done to several, some may be changed though not all are. */
  onTried(isDone: boolean): void;
  readonly children: ReactNode;
}

export function ActionDialog(props: ActionDialogProps) {
  const { title, button, disabled = false, size, permission, act, onClose, onTried, children } = props;
  const notify = useNotify();
  const { busy, failure, run } = useAction();
  const submit = async () => {
    const isDone = await run(async () => notify(await act()), permission);
    onTried(isDone);
    if (isDone) onClose();
  };
  return (
    <Modal
      visible
      {...(size !== undefined && { size })}
      header={title}
      closeAriaLabel="Close"
      onDismiss={onClose}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onClose}>
              Cancel
            </Button>
            <Button variant="primary" loading={busy} disabled={disabled} onClick={() => void submit()}>
              {button}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="m">
        <FailureAlert failure={failure} />
        {children}
      </SpaceBetween>
    </Modal>
  );
}
