/** The scenario of pricing and metering: what keys and requests of a month cost, and whom. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, describe, it } from "node:test";
import type { AccountBill, Bill } from "../../src/kms/metering/bill.ts";
import type { DevServer } from "../dev-server.ts";
import { runKeystead, TemporaryDirectory } from "../faults/processes.ts";
import { importInto, newExternalKey, randomMaterial } from "../key-material.ts";
import {
  ACCOUNT,
  allowing,
  assertRefused,
  bytes,
  managedKey,
  newKey,
  OTHER_ACCOUNT,
  policyOf,
  present,
  startWorld,
} from "../kms-client.ts";

const folder = new TemporaryDirectory();
after(() => folder[Symbol.dispose]());
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** The first moment of the month that is `count` after the one of a moment. */
const monthAfter = (time: Date, count = 1): number => Date.UTC(time.getUTCFullYear(), time.getUTCMonth() + count);
const nameOf = (time: number): string => new Date(time).toISOString().slice(0, 7);

/** AWS's price for 10,000 requests as that for ten, so that 250 requests are charged as 250,000 are, with or without what is free. */
function tariff(freeRequests: number): string {
  const path = folder.at(`tariff-${freeRequests}.yaml`);
  writeFileSync(path, `freeRequests: ${freeRequests}\nrequests: { requests: 30 }\n`);
  return path;
}

async function billOf({ endpoint }: DevServer, month: number, ...args: readonly string[]): Promise<Bill> {
  const { code, stdout, stderr } = await runKeystead([
    ...["meter", "--endpoint", endpoint, "--json", "--month", nameOf(month)],
    ...args,
  ]);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Bill;
}

async function accountBill(
  server: DevServer,
  { month, account = ACCOUNT }: { readonly month: number; readonly account?: string },
  ...args: readonly string[]
): Promise<AccountBill> {
  const { accounts } = await billOf(server, month, "--account", account, ...args);
  assert.deepEqual(
    accounts.map((bill) => bill.account),
    [account],
  );
  return present(accounts[0]);
}

const amountsOf = ({ lines }: AccountBill) =>
  Object.fromEntries(lines.map(({ item, quantity, amount }) => [item, [quantity, amount]]));

describe("the meter", () => {
  it("S08-030, S08-031: SC-21 charges three keys and 250 thousand requests $3.75, $3.69 with the free tier, and a set of three $3.00", async () => {
    await using world = await startWorld();
    const { kms, other, server } = world;
    const { clock, endpoint } = server;
    const month = monthAfter(await clock.now());
    const next = monthAfter(new Date(month));
    const hours = (next - month) / 3_600_000;
    await clock.set(new Date(month - 10 * MINUTE_MS));
    const policy = policyOf(allowing(ACCOUNT), allowing(OTHER_ACCOUNT, "kms:Encrypt"));
    const { KeyId, Arn } = await newKey(kms, { Policy: policy });
    const imported = await newExternalKey(kms);
    await importInto(kms, imported.KeyId, randomMaterial(32));
    const rsa = await newKey(kms, { KeySpec: "RSA_2048", KeyUsage: "SIGN_VERIFY" });
    const managed = await managedKey(kms, "ebs");
    const primary = await newKey(other, { MultiRegion: true });
    for (const ReplicaRegion of ["eu-west-1", "eu-central-1"]) {
      await other.replicateKey({ KeyId: primary.KeyId, ReplicaRegion });
    }

    await clock.set(new Date(month));
    for (let count = 0; count < 190; count += 1) await kms.encrypt({ KeyId, Plaintext: bytes(1) });
    for (let count = 0; count < 30; count += 1) await kms.encrypt({ KeyId: imported.KeyId, Plaintext: bytes(1) });
    for (let count = 0; count < 20; count += 1) await kms.describeKey({ KeyId: managed.KeyId });
    for (let count = 0; count < 10; count += 1) {
      await assertRefused(
        kms.generateMac({ KeyId, MacAlgorithm: "HMAC_SHA_256", Message: bytes(1) }),
        /InvalidKeyUsage/,
      );
      const dryRun = { KeyId, NumberOfBytes: 1, DryRun: true };
      await assertRefused(kms.generateDataKey(dryRun), "DryRunOperationException");
    }
    for (let count = 0; count < 5; count += 1) await other.encrypt({ KeyId: Arn, Plaintext: bytes(1) });

    await clock.set(new Date(next + MINUTE_MS));
    const withFree = await accountBill(server, { month }, "--tariff", tariff(20));
    assert.deepEqual(amountsOf(withFree), { keys: [3 * hours, "3.00"], requests: [250, "0.69"] });
    assert.equal(withFree.exact, "3.69");
    assert.equal((await accountBill(server, { month }, "--tariff", tariff(0))).exact, "3.75");
    const theirs = await accountBill(server, { month, account: OTHER_ACCOUNT });
    assert.deepEqual(amountsOf(theirs), { keys: [3 * hours, "3.00"], requests: [5, "0.00"] });
    const all = await billOf(server, month, "--tariff", tariff(20));
    assert.deepEqual([all.accounts.length, all.exact], [2, "6.69"]);
    const shown = await runKeystead(["meter", "--endpoint", endpoint, "--month", nameOf(month)]);
    assert.match(shown.stdout, /^ {2}Customer managed keys +\d+ hours +3\.00$/m);

    await kms.scheduleKeyDeletion({ KeyId: rsa.KeyId, PendingWindowInDays: 30 });
    await kms.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 7 });
    const waiting = await accountBill(server, { month: next });
    assert.equal(waiting.lines.find(({ item }) => item === "keys")?.quantity, 3, "the first hour of three keys");
    await clock.set(new Date(next + 10 * DAY_MS));
    await assertRefused(kms.describeKey({ KeyId }), "NotFoundException");
    await kms.cancelKeyDeletion({ KeyId: rsa.KeyId });
    await clock.set(new Date(monthAfter(new Date(next)) + MINUTE_MS));
    const nextHours = (monthAfter(new Date(next)) - next) / 3_600_000;
    const deleted = amountsOf(await accountBill(server, { month: next }));
    assert.deepEqual(deleted["keys"], [2 * nextHours + 1, "2.00"], "one is gone, one came back as if it had not gone");
    assert.equal(
      (await accountBill(server, { month }, "--tariff", tariff(20))).exact,
      "3.69",
      "what is gone was there",
    );
  });

  it("S08-031: SC-21 charges nothing for keys that are scheduled for deletion, two rotated versions, and each kind of request its price", async () => {
    await using world = await startWorld();
    const { kms, server } = world;
    const { clock } = server;
    const month = monthAfter(await clock.now());
    await clock.set(new Date(month - MINUTE_MS));
    const kept = await newKey(kms);
    await clock.set(new Date(month + MINUTE_MS));
    const { KeyId } = await newKey(kms);
    const rsa = await newKey(kms, { KeySpec: "RSA_2048", KeyUsage: "ENCRYPT_DECRYPT" });
    const curve = await newKey(kms, { KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" });
    const keys = [KeyId, rsa.KeyId, curve.KeyId];
    await kms.getPublicKey({ KeyId: rsa.KeyId });
    const oaep = "RSAES_OAEP_SHA_256";
    const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext: bytes(1) });
    const destination = { DestinationKeyId: rsa.KeyId, DestinationEncryptionAlgorithm: oaep } as const;
    await kms.reEncrypt({ CiphertextBlob, ...destination });
    const message = { Message: bytes(1), SigningAlgorithm: "ECDSA_SHA_256" } as const;
    await kms.sign({ KeyId: curve.KeyId, ...message });
    await kms.generateDataKeyPair({ KeyId, KeyPairSpec: "ECC_NIST_P384" });
    await kms.generateDataKeyPairWithoutPlaintext({ KeyId, KeyPairSpec: "RSA_2048" });
    for (let count = 0; count < 3; count += 1) await kms.rotateKeyOnDemand({ KeyId: kept.KeyId });
    await kms.rotateKeyOnDemand({ KeyId });
    for (const each of keys) await kms.scheduleKeyDeletion({ KeyId: each });
    const bill = await accountBill(server, { month });
    assert.deepEqual(bill.lines.map(({ item, quantity, free, exact }) => [item, quantity, free, exact]).slice(1), [
      ["requests", 11, 11, "0.00"],
      ["rsa2048", 2, 0, "0.000006"],
      ["asymmetric", 1, 0, "0.000015"],
      ["eccDataKeyPair", 1, 0, "0.00001"],
      ["rsaDataKeyPair", 1, 0, "0.0012"],
    ]);
    assert.deepEqual(amountsOf(bill)["keys"], [1, "0.00"], "of the one that stays the first hour");
    await clock.advance("PT5H");
    const { keys: later, rotatedVersions } = amountsOf(await accountBill(server, { month }));
    assert.deepEqual([later?.[0], rotatedVersions?.[0]], [6, 2 * 5], "that one's, and two of its three versions'");
  });
});
