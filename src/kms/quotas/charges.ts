/** What each request takes of the request quotas of KMS (KMS guide, Applying request quotas). */

import type { Call, Operation, Resource } from "../../pipeline/operation.ts";
import type { Charge } from "../../pipeline/throttle.ts";
import { Key } from "../resources.ts";
import {
  cryptographicOperations,
  cryptographicQuotas,
  keyStoreQuotas,
  operationQuotas,
  pairOperations,
  pairQuotas,
  stateChanges,
  stateChangesQuota,
} from "./request-quotas.ts";

type Charges = NonNullable<Operation["quota"]>;
type Members = Readonly<Record<string, unknown>>;

/** What an operation declares of its quotas. The caller's account is charged, whoever has the key. */
export function chargesOf(operation: string): { readonly quota: Charges } | undefined {
  const charges = findCharges(operation);
  return charges && { quota: charges };
}

function findCharges(operation: string): Charges | undefined {
  if (cryptographicOperations.has(operation)) return chargeKind;
  if (pairOperations.has(operation)) return chargePair;
  const quota = operationQuotas.get(operation);
  if (quota === undefined) return undefined;
  if (operation === "ReplicateKey") return chargeReplication;
  if (operation === "UpdatePrimaryRegion") return chargeBothRegions;
  if (!stateChanges.has(operation)) return (_input, call) => [{ quota, ...callerOf(call) }];
  return (input, call) => [{ quota, ...callerOf(call) }, chargeStateChange(input as Members, call)];
}

function callerOf({ principal, region }: Call): { readonly account: string; readonly region: string } {
  return { account: principal.account, region };
}

/** Two keys of different kinds (ReEncrypt) take one of each; of one kind, or of none that is known, one. */
function chargeKind(_input: unknown, call: Call, found: Readonly<Record<string, Resource>>): readonly Charge[] {
  const { account, region } = callerOf(call);
  const charges: Charge[] = [];
  for (const resource of Object.values(found)) {
    if (!(resource instanceof Key)) continue;
    const quota = cryptographicQuotas[kindOf(resource.row.spec)];
    if (charges[0]?.quota !== quota) charges.push({ quota, account, region });
  }
  if (charges.length === 0) charges.push({ quota: cryptographicQuotas.symmetric, account, region });
  return [...charges, ...chargesOfStores(Object.values(found))];
}

/** Custom key stores have a quota of their own, whoever uses their keys: each takes one of it for a request. */
function chargesOfStores(found: readonly Resource[]): readonly Charge[] {
  const stores = new Map<string, Charge>();
  for (const resource of found) {
    const store = resource instanceof Key ? resource.keyStore : undefined;
    if (store === undefined) continue;
    const { account, region, id: subject } = store;
    stores.set(subject, { quota: keyStoreQuotas[store.type], account, region, subject });
  }
  return [...stores.values()];
}

function kindOf(spec: string): keyof typeof cryptographicQuotas {
  if (spec.startsWith("RSA_")) return "RSA";
  if (spec.startsWith("ECC_")) return "ECC";
  if (spec.startsWith("ML_DSA_")) return "ML-DSA";
  if (spec.startsWith("ML_KEM_")) return "ML-KEM";
  return spec === "SM2" ? "SM" : "symmetric";
}

function chargePair(input: unknown, call: Call): readonly Charge[] {
  const quota = pairQuotas.get(String((input as Members)["KeyPairSpec"]));
  return quota === undefined ? [] : [{ quota, ...callerOf(call) }];
}

/** A replica counts as two keys made in its Region: one of them is AWS's own look at whether it could be (spec 07). */
function chargeReplication(input: unknown, call: Call): readonly Charge[] {
  const caller = callerOf(call);
  const region = String((input as Members)["ReplicaRegion"]);
  return [
    { quota: required("ReplicateKey"), ...caller },
    { quota: required("CreateKey"), ...caller, region, count: 2 },
  ];
}

function chargeBothRegions(input: unknown, call: Call): readonly Charge[] {
  const caller = callerOf(call);
  const quota = required("UpdatePrimaryRegion");
  return [
    { quota, ...caller },
    { quota, ...caller, region: String((input as Members)["PrimaryRegion"]) },
  ];
}

function required(operation: string) {
  const quota = operationQuotas.get(operation);
  if (quota === undefined) throw new Error(`${operation} has no quota.`);
  return quota;
}

/** A key is named by its id or its ARN, which ends in its id; strangers can't use up what an account has of a key. */
function chargeStateChange(input: Members, call: Call): Charge {
  const name = String(input["KeyId"]);
  const { account, region } = callerOf(call);
  return { quota: stateChangesQuota, account, region, subject: `${account}/${name.slice(name.lastIndexOf("/") + 1)}` };
}
