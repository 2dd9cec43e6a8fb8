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
      const kmsViaService = call.via?.at(-1);
      return await ask({
        ...principalOf(call),
        ...(await sourceOf(key, { call, store })),
        kmsKeyArn: key.arn,
        ...(kmsViaService !== undefined && { kmsViaService }),
      });
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

/** Who asks for what. */
export function principalOf({ principal, operation, requestId }: Call) {
  return { awsPrincipalArn: principal.arn, kmsOperation: operation, kmsRequestId: requestId };
}

/** The VPC endpoint that a request of the key's own account came through (XKS proxy API specification, requestMetadata). */
async function sourceOf(key: Key, { call, store }: RunContext) {
  const { vpcEndpoint } = call.client;
  if (vpcEndpoint === undefined || call.principal.account !== key.account) return {};
  const endpoint = await store.settle((reader) => reader.find("vpcEndpoint", vpcEndpoint));
  return { ...(endpoint && { awsSourceVpc: endpoint.vpc_id }), awsSourceVpce: vpcEndpoint };
}
