/** Rotation as the console offers it (KMS guide, Rotating keys). */

import type { KeyMetadata } from "@aws-sdk/client-kms";

/** Days between automatic rotations (API reference, EnableKeyRotation). */
export const PERIOD_DAYS = { least: 90, most: 2560, usual: 365 } as const;

/** The days that a text says, or undefined when KMS does not take them. */
export function periodDays(text: string): number | undefined {
  const days = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  return days >= PERIOD_DAYS.least && days <= PERIOD_DAYS.most ? days : undefined;
}

/** Why rotation can't be changed, or undefined where it can. Then the box is shown cleared, whatever is set. */
export function rotationLock({ KeyManager, KeyState, MultiRegionConfiguration }: KeyMetadata): string | undefined {
  if (KeyManager === "AWS") return "AWS managed keys are rotated every year.";
  if (MultiRegionConfiguration?.MultiRegionKeyType === "REPLICA") return "Rotation is set on the primary key.";
  if (KeyState === "Disabled") return "Enable the key to change its rotation.";
  return KeyState === "Enabled" ? undefined : "The key's state does not allow it.";
}

/** Whether the box "Automatically rotate" is ticked: never for keys that are disabled or to be deleted. */
export function isRotationShown(enabled: boolean, { KeyState }: KeyMetadata): boolean {
  return enabled && KeyState !== "Disabled" && KeyState !== "PendingDeletion" && KeyState !== "PendingReplicaDeletion";
}

export const rotationTypes: Readonly<Record<string, string>> = { AUTOMATIC: "Automatic", ON_DEMAND: "On-demand" };

export const materialStates: Readonly<Record<string, string>> = {
  CURRENT: "Current",
  NON_CURRENT: "Non-current",
  PENDING_ROTATION: "Pending rotation",
  PENDING_MULTI_REGION_IMPORT_AND_ROTATION: "Pending import in all Regions",
};
