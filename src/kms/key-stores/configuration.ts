/** What a custom key store may be: its inputs, and what no two of them may share. */

import {
  CustomKeyStoreNameInUseException,
  LimitExceededException,
  ValidationException,
  XksProxyUriEndpointInUseException,
  XksProxyUriInUseException,
  XksProxyVpcEndpointServiceInUseException,
} from "../../base/errors.ts";
import type { Call } from "../../pipeline/operation.ts";
import type { KeyStoreRow } from "../../storage/key-store-schema.ts";
import { countKeyStores, findKeyStoreNamed, listKeyStoresAt } from "../../storage/key-stores.ts";
import type { Tx } from "../../storage/store.ts";
import { limitOf } from "../quotas/limits.ts";
import { keyStoresQuota } from "../quotas/resource-quotas.ts";
import type { Input } from "../shapes.ts";

/** Inputs of CreateCustomKeyStore that only stores of one type have. */
const ofType = {
  AWS_CLOUDHSM: ["CloudHsmClusterId", "KeyStorePassword", "TrustAnchorCertificate"],
  EXTERNAL_KEY_STORE: [
    "XksProxyAuthenticationCredential",
    "XksProxyConnectivity",
    "XksProxyUriEndpoint",
    "XksProxyUriPath",
    "XksProxyVpcEndpointServiceName",
    "XksProxyVpcEndpointServiceOwner",
  ],
} as const;

const required = {
  AWS_CLOUDHSM: ofType.AWS_CLOUDHSM,
  EXTERNAL_KEY_STORE: [
    "XksProxyAuthenticationCredential",
    "XksProxyConnectivity",
    "XksProxyUriEndpoint",
    "XksProxyUriPath",
  ],
} as const;

/** The type of a store that is to be made (API reference, CreateCustomKeyStore). */
export function typeOf({
  CustomKeyStoreType = "AWS_CLOUDHSM",
}: Pick<Input<"CreateCustomKeyStore">, "CustomKeyStoreType">) {
  return CustomKeyStoreType;
}

/** @throws ValidationException a member is missing, or one of the other type was given */
export function requireCreatableStore(input: Input<"CreateCustomKeyStore">): void {
  const type = typeOf(input);
  for (const member of required[type]) {
    if (input[member] === undefined) {
      throw new ValidationException(`${member} is required when CustomKeyStoreType is ${type}.`);
    }
  }
  const other = type === "AWS_CLOUDHSM" ? "EXTERNAL_KEY_STORE" : "AWS_CLOUDHSM";
  requireNone(input, ofType[other], type);
  if (type === "EXTERNAL_KEY_STORE") requireService(input);
}

/** @throws ValidationException a member of another type than the store's was given, or one that goes with none that is there */
export function requireUpdatable(input: Input<"UpdateCustomKeyStore">, { type }: KeyStoreRow): void {
  const other = type === "AWS_CLOUDHSM" ? "EXTERNAL_KEY_STORE" : "AWS_CLOUDHSM";
  requireNone(input, ofType[other], type);
}

function requireNone(input: object, members: readonly string[], type: string): void {
  const wrong = members.find((member) => member in input);
  if (wrong !== undefined)
    throw new ValidationException(`${wrong} can't be specified when CustomKeyStoreType is ${type}.`);
}

/** A VPC endpoint service is named where there is one, and nowhere else; an empty name is none (API reference, UpdateCustomKeyStore). */
export function requireService({
  XksProxyConnectivity,
  XksProxyVpcEndpointServiceName,
  XksProxyVpcEndpointServiceOwner,
}: Pick<
  Input<"UpdateCustomKeyStore">,
  "XksProxyConnectivity" | "XksProxyVpcEndpointServiceName" | "XksProxyVpcEndpointServiceOwner"
>): void {
  const isNamed = (XksProxyVpcEndpointServiceName ?? "") !== "";
  if (XksProxyConnectivity === "VPC_ENDPOINT_SERVICE" && !isNamed) {
    throw new ValidationException(
      "XksProxyVpcEndpointServiceName is required when XksProxyConnectivity is VPC_ENDPOINT_SERVICE.",
    );
  }
  if (XksProxyConnectivity === "PUBLIC_ENDPOINT" && (isNamed || XksProxyVpcEndpointServiceOwner !== undefined)) {
    throw new ValidationException(
      "XksProxyVpcEndpointServiceName can be specified only when XksProxyConnectivity is VPC_ENDPOINT_SERVICE.",
    );
  }
}

/** What a store is told apart by. */
export type Placed = Pick<
  KeyStoreRow,
  "account" | "connectivity" | "endpoint" | "id" | "name" | "path" | "region" | "vpc_service"
>;

/** @throws CustomKeyStoreNameInUseException another store of the account and Region has its name */
export async function requireOwnName(tx: Tx, store: Pick<Placed, "account" | "id" | "name" | "region">): Promise<void> {
  const named = await findKeyStoreNamed(tx.db, store, store.name);
  if (named === undefined || named.id === store.id) return;
  throw new CustomKeyStoreNameInUseException(`A custom key store named ${store.name} exists already.`);
}

/**
 * Requires that no other external store has what this one has to itself (KMS guide, Create an external key store). Endpoints are looked
 * at across accounts: a request must not reach through one account's VPC what another account has in public.
 *
 * @throws XksProxyUriInUseException, XksProxyUriEndpointInUseException, XksProxyVpcEndpointServiceInUseException
 */
export async function requireOwnProxy(tx: Tx, store: Placed): Promise<void> {
  const others = await listKeyStoresAt(tx.db, {
    region: store.region,
    endpoint: store.endpoint,
    vpcService: store.vpc_service,
  });
  for (const other of others) if (other.id !== store.id) requireApart(store, other);
}

function requireApart(store: Placed, other: KeyStoreRow): void {
  if (store.vpc_service !== null && other.vpc_service === store.vpc_service) {
    throw new XksProxyVpcEndpointServiceInUseException(
      `The VPC endpoint service ${store.vpc_service} is another external key store's.`,
    );
  }
  if (other.endpoint.toLowerCase() !== store.endpoint.toLowerCase()) return;
  if (other.path === store.path && other.account === store.account) {
    throw new XksProxyUriInUseException(
      `The proxy URI ${store.endpoint}${store.path} is another external key store's.`,
    );
  }
  const bothPublic = other.connectivity === "PUBLIC_ENDPOINT" && store.connectivity === "PUBLIC_ENDPOINT";
  if (!bothPublic) {
    throw new XksProxyUriEndpointInUseException(
      `The proxy URI endpoint ${store.endpoint} is another external key store's.`,
    );
  }
}

/**
 * Requires that a store that was just added is not one too many: of both types together, in every state (KMS guide, Quotas).
 *
 * @throws LimitExceededException the account has more custom key stores in the Region than it may
 */
export async function requireStoreCount(
  tx: Tx,
  owner: Pick<KeyStoreRow, "account" | "region">,
  call: Call,
): Promise<void> {
  const most = await tx.settle((reader) => limitOf(keyStoresQuota, owner, call, reader));
  if ((await countKeyStores(tx.db, owner)) <= most) return;
  throw new LimitExceededException(`The account has ${most} custom key stores in this Region, and may have no more.`);
}
