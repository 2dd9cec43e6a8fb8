/** The external key of a key in an external key store, for one request. */

import type { OuterLayer } from "../../custody/custody.ts";
import type { Call, RunContext } from "../../pipeline/operation.ts";
import type { Key } from "../resources.ts";
import type { RequestMetadata, XksClient } from "./xks-client.ts";
import { corruptedInner, XksError } from "./xks-failures.ts";

/**
 * What encrypts around our encryption, through the proxy of the key's store.
 *
 * @throws Error the key is in no external key store: our bug
 */
export function outerLayerOf(key: Key, xks: XksClient, { call, store }: RunContext): OuterLayer {
  const { keyStore, row } = key;
  const xksKeyId = row.xks_key_id;
  if (keyStore === undefined || xksKeyId === null) throw new Error(`${key.arn} has no external key.`);
  const through = async <T>(ask: (metadata: RequestMetadata) => Promise<T>): Promise<T> => {
    try {
      return await ask({ ...(await sourceOf(key, { call, store })), ...principalOf(call), kmsKeyArn: key.arn });
    } catch (cause) {
      throw cause instanceof XksError ? cause.asUsing() : cause;
    }
  };
  return {
    encrypt: (plaintext, aad) => through((metadata) => xks.encrypt(keyStore, xksKeyId, { plaintext, aad, metadata })),
    decrypt: (outer, aad) => through((metadata) => xks.decrypt(keyStore, xksKeyId, { outer, aad, metadata })),
    corrupted: corruptedInner,
  };
}

/** Services that proxies know by another name than the signing name (XKS proxy API specification, kmsViaService). */
const SHORT_NAMES: Readonly<Record<string, string>> = { ec2: "ebs" };

/** Who asks for what, and through which service, if any. */
export function principalOf({ principal, operation, requestId, via }: Call) {
  const last = via?.at(-1);
  return {
    awsPrincipalArn: principal.arn,
    kmsOperation: operation,
    kmsRequestId: requestId,
    ...(last !== undefined && { kmsViaService: SHORT_NAMES[last] ?? last }),
  };
}

/** The VPC endpoint that a request of the key's own account came through (XKS proxy API specification, requestMetadata). */
async function sourceOf(key: Key, { call, store }: RunContext) {
  const { vpcEndpoint } = call.client;
  if (vpcEndpoint === undefined || call.principal.account !== key.account) return {};
  const endpoint = await store.settle((reader) => reader.find("vpcEndpoint", vpcEndpoint));
  return { ...(endpoint && { awsSourceVpc: endpoint.vpc_id }), awsSourceVpce: vpcEndpoint };
}
