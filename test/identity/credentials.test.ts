/** Access keys: which ones sign, for whom, and how new ones look. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findCredential, findPrincipal, newAccessKeyId, newSecretAccessKey } from "../../src/identity/credentials.ts";
import type { AccountRow, CredentialRow } from "../../src/storage/schema.ts";
import type { Reader } from "../../src/storage/store.ts";

const ACCOUNT = "111122223333";
const account: AccountRow = { id: ACCOUNT, name: "test", created_at: 0 };
const credential: CredentialRow = {
  access_key_id: "AKIAIOSFODNN7EXAMPLE",
  account: ACCOUNT,
  principal_arn: `arn:aws:iam::${ACCOUNT}:root`,
  user_id: null,
  secret: new Uint8Array(0),
  status: "Active",
  revision: "1",
  created_at: 0,
};

/** A reader over rows, which notes what it was asked. */
function readerOf(rows: readonly (readonly [name: string, row: unknown])[]): Reader & { readonly asked: string[] } {
  const byName = new Map(rows);
  const asked: string[] = [];
  const find = (kind: string, ...name: readonly string[]): unknown => {
    asked.push([kind, ...name].join("/"));
    return byName.get([kind, ...name].join("/"));
  };
  return { asked, find: find as Reader["find"] };
}

const keyName = `credential/${credential.access_key_id}`;
const accountName = `account/${ACCOUNT}`;

describe("an access key", () => {
  for (const { title, rows, found } of [
    {
      title: "signs when it is active and its account exists",
      rows: [
        [keyName, credential],
        [accountName, account],
      ],
      found: true,
    },
    { title: "does not sign when nobody has it", rows: [[accountName, account]], found: false },
    { title: "does not sign when its account is gone", rows: [[keyName, credential]], found: false },
    {
      title: "does not sign when it is inactive",
      rows: [
        [keyName, { ...credential, status: "Inactive" }],
        [accountName, account],
      ],
      found: false,
    },
    {
      title: "does not sign with a status that is not known",
      rows: [
        [keyName, { ...credential, status: "Expired" }],
        [accountName, account],
      ],
      found: false,
    },
  ] as const) {
    it(title, () => {
      assert.equal(findCredential(readerOf(rows), credential.access_key_id), found ? credential : undefined);
    });
  }

  it("of more than 128 characters is not even looked up", () => {
    const reader = readerOf([]);
    assert.equal(findCredential(reader, "A".repeat(129)), undefined);
    assert.deepEqual(reader.asked, []);
    findCredential(reader, "A".repeat(128));
    assert.deepEqual(reader.asked, [`credential/${"A".repeat(128)}`]);
  });
});

describe("the principal of an access key", () => {
  it("is the root user of its account in the partition of the call", () => {
    for (const partition of ["aws", "aws-cn", "aws-us-gov"]) {
      assert.deepEqual(findPrincipal(readerOf([]), credential, partition), {
        kind: "root",
        account: ACCOUNT,
        partition,
        arn: `arn:${partition}:iam::${ACCOUNT}:root`,
        accountArn: `arn:${partition}:iam::${ACCOUNT}:root`,
        uniqueId: ACCOUNT,
        accessKeyId: credential.access_key_id,
      });
    }
  });

  for (const principal_arn of [
    `arn:aws:iam::${ACCOUNT}:user/alice`,
    `arn:aws:iam::${ACCOUNT}:user/x:iam::${ACCOUNT}:root`,
    `arn:aws:sts::${ACCOUNT}:root`,
    "arn:aws:iam::444455556666:root",
    `arn:aws:iam:us-east-1:${ACCOUNT}:root`,
    ACCOUNT,
    "",
  ]) {
    it(`is nobody for '${principal_arn}'`, () => {
      assert.equal(findPrincipal(readerOf([]), { ...credential, principal_arn }, "aws"), undefined);
    });
  }
});

describe("a new access key", () => {
  it("has an id of AKIA and 16 characters of base32, another each time", () => {
    const ids = Array.from({ length: 200 }, newAccessKeyId);
    for (const id of ids) assert.match(id, /^AKIA[A-Z2-7]{16}$/);
    assert.equal(new Set(ids).size, 200);
    assert.equal(new Set(ids.join("")).size, 32);
  });

  it("has a secret of 40 characters of base64, as bytes of its own memory, another each time", () => {
    const secrets = Array.from({ length: 200 }, newSecretAccessKey);
    for (const secret of secrets) {
      assert.equal(secret.length, 40);
      assert.equal(secret.buffer.byteLength, 40);
      assert.ok(/^[A-Za-z0-9+/]{40}$/.test(String.fromCharCode(...secret)));
    }
    assert.equal(new Set(secrets.map((secret) => secret.toHex())).size, 200);
    assert.equal(new Set(secrets.flatMap((secret) => [...secret])).size, 64);
  });
});
