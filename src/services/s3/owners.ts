/** Canonical user ids, by which S3 names owners. */

import { hash } from "node:crypto";

/** The canonical id of an account: 64 hex digits that say nothing of it (ours are a hash). */
export function ownerId(account: string): string {
  return hash("sha256", `keystead/canonical-user/1 ${account}`, "hex");
}
