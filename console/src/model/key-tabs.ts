/** Which tabs the page of a key has (KMS guide, Viewing keys: the detail page). */

import type { KeyMetadata } from "@aws-sdk/client-kms";
import { canRotate, hasPublicKey, kindOf } from "./key-kinds.ts";

export type TabId =
  | "policy"
  | "cryptography"
  | "tags"
  | "material"
  | "rotation"
  | "public"
  | "regionality"
  | "aliases"
  | "grants"
  | "access";

export interface KeyTab {
  readonly id: TabId;
  readonly label: string;
}

/** The tabs of a key, in their order. Those of AWS managed keys show what nobody may change. */
export function tabsOf(metadata: KeyMetadata): readonly KeyTab[] {
  const kind = kindOf(metadata);
  const isCustomer = metadata.KeyManager === "CUSTOMER";
  const tabs: readonly (KeyTab | false)[] = [
    { id: "policy", label: "Key policy" },
    { id: "cryptography", label: "Cryptographic configuration" },
    isCustomer && { id: "tags", label: "Tags" },
    kind.origin === "EXTERNAL" && { id: "material", label: "Key material" },
    canRotate(kind) && { id: "rotation", label: "Key rotation" },
    hasPublicKey(kind) && { id: "public", label: "Public key" },
    kind.multiRegion && { id: "regionality", label: "Regionality" },
    { id: "aliases", label: "Aliases" },
    isCustomer && { id: "grants", label: "Grants" },
    isCustomer && { id: "access", label: "Explain access" },
  ];
  return tabs.filter((tab) => tab !== false);
}
