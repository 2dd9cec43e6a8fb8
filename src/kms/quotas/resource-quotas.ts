/**
 * The resource quotas of KMS (KMS guide, Resource quotas; spec 07). Names and codes are those that public tools read from
 * Service Quotas; the policy size has none that is known.
 */

import type { Quota } from "../../pipeline/quotas.ts";
import { derivedCode } from "./codes.ts";

type ResourceQuota = Pick<Quota, "name" | "value" | "description"> & Partial<Quota>;

const quota = (declared: ResourceQuota): Quota => ({
  service: "kms",
  code: derivedCode(declared.name),
  kind: "resource",
  adjustable: true,
  listed: true,
  ...declared,
});

/** Customer managed keys in every state; AWS managed keys are not among them. */
export const keysQuota = quota({
  name: "Customer Master Keys (CMKs)",
  code: "L-C2F1777E",
  value: 100_000,
  description: "Customer managed KMS keys of every key spec and in every key state, each replica in its own Region.",
});

/** Of one key. A key with more is not to be reached by kms:ResourceAliases. */
export const aliasesQuota = quota({
  name: "Aliases per CMK",
  code: "L-340F62FB",
  value: 50,
  description: "Aliases of one customer managed KMS key.",
});

/** On one key; AWS managed keys have no limit. */
export const grantsQuota = quota({
  name: "Grants per CMK",
  code: "L-D594A657",
  value: 50_000,
  description: "Grants on one customer managed KMS key.",
});

/** In bytes. */
export const policyBytesQuota = quota({
  name: "Key policy document size",
  value: 32_768,
  adjustable: false,
  description: "Bytes of a key policy document.",
});

/** Of one key, ever. */
export const onDemandRotationsQuota = quota({
  name: "On-demand rotations per CMK",
  code: "L-0E66C9C0",
  value: 25,
  adjustable: false,
  description: "On-demand rotations of one customer managed KMS key.",
});

/** Of both kinds together, whatever their connection state. */
export const keyStoresQuota = quota({
  name: "Custom Key Stores",
  code: "L-F33DCFEB",
  value: 10,
  description: "CloudHSM key stores and external key stores together, in every connection state.",
});

export const resourceQuotas: readonly Quota[] = [
  keysQuota,
  aliasesQuota,
  grantsQuota,
  policyBytesQuota,
  onDemandRotationsQuota,
  keyStoresQuota,
];
