/** The quotas of Organizations (Organizations user guide, Quotas). */

/** AWS begins with 10 and raises it up to this on request. */
export const ACCOUNTS_MAX = 50_000;
/** Levels of organizational units below the root. */
export const UNIT_LEVELS_MAX = 5;
/** Organizational units of one organization. */
export const UNITS_MAX = 2_000;
/** Service control policies of one organization. */
export const SCPS_MAX = 10_000;
/** Attached to one root, unit or account; 5 until 15 May 2026. */
export const SCPS_PER_TARGET_MAX = 10;
/** Of one policy, white space included; 5,120 until 15 May 2026. */
export const SCP_CHARACTERS_MAX = 10_240;
/** On one account, unit or policy. */
export const TAGS_MAX = 50;
/** Of lists whose request says nothing; no page is longer. */
export const PAGE_SIZE = 20;
