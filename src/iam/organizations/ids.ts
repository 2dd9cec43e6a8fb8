/** Identifiers of organizations and what is in them, in the forms of their API's model. */

import { randomInt } from "node:crypto";

const ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz";

function letters(count: number): string {
  return Array.from({ length: count }, () => ALPHABET[randomInt(ALPHABET.length)]).join("");
}

/** A new id of an organization. */
export const newOrganizationId = (): string => `o-${letters(10)}`;
/** A new id of a root; there are few, so one may be taken. */
export const newRootId = (): string => `r-${letters(4)}`;
/** A new id of an organizational unit; it names the root. */
export const newUnitId = (rootId: string): string => `ou-${rootId.slice("r-".length)}-${letters(8)}`;
/** A new id of a control policy. */
export const newPolicyId = (): string => `p-${letters(8)}`;
/** A new id of a request to make an account. */
export const newCreationId = (): string => `car-${letters(32)}`;
/** A new account id, without a leading zero. */
export const newAccountId = (): string => String(randomInt(100_000_000_000, 200_000_000_000));
