/** Codes of quotas whose own is not public. */

import { createHash } from "node:crypto";

/** A code in the form of Service Quotas, always the same for the same name of a KMS quota. */
export function derivedCode(name: string): string {
  return `L-${createHash("sha256").update(`kms/${name}`).digest("hex").slice(0, 8).toUpperCase()}`;
}
