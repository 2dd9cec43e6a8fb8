/** Entries for tests of the audit room. */

import type { RootPrincipal } from "../../src/identity/principal.ts";
import type { Call, Entry, InternalEntry } from "../../src/pipeline/operation.ts";

export const ACCOUNT = "210987654321";
export const OTHER_ACCOUNT = "444455556666";
export const KEY_ID = "77aa0000-0000-4000-8000-000000000077";
export const KEY_ARN = `arn:aws:kms:eu-west-1:${ACCOUNT}:key/${KEY_ID}`;
export const KEY = { arn: KEY_ARN, account: ACCOUNT };
export const REQUEST_ID = "11111111-2222-4333-8444-555555555555";

const principal: RootPrincipal = {
  kind: "root",
  account: ACCOUNT,
  partition: "aws",
  arn: `arn:aws:iam::${ACCOUNT}:root`,
  accountArn: "arn:aws:iam::111122223333:root",
  uniqueId: ACCOUNT,
  accessKeyId: "AKIAQQEXAMPLEQQ",
};

export const call: Call = {
  requestId: REQUEST_ID,
  service: "kms",
  operation: "DisableKey",
  principal,
  partition: "aws",
  region: "eu-west-1",
  now: Date.UTC(2031, 1, 3, 4, 5, 6, 789),
  client: { address: "198.51.100.7", userAgent: "sdk/9", host: "kms.example:4599" },
};

export const disableKey: Entry = {
  call,
  readOnly: false,
  request: { KeyId: KEY_ID },
  response: { KeyId: KEY_ARN },
  resources: [KEY],
};

export const encrypt: Entry = {
  call: { ...call, operation: "Encrypt" },
  readOnly: true,
  request: {
    KeyId: KEY_ARN,
    EncryptionAlgorithm: "SYMMETRIC_DEFAULT",
    EncryptionContext: Object.assign(Object.create(null), { Purpose: "test", "aws:s3:arn": "arn:aws:s3:::b/o" }),
  },
  response: null,
  resources: [KEY],
  additional: { KeyMaterialId: "ab".repeat(32) },
};

export const deleteKey: InternalEntry = {
  service: "kms",
  event: "DeleteKey",
  account: ACCOUNT,
  region: "eu-west-1",
  now: Date.UTC(2031, 2, 5, 0, 0, 9),
  response: { KeyId: KEY_ARN },
  resources: [KEY],
};

/** DisableKey by a request with this id, so that records can be told apart. */
export function numbered(requestId: string): Entry {
  return { ...disableKey, call: { ...call, requestId } };
}
