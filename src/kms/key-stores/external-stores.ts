/** External key stores as CreateCustomKeyStore and UpdateCustomKeyStore make them: tried before they are taken. */

import { randomUUID } from "node:crypto";
import type { CustomKeyStoresListEntry } from "@aws-sdk/client-kms";
import { ValidationException } from "../../base/errors.ts";
import { newKeyStoreId } from "../../base/ids.ts";
import type { Custody } from "../../custody/custody.ts";
import type { Call } from "../../pipeline/operation.ts";
import type { KeyStoreRow } from "../../storage/key-store-schema.ts";
import type { Input } from "../shapes.ts";
import { requireOwnProxy, requireService } from "./configuration.ts";
import { findServiceFault } from "./places.ts";
import type { StoreKind } from "./store-kinds.ts";
import { secretOf, type XksClient } from "./xks-client.ts";
import { XksError } from "./xks-failures.ts";

const utf8 = new TextEncoder();

type Credential = Input<"UpdateCustomKeyStore">["XksProxyAuthenticationCredential"];

/** Stores whose keys are used through a proxy. */
export const externalStores: StoreKind = {
  changeableConnected: ["XksProxyAuthenticationCredential", "XksProxyUriPath"],

  /** A proxy at a public endpoint must answer to the credential and be well; a VPC endpoint service is looked at. */
  async create(input, { call, custody, xks }) {
    const row = await sealed(newRow(input, call), input.XksProxyAuthenticationCredential, custody);
    requireNoFault(row, xks);
    if (row.connectivity === "PUBLIC_ENDPOINT") await requireHealth(row, call, xks);
    return { row };
  },

  requireChange({ XksProxyConnectivity: connectivity, XksProxyUriEndpoint }, row) {
    if (connectivity === undefined || connectivity === row.connectivity || XksProxyUriEndpoint !== undefined) return;
    throw new ValidationException("XksProxyUriEndpoint is required when XksProxyConnectivity is changed.");
  },

  /** What is changed of the proxy is tried with a request for its health. */
  async change(input, row, { call, custody, xks }) {
    const after = await sealed(changedRow(input, row, call), input.XksProxyAuthenticationCredential, custody);
    if (after.revision === row.revision) return after;
    requireNoFault(after, xks);
    await requireHealth(after, call, xks);
    return after;
  },

  requireFree: requireOwnProxy,

  describe: (row): Partial<CustomKeyStoresListEntry> => ({
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
  }),
};

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
    cluster_id: null,
    trust_anchor: null,
  };
}

/** A row with the secret of a credential that was given. */
async function sealed(row: KeyStoreRow, credential: Credential, custody: Custody): Promise<KeyStoreRow> {
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
