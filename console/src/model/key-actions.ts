/** What can be done to keys from the menu "Key actions", and in which states (KMS guide, Key states). */

import type { KeyState } from "@aws-sdk/client-kms";
import type { KeyRow } from "./key-rows.ts";

export type ActionId = "enable" | "disable" | "edit-tags" | "schedule-deletion" | "cancel-deletion" | "delete-material";

interface KeyAction {
  readonly id: ActionId;
  readonly text: string;
  readonly states: readonly KeyState[];
  readonly only?: "one" | "external";
}

export const keyActions: readonly KeyAction[] = [
  { id: "enable", text: "Enable", states: ["Disabled"] },
  { id: "disable", text: "Disable", states: ["Enabled", "Unavailable"] },
  {
    id: "edit-tags",
    text: "Add or edit tags",
    states: ["Enabled", "Disabled", "PendingImport", "Unavailable", "Updating", "Creating"],
    only: "one",
  },
  {
    id: "schedule-deletion",
    text: "Schedule key deletion",
    states: ["Enabled", "Disabled", "PendingImport", "Unavailable"],
  },
  { id: "cancel-deletion", text: "Cancel key deletion", states: ["PendingDeletion", "PendingReplicaDeletion"] },
  { id: "delete-material", text: "Delete key material", states: ["Enabled", "Disabled"], only: "external" },
];

/** Why an action can't be done to these keys, or undefined when it can. Keys that are not described yet are let through to KMS. */
export function actionProblem(id: ActionId, rows: readonly KeyRow[]): string | undefined {
  const action = keyActions.find((one) => one.id === id);
  if (action === undefined || rows.length === 0) return "Select a key.";
  if (rows.some(({ metadata }) => metadata?.KeyManager === "AWS")) return "AWS managed keys can't be changed.";
  if (action.only === "one" && rows.length > 1) return "Select one key.";
  const fits = ({ metadata }: KeyRow): boolean =>
    metadata === undefined ||
    (metadata.KeyState !== undefined &&
      action.states.includes(metadata.KeyState) &&
      (action.only !== "external" || metadata.Origin === "EXTERNAL"));
  return rows.every(fits) ? undefined : "Not possible for the state or origin of a selected key.";
}

/** Days between scheduling and deletion (API reference, ScheduleKeyDeletion). */
export const WINDOW_DAYS = { least: 7, most: 30 } as const;

/** The days that a text says, or undefined when it is no whole number of days that KMS takes. */
export function windowDays(text: string): number | undefined {
  const days = /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  return days >= WINDOW_DAYS.least && days <= WINDOW_DAYS.most ? days : undefined;
}
