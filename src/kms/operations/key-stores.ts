/** Custom key stores: CreateCustomKeyStore, DescribeCustomKeyStores, UpdateCustomKeyStore, DeleteCustomKeyStore, and their connection. */

import type { CustomKeyStoresListEntry } from "@aws-sdk/client-kms";
import {
  CustomKeyStoreHasCMKsException,
  CustomKeyStoreInvalidStateException,
  UnsupportedOperationException,
  ValidationException,
} from "../../base/errors.ts";
import { ensureLinkedRole } from "../../iam/service-linked-roles.ts";
import type { ConnectionState, KeyStoreRow } from "../../storage/key-store-schema.ts";
import {
  deleteKeyStore,
  findKeyStoreNamed,
  hasKeys,
  insertKeyStore,
  listKeyStores,
  updateKeyStore,
} from "../../storage/key-stores.ts";
import { callerCondition } from "../conditions.ts";
import { requireActive } from "../key-stores/clusters.ts";
import {
  requireCreatableStore,
  requireOwnName,
  requireStoreCount,
  requireUpdatable,
  typeOf,
} from "../key-stores/configuration.ts";
import { moveStore } from "../key-stores/connection.ts";
import { type CreatedStore, kindOf } from "../key-stores/store-kinds.ts";
import { change, read } from "../operation.ts";
import { page, requireLimit } from "../pages.ts";
import { account, type KeyStore, keyStore, notFoundStore } from "../resources.ts";
import { CUSTOM_KEY_STORES_ROLE, linkedRole, linkedRoleCondition } from "../service-linked-roles.ts";
import type { Input } from "../shapes.ts";

/** What records have in place of what the model calls sensitive (CloudTrail user guide). */
const HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS";

const nothing = () => ({});

/** `additionalEventData` of operations on a store (spec 02). */
const nameOfStore = (_output: unknown, { keyStore: { row } }: { keyStore: KeyStore }) => ({
  CustomKeyStoreName: row.name,
  ...(row.cluster_id !== null && { ClusterId: row.cluster_id }),
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

const isOfCluster = (input: Input<"CreateCustomKeyStore">): boolean => typeOf(input) === "AWS_CLOUDHSM";

/**
 * Makes a custom key store, disconnected (API reference, CreateCustomKeyStore). An external one at a public endpoint is made only where
 * its proxy answers to the credential and is well; a VPC endpoint service is looked at, and its proxy asked when it is connected. One of
 * a cluster that must be as KMS needs it; whether its user can log in is found when it is connected.
 *
 * @throws ValidationException members are missing, or don't go together
 * @throws CloudHsmCluster…Exception, IncorrectTrustAnchorException the cluster is not as it must be (key-stores/cluster-stores.ts)
 * @throws LimitExceededException, CustomKeyStoreNameInUseException, XksProxy…InUseException key-stores/configuration.ts
 * @throws XksProxy…Exception the proxy, or the way to it, is not as it must be (key-stores/xks-failures.ts, places.ts)
 */
export const createCustomKeyStore = change("CreateCustomKeyStore", {
  targets: [
    { as: "account", action: "kms:CreateCustomKeyStore", resource: account },
    { as: "everyCluster", action: "cloudhsm:DescribeClusters", resource: account, when: isOfCluster },
    {
      as: "role",
      action: "iam:CreateServiceLinkedRole",
      resource: linkedRole(CUSTOM_KEY_STORES_ROLE),
      conditions: linkedRoleCondition(CUSTOM_KEY_STORES_ROLE),
      when: isOfCluster,
    },
  ],
  conditions: callerCondition,
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
  prepare: (input, context): Promise<CreatedStore> => kindOf(typeOf(input)).create(input, context),
  async run(_input, context) {
    const { tx, call, prepared } = context;
    const { row, isThere = false } = prepared;
    if (isThere) {
      const found = await tx.settle((reader) => reader.find("keyStore", row.region, row.id));
      if (found?.revision === row.revision) return { CustomKeyStoreId: row.id };
    }
    await requireOwnName(tx, row);
    await kindOf(row.type).requireFree(tx, row, context);
    await insertKeyStore(tx, row);
    await requireStoreCount(tx, row, call);
    if (row.type === "AWS_CLOUDHSM") {
      const { service } = CUSTOM_KEY_STORES_ROLE;
      await ensureLinkedRole(tx, { account: row.account, service, now: call.now });
    }
    return { CustomKeyStoreId: row.id };
  },
});

const describeSizes = { initial: 1000, max: 1000 };

/**
 * The custom key stores of the account and Region, or one of them (API reference, DescribeCustomKeyStores).
 *
 * @throws ValidationException both an id and a name were given
 * @throws CustomKeyStoreNotFoundException there is none of that id or name
 */
export const describeCustomKeyStores = read("DescribeCustomKeyStores", {
  targets: [{ as: "account", action: "kms:DescribeCustomKeyStores", resource: account }],
  conditions: callerCondition,
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
    ...kindOf(row.type).describe(row),
  };
}

/** What can be changed of every store while it is connected, too (API reference, UpdateCustomKeyStore). */
const CHANGEABLE_CONNECTED: readonly string[] = ["CustomKeyStoreId", "NewCustomKeyStoreName"];

/**
 * Changes what a store is. What is changed of a proxy is tried with a request for its health first, and another cluster must be related
 * to the one that it takes the place of; a password is taken as it is (API reference, UpdateCustomKeyStore).
 *
 * @throws CustomKeyStoreInvalidStateException the store has to be disconnected first
 * @throws ValidationException the connectivity is changed without an endpoint; what else CreateCustomKeyStore throws
 */
export const updateCustomKeyStore = change("UpdateCustomKeyStore", {
  targets: [{ as: "keyStore", action: "kms:UpdateCustomKeyStore", resource: keyStore("CustomKeyStoreId") }],
  conditions: callerCondition,
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
  async prepare(input, context): Promise<{ before: KeyStoreRow; after: KeyStoreRow }> {
    const { row } = context.keyStore;
    requireChangeable(input, row);
    return { before: row, after: await kindOf(row.type).change(input, row, context) };
  },
  async run(input, context) {
    const {
      tx,
      keyStore: { row },
      prepared: { before, after },
    } = context;
    requireChangeable(input, row);
    if (row.revision !== before.revision) throw invalidState("was changed at this moment: try again");
    await requireOwnName(tx, after);
    await kindOf(row.type).requireFree(tx, after, context);
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
  const kind = kindOf(row.type);
  kind.requireChange(input, row);
  const { connection_state: state } = row;
  const small = [...CHANGEABLE_CONNECTED, ...kind.changeableConnected];
  const isSmall = Object.keys(input).every((member) => small.includes(member));
  if (state === "DISCONNECTED" || (state === "CONNECTED" && isSmall)) return;
  throw invalidState(`is ${state}: it must be disconnected to be changed so`);
}

/**
 * Forgets a store. What is behind it stays as it is (API reference, DeleteCustomKeyStore).
 *
 * @throws CustomKeyStoreHasCMKsException a key is in it, in whatever state
 * @throws CustomKeyStoreInvalidStateException it is not disconnected
 */
export const deleteCustomKeyStore = change("DeleteCustomKeyStore", {
  targets: [{ as: "keyStore", action: "kms:DeleteCustomKeyStore", resource: keyStore("CustomKeyStoreId") }],
  conditions: callerCondition,
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
 * @throws CloudHsmClusterNotActiveException its cluster is there and not active, which is seen at once
 */
export const connectCustomKeyStore = change("ConnectCustomKeyStore", {
  targets: [{ as: "keyStore", action: "kms:ConnectCustomKeyStore", resource: keyStore("CustomKeyStoreId") }],
  conditions: callerCondition,
  record: { readOnly: false, request: ["CustomKeyStoreId"], resources: undefined, additional: nameOfStore },
  async run(_input, { tx, call, clusters, keyStore: { row } }) {
    requireConnection(row, ["DISCONNECTED", "CONNECTING", "CONNECTED"]);
    const cluster = row.cluster_id === null ? undefined : clusters.find(row, row.cluster_id);
    if (cluster !== undefined) requireActive(cluster);
    if (row.connection_state === "DISCONNECTED") await moveStore(tx, row, { to: "CONNECTING", call });
    return nothing();
  },
});

/**
 * Disconnects a store: from now on nothing is asked of its proxy or cluster, and its keys are unavailable (API reference, DisconnectCustomKeyStore).
 *
 * @throws CustomKeyStoreInvalidStateException it is disconnected, or on its way to be
 */
export const disconnectCustomKeyStore = change("DisconnectCustomKeyStore", {
  targets: [{ as: "keyStore", action: "kms:DisconnectCustomKeyStore", resource: keyStore("CustomKeyStoreId") }],
  conditions: callerCondition,
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
