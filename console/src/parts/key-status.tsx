/** A key's state, with the sign that it has in AWS's console. */

import type { KeyState } from "@aws-sdk/client-kms";
import Popover from "@cloudscape-design/components/popover";
import StatusIndicator, { type StatusIndicatorProps } from "@cloudscape-design/components/status-indicator";
import { stateLabels } from "../model/key-kinds.ts";
import type { KeyRow } from "../model/key-rows.ts";

const SIGNS: Readonly<Record<KeyState, StatusIndicatorProps.Type>> = {
  Creating: "in-progress",
  Enabled: "success",
  Disabled: "stopped",
  PendingDeletion: "pending",
  PendingImport: "pending",
  PendingReplicaDeletion: "pending",
  Unavailable: "error",
  Updating: "in-progress",
};

export function StateIndicator({ state }: { readonly state: KeyState }) {
  return <StatusIndicator type={SIGNS[state]}>{stateLabels[state]}</StatusIndicator>;
}

/** The state of a row's key, or why it can't be shown. */
export function KeyStatus({ row }: { readonly row: Pick<KeyRow, "metadata" | "problem"> }) {
  if (row.problem !== undefined) {
    return (
      <Popover dismissButton={false} content={row.problem} header="This key can't be shown">
        <StatusIndicator type="error">Error</StatusIndicator>
      </Popover>
    );
  }
  const state = row.metadata?.KeyState;
  return state === undefined ? (
    <StatusIndicator type="loading">Loading</StatusIndicator>
  ) : (
    <StateIndicator state={state} />
  );
}
