/** The last use of access keys, from request to row. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CredentialUsages } from "../../src/iam/credential-usage.ts";
import type { Call } from "../../src/pipeline/operation.ts";
import { findCredentialUsage } from "../../src/storage/credential-usage.ts";
import { deleteCredential, insertCredential } from "../../src/storage/credentials.ts";
import { openMemoryStore } from "../../src/storage/open.ts";
import type { SqliteStore } from "../../src/storage/sqlite-store.ts";
import { clock } from "../storage/stores.ts";

const ACCOUNT = "111122223333";
const ARN = `arn:aws:iam::${ACCOUNT}:root`;

function call(accessKeyId: string, now: number, service = "kms"): Call {
  return {
    requestId: "r",
    service,
    operation: "Encrypt",
    principal: {
      kind: "root",
      account: ACCOUNT,
      partition: "aws",
      arn: ARN,
      accountArn: ARN,
      uniqueId: ACCOUNT,
      accessKeyId,
    },
    partition: "aws",
    region: "eu-central-1",
    now,
    client: { address: "127.0.0.1", userAgent: undefined, host: "localhost" },
  };
}

async function storeWith(...accessKeyIds: readonly string[]): Promise<SqliteStore> {
  const store = await openMemoryStore({ kind: "dev", clock });
  await store.transaction(async (tx) => {
    for (const access_key_id of accessKeyIds) {
      await insertCredential(tx, {
        access_key_id,
        account: ACCOUNT,
        principal_arn: ARN,
        user_id: null,
        secret: new Uint8Array(1),
        status: "Active",
        revision: "1",
        created_at: 1,
      });
    }
  });
  return store;
}

const fail = (cause: unknown): never => {
  throw cause;
};

describe("the last use of an access key", () => {
  it("is known at once, written on a flush, and the latest whatever the order", async () => {
    await using store = await storeWith("AKIA1");
    const usages = new CredentialUsages({ store, onError: fail });
    usages.note(call("AKIA1", 2000));
    usages.note(call("AKIA1", 1000, "iam"));
    const expected = { access_key_id: "AKIA1", used_at: 2000, region: "eu-central-1", service: "kms" };
    assert.deepEqual(await usages.find("AKIA1"), expected);
    assert.equal(await findCredentialUsage(store.db, "AKIA1"), undefined);
    await usages.flush();
    assert.deepEqual(await findCredentialUsage(store.db, "AKIA1"), expected);
    usages.note(call("AKIA1", 1500, "sts"));
    await usages.close();
    assert.deepEqual(await findCredentialUsage(store.db, "AKIA1"), expected);
  });

  it("of one that is gone is not written, and goes with it", async () => {
    await using store = await storeWith("AKIA1");
    const usages = new CredentialUsages({ store, onError: fail });
    usages.note(call("AKIA1", 1));
    usages.note(call("AKIA2", 1));
    await usages.flush();
    assert.equal(await findCredentialUsage(store.db, "AKIA2"), undefined);
    await store.transaction((tx) => deleteCredential(tx, "AKIA1"));
    assert.equal(await findCredentialUsage(store.db, "AKIA1"), undefined);
    await usages.close();
  });

  it("that could not be written is told and tried again", async () => {
    const store = await storeWith("AKIA1");
    const errors: unknown[] = [];
    let broken = true;
    const usages = new CredentialUsages({
      store: new Proxy(store, {
        get(target, name) {
          if (name !== "transaction") return Reflect.get(target, name, target);
          return broken ? () => Promise.reject(new Error("full")) : target.transaction.bind(target);
        },
      }),
      onError: (cause) => errors.push(cause),
    });
    usages.note(call("AKIA1", 1));
    await usages.flush();
    assert.equal(errors.length, 1);
    assert.equal((await usages.find("AKIA1"))?.used_at, 1);
    broken = false;
    await usages.close();
    assert.equal((await findCredentialUsage(store.db, "AKIA1"))?.used_at, 1);
    await store.close();
  });
});
