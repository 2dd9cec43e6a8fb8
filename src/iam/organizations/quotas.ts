/** The quotas of Organizations (Organizations user guide, Quotas). */

import type { ControlPolicyType } from "../../identity/control-policies.ts";

/** AWS begins with 10 and raises it up to this on request. */
export const ACCOUNTS_MAX = 50_000;
/** Levels of organizational units below the root. */
export const UNIT_LEVELS_MAX = 5;
/** Organizational units of one organization. */
export const UNITS_MAX = 2_000;
/** Of each type of control policies: how many there may be, on one root, unit or account, and characters of one, white space included. */
export const CONTROL_POLICY_QUOTAS: Readonly<Record<ControlPolicyType, ControlPolicyQuotas>> = {
  SERVICE_CONTROL_POLICY: { inOrganization: 10_000, onTarget: 10, characters: 10_240 }, // 5 and 5,120 until 15 May 2026
  RESOURCE_CONTROL_POLICY: { inOrganization: 1_000, onTarget: 5, characters: 5_120 }, // AWS's own counts on each target
};

interface ControlPolicyQuotas {
  readonly inOrganization: number;
  readonly onTarget: number;
  readonly characters: number;
}

/** On one account, unit or policy. */
export const TAGS_MAX = 50;
/** Of lists whose request says nothing; no page is longer. */
export const PAGE_SIZE = 20;
