/** Custom key stores: CreateCustomKeyStore, DescribeCustomKeyStores, UpdateCustomKeyStore, DeleteCustomKeyStore, and their connection. */

import { randomUUID } from "node:crypto";
import type { CustomKeyStoresListEntry } from "@aws-sdk/client-kms";
import {
  CloudHsmClusterNotFoundException,
  CustomKeyStoreHasCMKsException,
  CustomKeyStoreInvalidStateException,
  UnsupportedOperationException,
  ValidationException,
} from "../../base/errors.ts";
import { newKeyStoreId } from "../../base/ids.ts";
import type { Custody } from "../../custody/custody.ts";
import type { Call } from "../../pipeline/operation.ts";
import type { ConnectionState, KeyStoreRow } from "../../storage/key-store-schema.ts";
import {
  deleteKeyStore,
  findKeyStoreNamed,
  hasKeys,
  insertKeyStore,
  listKeyStores,
  updateKeyStore,
} from "../../storage/key-stores.ts";
import {
  requireCreatableStore,
  requireService,
  requireStoreCount,
  requireUnique,
  requireUpdatable,
  typeOf,
} from "../key-stores/configuration.ts";
import { moveStore } from "../key-stores/connection.ts";
import { findServiceFault } from "../key-stores/places.ts";
import { secretOf, type XksClient } from "../key-stores/xks-client.ts";
import { XksError } from "../key-stores/xks-failures.ts";
import { change, read } from "../operation.ts";
import { page, requireLimit } from "../pages.ts";
import { account, type KeyStore, keyStore, notFoundStore } from "../resources.ts";
import type { Input } from "../shapes.ts";

/** What records have in place of what the model calls sensitive (CloudTrail user guide). */
const HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS";

const utf8 = new TextEncoder();
const nothing = () => ({});

/** `additionalEventData` of operations on a store (spec 02). */
const nameOfStore = (_output: unknown, { keyStore: { row } }: { keyStore: KeyStore }) => ({
  CustomKeyStoreName: row.name,
});

type Changed = Omit<Input<"UpdateCustomKeyStore">, "CustomKeyStoreId" | "NewCustomKeyStoreName">;

/** What records have of the members that describe a store: no password, no certificate, no secret. */
function recordedStore(input: Changed) {
  return {
    ClusterId: input.CloudHsmClusterId,
    XksProxyConnectivity: input.XksProxyConnectivity,
    XksProxyUriEndpoint: input.XksProxyUriEndpoint,
    XksProxyUriPath: input.XksProxyUriPath,
    XksProxyVpcEndpointServiceName: input.XksProxyVpcEndpointServiceName,
    XksProxyVpcEndpointServiceOwner: input.XksProxyVpcEndpointServiceOwner,
    XksProxyAuthenticationCredential: input.XksProxyAuthenticationCredential && HIDDEN,
  };
}

/**
 * Makes an external key store, disconnected (API reference, CreateCustomKeyStore). One at a public endpoint is made only where its
 * proxy answers to the credential and is well; a VPC endpoint service is looked at, and its proxy asked when it is connected.
 *
 * @throws ValidationException members are missing, or don't go together
 * @throws CloudHsmClusterNotFoundException a CloudHSM key store is asked for: no cluster is known here
 * @throws LimitExceededException, CustomKeyStoreNameInUseException, XksProxy…InUseException key-stores/configuration.ts
 * @throws XksProxy…Exception the proxy, or the way to it, is not as it must be (key-stores/xks-failures.ts, places.ts)
 */
export const createCustomKeyStore = change("CreateCustomKeyStore", {
  targets: [{ as: "account", action: "kms:CreateCustomKeyStore", resource: account }],
  record: {
    readOnly: false,
    request: (input) => ({
      CustomKeyStoreName: input.CustomKeyStoreName,
      CustomKeyStoreType: input.CustomKeyStoreType,
      ...recordedStore(input),
    }),
    response: ({ CustomKeyStoreId }) => ({ CustomKeyStoreId }),
    resources: undefined,
  },
  validate(input, { partition }) {
    requireCreatableStore(input);
    if (partition === "aws-cn") {
      throw new UnsupportedOperationException("Custom key stores are not supported in China Regions.");
    }
  },
  async prepare(input, { call, custody, xks }): Promise<KeyStoreRow> {
    if (typeOf(input) === "AWS_CLOUDHSM") {
      throw new CloudHsmClusterNotFoundException(`The cluster ${input.CloudHsmClusterId} was not found.`);
    }
    const row = await sealed(newRow(input, call), input.XksProxyAuthenticationCredential, custody);
    requireNoFault(row, xks);
    if (row.connectivity === "PUBLIC_ENDPOINT") await requireHealth(row, call, xks);
    return row;
  },
  async run(_input, { tx, call, prepared: row }) {
    await requireUnique(tx, row);
    await insertKeyStore(tx, row);
    await requireStoreCount(tx, row, call);
    return { CustomKeyStoreId: row.id };
  },
});

function newRow(input: Input<"CreateCustomKeyStore">, { principal, partition, region, now }: Call): KeyStoreRow {
  return {
    region,
    id: newKeyStoreId(),
    account: principal.account,
    partition,
    name: input.CustomKeyStoreName,
    type: "EXTERNAL_KEY_STORE",
    connection_state: "DISCONNECTED",
    connection_error: null,
    connection_request: null,
    revision: randomUUID(),
    secret: new Uint8Array(0),
    secret_at: now,
    created_at: now,
    connectivity: input.XksProxyConnectivity ?? "PUBLIC_ENDPOINT",
    endpoint: input.XksProxyUriEndpoint ?? "",
    path: input.XksProxyUriPath ?? "",
    access_key_id: input.XksProxyAuthenticationCredential?.AccessKeyId ?? "",
    vpc_service: input.XksProxyVpcEndpointServiceName || null,
    vpc_owner: input.XksProxyVpcEndpointServiceOwner ?? null,
  };
}

/** A row with the secret of a credential that was given. */
async function sealed(
  row: KeyStoreRow,
  credential: Changed["XksProxyAuthenticationCredential"],
  custody: Custody,
): Promise<KeyStoreRow> {
  if (credential === undefined) return row;
  const named = { ...row, access_key_id: credential.AccessKeyId ?? "" };
  const raw = utf8.encode(credential.RawSecretAccessKey ?? "");
  try {
    return { ...named, secret: await custody.sealKeyStoreSecret(secretOf(named), raw) };
  } finally {
    raw.fill(0);
  }
}

function requireNoFault(row: KeyStoreRow, { settings }: XksClient): void {
  const fault = findServiceFault(row, settings);
  if (fault !== undefined) throw fault.error;
}

async function requireHealth(row: KeyStoreRow, { operation, requestId }: Call, xks: XksClient): Promise<void> {
  try {
    await xks.health(row, { kmsOperation: operation, kmsRequestId: requestId });
  } catch (cause) {
    throw cause instanceof XksError ? cause.asManaging() : cause;
  }
}

const describeSizes = { initial: 1000, max: 1000 };

/**
 * The custom key stores of the account and Region, or one of them (API reference, DescribeCustomKeyStores).
 *
 * @throws ValidationException both an id and a name were given
 * @throws CustomKeyStoreNotFoundException there is none of that id or name
 */
export const describeCustomKeyStores = read("DescribeCustomKeyStores", {
  targets: [{ as: "account", action: "kms:DescribeCustomKeyStores", resource: account }],
  record: { readOnly: true, request: ["CustomKeyStoreId", "CustomKeyStoreName", "Limit"], resources: undefined },
  validate(input) {
    requireLimit(input, describeSizes);
    if (input.CustomKeyStoreId !== undefined && input.CustomKeyStoreName !== undefined) {
      throw new ValidationException("CustomKeyStoreId and CustomKeyStoreName can't be specified together.");
    }
  },
  async run({ CustomKeyStoreId: id, CustomKeyStoreName: name, ...input }, context) {
    const { region, principal } = context.call;
    const owner = { region, account: principal.account };
    if (id !== undefined || name !== undefined) {
      const found =
        name === undefined
          ? await context.store.settle((reader) => reader.find("keyStore", region, id ?? ""))
          : await findKeyStoreNamed(context.store.db, owner, name);
      if (found?.account !== owner.account) throw notFoundStore(name ?? id ?? "");
      return { CustomKeyStores: [entryOf(found)], Truncated: false };
    }
    const { items, ...rest } = await page(input, context, {
      sizes: describeSizes,
      list: (after, count) => listKeyStores(context.store.db, owner, { after, count }),
      nameOf: (row) => row.id,
    });
    return { CustomKeyStores: items.map(entryOf), ...rest };
  },
});

function entryOf(row: KeyStoreRow): CustomKeyStoresListEntry {
  return {
    CustomKeyStoreId: row.id,
    CustomKeyStoreName: row.name,
    ConnectionState: row.connection_state,
    ...(row.connection_state === "FAILED" &&
      row.connection_error !== null && {
        ConnectionErrorCode: row.connection_error as NonNullable<CustomKeyStoresListEntry["ConnectionErrorCode"]>,
      }),
    CreationDate: new Date(row.created_at),
    CustomKeyStoreType: row.type,
    XksProxyConfiguration: {
      Connectivity: row.connectivity,
      AccessKeyId: row.access_key_id,
      UriEndpoint: row.endpoint,
      UriPath: row.path,
      ...(row.vpc_service !== null && {
        VpcEndpointServiceName: row.vpc_service,
        VpcEndpointServiceOwner: row.vpc_owner ?? row.account,
      }),
    },
  };
}

/** What can be changed while the store is connected, too (API reference, UpdateCustomKeyStore). */
const CHANGEABLE_CONNECTED: readonly string[] = [
  "CustomKeyStoreId",
  "NewCustomKeyStoreName",
  "XksProxyAuthenticationCredential",
  "XksProxyUriPath",
];

/**
 * Changes what a store is. What is changed of the proxy is tried with a request for its health first (API reference, UpdateCustomKeyStore).
 *
 * @throws CustomKeyStoreInvalidStateException the store has to be disconnected first
 * @throws ValidationException the connectivity is changed without an endpoint; what else CreateCustomKeyStore throws
 */
export const updateCustomKeyStore = change("UpdateCustomKeyStore", {
  targets: [{ as: "keyStore", action: "kms:UpdateCustomKeyStore", resource: keyStore("CustomKeyStoreId") }],
  record: {
    readOnly: false,
    request: (input) => ({
      CustomKeyStoreId: input.CustomKeyStoreId,
      NewCustomKeyStoreName: input.NewCustomKeyStoreName,
      ...recordedStore(input),
    }),
    resources: undefined,
    additional: nameOfStore,
  },
  async prepare(
    input,
    { call, custody, xks, keyStore: { row } },
  ): Promise<{ before: KeyStoreRow; after: KeyStoreRow }> {
    requireChangeable(input, row);
    const after = await sealed(changedRow(input, row, call), input.XksProxyAuthenticationCredential, custody);
    if (after.revision !== row.revision) {
      requireNoFault(after, xks);
      await requireHealth(after, call, xks);
    }
    return { before: row, after };
  },
  async run(input, { tx, keyStore: { row }, prepared: { before, after } }) {
    requireChangeable(input, row);
    if (row.revision !== before.revision) throw invalidState("was changed at this moment: try again");
    await requireUnique(tx, after);
    const {
      region,
      id,
      account: _account,
      type: _type,
      connection_state,
      connection_error,
      connection_request,
      ...columns
    } = after;
    await updateKeyStore(tx, { region, id }, columns);
    return nothing();
  },
});

function requireChangeable(input: Input<"UpdateCustomKeyStore">, row: KeyStoreRow): void {
  requireUpdatable(input, row);
  const connectivity = input.XksProxyConnectivity;
  if (connectivity !== undefined && connectivity !== row.connectivity && input.XksProxyUriEndpoint === undefined) {
    throw new ValidationException("XksProxyUriEndpoint is required when XksProxyConnectivity is changed.");
  }
  const { connection_state: state } = row;
  const isSmall = Object.keys(input).every((member) => CHANGEABLE_CONNECTED.includes(member));
  if (state === "DISCONNECTED" || (state === "CONNECTED" && isSmall)) return;
  throw invalidState(`is ${state}: it must be disconnected to be changed so`);
}

/** What the store is to be. It has another revision where its proxy is to be reached otherwise. */
function changedRow(input: Input<"UpdateCustomKeyStore">, row: KeyStoreRow, { now }: Call): KeyStoreRow {
  const { CustomKeyStoreId: _id, NewCustomKeyStoreName: name = row.name, ...changed } = input;
  if (Object.keys(changed).length === 0) return { ...row, name };
  const connectivity = changed.XksProxyConnectivity ?? row.connectivity;
  const isPublic = connectivity === "PUBLIC_ENDPOINT";
  const service = changed.XksProxyVpcEndpointServiceName ?? row.vpc_service ?? "";
  if (isPublic || service === "") requireService({ ...changed, XksProxyConnectivity: connectivity });
  return {
    ...row,
    name,
    revision: randomUUID(),
    connectivity,
    endpoint: changed.XksProxyUriEndpoint ?? row.endpoint,
    path: changed.XksProxyUriPath ?? row.path,
    vpc_service: isPublic ? null : service,
    vpc_owner: isPublic ? null : (changed.XksProxyVpcEndpointServiceOwner ?? row.vpc_owner),
    ...(changed.XksProxyAuthenticationCredential && { secret_at: now }),
  };
}

/**
 * Forgets a store. What is behind it stays as it is (API reference, DeleteCustomKeyStore).
 *
 * @throws CustomKeyStoreHasCMKsException a key is in it, in whatever state
 * @throws CustomKeyStoreInvalidStateException it is not disconnected
 */
export const deleteCustomKeyStore = change("DeleteCustomKeyStore", {
  targets: [{ as: "keyStore", action: "kms:DeleteCustomKeyStore", resource: keyStore("CustomKeyStoreId") }],
  record: { readOnly: false, request: ["CustomKeyStoreId"], resources: undefined, additional: nameOfStore },
  async run(_input, { tx, keyStore: { row } }) {
    requireConnection(row, ["DISCONNECTED"]);
    if (await hasKeys(tx.db, row)) {
      throw new CustomKeyStoreHasCMKsException("KMS keys are in the custom key store: they must be deleted first.");
    }
    await deleteKeyStore(tx, row);
    return nothing();
  },
});

/**
 * Begins to connect a store; whether it comes to that is told by DescribeCustomKeyStores. Does nothing to one that is connected, or
 * on its way to be (API reference, ConnectCustomKeyStore).
 *
 * @throws CustomKeyStoreInvalidStateException it is being disconnected, or failed to connect and has to be disconnected first
 */
export const connectCustomKeyStore = change("ConnectCustomKeyStore", {
  targets: [{ as: "keyStore", action: "kms:ConnectCustomKeyStore", resource: keyStore("CustomKeyStoreId") }],
  record: { readOnly: false, request: ["CustomKeyStoreId"], resources: undefined, additional: nameOfStore },
  async run(_input, { tx, call, keyStore: { row } }) {
    requireConnection(row, ["DISCONNECTED", "CONNECTING", "CONNECTED"]);
    if (row.connection_state === "DISCONNECTED") await moveStore(tx, row, { to: "CONNECTING", call });
    return nothing();
  },
});

/**
 * Disconnects a store: from now on nothing is asked of its proxy, and its keys are unavailable (API reference, DisconnectCustomKeyStore).
 *
 * @throws CustomKeyStoreInvalidStateException it is disconnected, or on its way to be
 */
export const disconnectCustomKeyStore = change("DisconnectCustomKeyStore", {
  targets: [{ as: "keyStore", action: "kms:DisconnectCustomKeyStore", resource: keyStore("CustomKeyStoreId") }],
  record: { readOnly: false, request: ["CustomKeyStoreId"], resources: undefined, additional: nameOfStore },
  async run(_input, { tx, call, keyStore: { row } }) {
    requireConnection(row, ["CONNECTED", "CONNECTING", "FAILED"]);
    await moveStore(tx, row, { to: "DISCONNECTING", call });
    return nothing();
  },
});

function requireConnection({ connection_state: state }: KeyStoreRow, states: readonly ConnectionState[]): void {
  if (!states.includes(state)) throw invalidState(`is ${state}`);
}

function invalidState(what: string): CustomKeyStoreInvalidStateException {
  return new CustomKeyStoreInvalidStateException(`The custom key store ${what}.`);
}
