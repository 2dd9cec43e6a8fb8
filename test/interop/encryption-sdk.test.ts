/** The AWS Encryption SDK for JavaScript, unchanged, with KMS keyrings: 10 MB in, 10 MB out, across Regions. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, describe, it } from "node:test";
import {
  AwsKmsMrkAwareSymmetricDiscoveryKeyringNode,
  AwsKmsMrkAwareSymmetricKeyringNode,
  buildAwsKmsMrkAwareStrictMultiKeyringNode,
  buildClient,
  CommitmentPolicy,
  getClient,
  KMS,
  KmsKeyringNode,
} from "@aws-crypto/client-node";
import { startHeld } from "../held-server.ts";
import { ACCOUNT, newKey } from "../kms-client.ts";
import { arnIn, HOME, newSet } from "../multi-region-keys.ts";

const server = await startHeld();
after(() => server.stop());
const WEST = "us-west-2";
const IRELAND = "eu-west-1";
const { encrypt, decrypt } = buildClient(CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT);
type Supplier = NonNullable<NonNullable<ConstructorParameters<typeof KmsKeyringNode>[0]>["clientProvider"]>;
/** The SDK's own supplier; its types lack an `undefined` that those of the client have. A failed call isn't tried again. */
const clientProvider: Supplier = getClient(KMS as never, { ...server.address, maxAttempts: 1 });

/** Bytes that don't repeat in short. */
const bytesOf = (length: number): Uint8Array =>
  new Uint8Array(length).map((_, index) => Math.imul(index, 0x9e37_79b1) >>> 24);
const LARGE = bytesOf(10_000_000);
const SMALL = bytesOf(10_000);
const context = { purpose: "interoperation", stage: "test" };

type Keyring = Parameters<typeof encrypt>[0];

async function encrypted(keyring: Keyring, plaintext: Uint8Array): Promise<Uint8Array> {
  return (await encrypt(keyring, plaintext, { encryptionContext: context })).result;
}

/** Asserts that a keyring opens a message as it was made, with the context that is authenticated. */
async function assertOpens(keyring: Keyring, message: Uint8Array, expected: Uint8Array): Promise<void> {
  const { plaintext, messageHeader } = await decrypt(keyring, message);
  const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
  assert.equal(digest(plaintext), digest(expected));
  const { "aws-crypto-public-key": key, ...rest } = messageHeader.encryptionContext;
  assert.ok(key); // the signing suite's own pair, which KMS authenticates with ours
  assert.deepEqual({ ...rest }, context);
}

describe("the AWS Encryption SDK for JavaScript", () => {
  it("round-trips 10 MB with a KMS keyring of a generator and two further keys, any of which opens the message", async () => {
    const [generator, second, ireland] = [
      await newKey(server.client(HOME)),
      await newKey(server.client(HOME)),
      await newKey(server.client(IRELAND)),
    ];
    const keyIds = [second.Arn, ireland.Arn];
    const message = await encrypted(
      new KmsKeyringNode({ clientProvider, generatorKeyId: generator.Arn, keyIds }),
      LARGE,
    );
    for (const keyId of [generator.Arn, ...keyIds]) {
      await assertOpens(new KmsKeyringNode({ clientProvider, keyIds: [keyId] }), message, LARGE);
    }
    const stranger = await newKey(server.client(HOME));
    await assert.rejects(decrypt(new KmsKeyringNode({ clientProvider, keyIds: [stranger.Arn] }), message));
  });

  it("encrypts 10 MB in one Region and decrypts them in another with multi-Region keyrings", async () => {
    const keyId = await newSet(server, [WEST, IRELAND]);
    const keyring = (region: string) => {
      const client = clientProvider(region);
      assert.ok(client);
      return new AwsKmsMrkAwareSymmetricKeyringNode({ keyId: arnIn(region, keyId), client });
    };
    const message = await encrypted(keyring(HOME), LARGE);
    await server.client(HOME).disableKey({ KeyId: keyId }); // the other Regions do without
    await assertOpens(keyring(WEST), message, LARGE);
    await assertOpens(keyring(IRELAND), message, LARGE);
    await assert.rejects(decrypt(keyring(HOME), message));
    await server.client(HOME).enableKey({ KeyId: keyId });
    await assertOpens(keyring(HOME), await encrypted(keyring(WEST), SMALL), SMALL);
  });

  it("does so with a strict multi-keyring, and by discovery in a Region of its choice", async () => {
    const keyId = await newSet(server, [WEST]);
    const other = await newSet(server, [WEST]);
    const generatorKeyId = arnIn(HOME, keyId);
    const keyIds = [arnIn(WEST, other)];
    const message = await encrypted(
      buildAwsKmsMrkAwareStrictMultiKeyringNode({ clientProvider, generatorKeyId, keyIds }),
      SMALL,
    );
    for (const arn of [arnIn(WEST, keyId), arnIn(HOME, other)]) {
      await assertOpens(
        buildAwsKmsMrkAwareStrictMultiKeyringNode({ clientProvider, generatorKeyId: arn }),
        message,
        SMALL,
      );
    }
    const client = clientProvider(WEST);
    assert.ok(client);
    const discoveryFilter = { accountIDs: [ACCOUNT], partition: "aws" };
    await assertOpens(new AwsKmsMrkAwareSymmetricDiscoveryKeyringNode({ client, discoveryFilter }), message, SMALL);
  });

  it("opens after a rotation what was made before it, in every Region", async () => {
    const keyId = await newSet(server, [WEST]);
    const keyring = (region: string) =>
      buildAwsKmsMrkAwareStrictMultiKeyringNode({ clientProvider, generatorKeyId: arnIn(region, keyId) });
    const before = await encrypted(keyring(WEST), SMALL);
    await server.client(HOME).rotateKeyOnDemand({ KeyId: keyId });
    const later = await encrypted(keyring(WEST), SMALL);
    for (const message of [before, later])
      for (const region of [HOME, WEST]) await assertOpens(keyring(region), message, SMALL);
  });
});
