/** Keys in external key stores: made, used through their proxy, unavailable without it, counted (spec 02, 06, 07). */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { EC2 } from "@aws-sdk/client-ec2";
import { IAM } from "@aws-sdk/client-iam";
import { KMS } from "@aws-sdk/client-kms";
import { SSM } from "@aws-sdk/client-ssm";
import { integrityOf } from "../../src/kms/key-stores/xks-answers.ts";
import {
  ACCOUNT,
  allowing,
  assertRefused,
  bytes,
  describedKey,
  newKey,
  OTHER_ACCOUNT,
  policyOf,
  present,
  REGION,
  requestIdOf,
} from "../kms-client.ts";
import { type Disturbance, newExternalKey, type ProxyAnswer } from "../xks-proxy.ts";
import { startKeyStoreWorld } from "./key-store-world.ts";

const QUOTAS = `
quotas:
  - region: eu-west-1
    values:
      Cryptographic operations (symmetric) request rate: { requests: 6, seconds: 3600 }
      External key store request quota: { requests: 4, seconds: 3600 }
      PutKeyPolicy request rate: { requests: 2, seconds: 3600 }
`;
const HOUR_MS = 3_600_000;

const world = await startKeyStoreWorld({ quotas: QUOTAS });
after(() => world[Symbol.asyncDispose]());
const { kms, proxy, held, meter } = world;
const store = await world.newConnected(kms, { name: "main" });
const second = await world.newConnected(kms, { name: "second", host: "second.example.net" });

let made = 0;
const newExternal = (CustomKeyStoreId = store): Promise<string> => {
  made += 1;
  return world.newKey(kms, CustomKeyStoreId, `key-${made}`);
};

async function disturbed<T>(disturb: Disturbance, body: () => Promise<T>): Promise<T> {
  proxy.disturb = disturb;
  try {
    return await body();
  } finally {
    proxy.disturb = undefined;
  }
}

const refusing =
  (status: number, errorName: string): Disturbance =>
  () => ({ status, body: { errorName, errorMessage: "what only the proxy's owner may read" } });

const Plaintext = bytes(32);
const EncryptionContext = { tenant: "orchard" };

const DENIED =
  "The external key store proxy denied access to the operation. Verify that the user and the external key are both authorized for this operation, and try the request again.";
const UNINTERPRETABLE =
  "AWS KMS cannot interpret the response from the external key store proxy. If you see this error repeatedly, consult your external key store proxy administrator.";
const NOT_FOUND = "The external key store proxy rejected the request because it could not find the external key.";

describe("CreateKey in an external key store", () => {
  it("S06b-018, S06b-021, S06a-032: asks once what the external key is, and shows its id and nothing else of it", async () => {
    proxy.keys.set("fine", newExternalKey());
    proxy.requests.length = 0;
    const answer = await kms.createKey({ Origin: "EXTERNAL_KEY_STORE", CustomKeyStoreId: store, XksKeyId: "fine" });
    const { AWSAccountId, Arn, CreationDate, KeyId, ...rest } = present(answer.KeyMetadata);
    assert.deepEqual(rest, {
      CustomerMasterKeySpec: "SYMMETRIC_DEFAULT",
      CustomKeyStoreId: store,
      Description: "",
      Enabled: true,
      EncryptionAlgorithms: ["SYMMETRIC_DEFAULT"],
      KeyManager: "CUSTOMER",
      KeySpec: "SYMMETRIC_DEFAULT",
      KeyState: "Enabled",
      KeyUsage: "ENCRYPT_DECRYPT",
      MultiRegion: false,
      Origin: "EXTERNAL_KEY_STORE",
      XksKeyConfiguration: { Id: "fine" },
    });
    assert.deepEqual([AWSAccountId, CreationDate instanceof Date, Arn?.endsWith(String(KeyId))], [ACCOUNT, true, true]);
    const [asked, ...more] = proxy.requests.splice(0);
    assert.deepEqual(more, []);
    assert.equal(asked?.api, "/keys/fine/metadata");
    assert.deepEqual(asked?.body, {
      requestMetadata: {
        awsPrincipalArn: `arn:aws:iam::${ACCOUNT}:root`,
        kmsOperation: "CreateKey",
        kmsRequestId: requestIdOf(answer),
      },
    });
    const record = await held.records.of(requestIdOf(answer));
    assert.deepEqual(
      [
        record.requestParameters?.["customKeyStoreId"],
        record.requestParameters?.["xksKeyId"],
        record.requestParameters?.["origin"],
      ],
      [store, "fine", "EXTERNAL_KEY_STORE"],
    );
    const { keyMetadata } = present(record.responseElements ?? undefined) as { keyMetadata: Record<string, unknown> };
    assert.deepEqual(keyMetadata["xksKeyConfiguration"], { id: "fine" });
  });

  for (const { title, key, message } of [
    {
      title: "of another kind",
      key: { keySpec: "AES_128" },
      message: "The key spec of the external key must be AES_256. The key spec of specified external key is AES_128.",
    },
    {
      title: "that is disabled",
      key: { keyStatus: "DISABLED" },
      message: "The status of the external key must be ENABLED. The status of specified external key is DISABLED.",
    },
    {
      title: "that can't decrypt",
      key: { keyUsage: ["ENCRYPT", "SIGN"] },
      message:
        "The key usage of the external key must include ENCRYPT and DECRYPT. The key use of specified external key is ENCRYPT, SIGN.",
    },
  ]) {
    it(`S06b-018, S06a-032: refuses an external key ${title}`, async () => {
      proxy.keys.set("unfit", newExternalKey(key));
      await assertRefused(world.newKey(kms, store, "unfit"), "XksKeyInvalidConfigurationException", message);
    });
  }

  it("S06b-019: takes each external key once in a store, and in every store", async () => {
    await world.newKey(kms, store, "twice");
    await assertRefused(world.newKey(kms, store, "twice"), "XksKeyAlreadyInUseException");
    await world.newKey(kms, second, "twice");
  });

  const base = { Origin: "EXTERNAL_KEY_STORE", CustomKeyStoreId: store, XksKeyId: "fine-2" } as const;
  for (const { title, input, error } of [
    {
      title: "an HMAC key",
      input: { ...base, KeySpec: "HMAC_256", KeyUsage: "GENERATE_VERIFY_MAC" },
      error: "UnsupportedOperationException",
    },
    {
      title: "an RSA key",
      input: { ...base, KeySpec: "RSA_2048", KeyUsage: "ENCRYPT_DECRYPT" },
      error: "UnsupportedOperationException",
    },
    { title: "a multi-Region key", input: { ...base, MultiRegion: true }, error: "UnsupportedOperationException" },
    { title: "no external key", input: { Origin: base.Origin, CustomKeyStoreId: store }, error: "ValidationException" },
    { title: "no key store", input: { Origin: base.Origin, XksKeyId: "fine-2" }, error: "ValidationException" },
    { title: "an external key of an origin of our own", input: { XksKeyId: "fine-2" }, error: "ValidationException" },
    {
      title: "a key store of imported material",
      input: { Origin: "EXTERNAL", CustomKeyStoreId: store },
      error: "ValidationException",
    },
    { title: "an external key by two dots", input: { ...base, XksKeyId: ".." }, error: "ValidationException" },
    {
      title: "a key store that is not there",
      input: { ...base, CustomKeyStoreId: "cks-00000000000000000" },
      error: "CustomKeyStoreNotFoundException",
    },
  ] as const) {
    it(`S06b-020, S06a-021: refuses ${title}`, async () => {
      await assertRefused(kms.createKey(input), error);
    });
  }

  const failing: readonly { title: string; disturb: Disturbance; error: string; message?: string }[] = [
    {
      title: "does not find it",
      disturb: refusing(404, "KeyNotFoundException"),
      error: "XksKeyNotFoundException",
      message: NOT_FOUND,
    },
    {
      title: "denies access",
      disturb: refusing(403, "AccessDeniedException"),
      error: "CustomKeyStoreInvalidStateException",
      message: DENIED,
    },
    {
      title: "does not know us",
      disturb: refusing(401, "AuthenticationFailedException"),
      error: "CustomKeyStoreInvalidStateException",
    },
    {
      title: "has it blocked",
      disturb: refusing(400, "InvalidStateException"),
      error: "XksKeyInvalidConfigurationException",
    },
    {
      title: "can't do that",
      disturb: refusing(501, "UnsupportedOperationException"),
      error: "UnsupportedOperationException",
    },
    {
      title: "answers nonsense",
      disturb: () => ({ status: 200, body: { keySpec: 5 } }),
      error: "CustomKeyStoreInvalidStateException",
      message: UNINTERPRETABLE,
    },
  ];
  for (const { title, disturb, error, message } of failing) {
    it(`S06b-018: makes no key whose proxy ${title}`, async () => {
      await disturbed(disturb, () => assertRefused(world.newKey(kms, store, "failing"), error, message));
    });
  }
});

describe("a key in an external key store", () => {
  it("S06b-023, S06a-033: is used with double encryption, of which the proxy sees no plaintext", async () => {
    const KeyId = await newExternal();
    proxy.requests.length = 0;
    const small = new TextEncoder().encode("Attack at dawn, and once more at dusk");
    const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext: small, EncryptionContext });
    const opened = await kms.decrypt({ CiphertextBlob, EncryptionContext });
    assert.deepEqual(opened.Plaintext, small);
    assert.equal(opened.KeyMaterialId, undefined);
    const [encrypt, decrypt] = proxy.requests.splice(0);
    const seen = Buffer.from(String(encrypt?.body["plaintext"]), "base64");
    assert.ok(!seen.includes(small.slice(0, 8)) && seen.length === small.length + 44);
    const text = JSON.stringify([encrypt, decrypt]);
    assert.ok(!text.includes(Buffer.from(small).toString("base64").slice(0, 12)) && !text.includes("orchard"));
    assert.equal(encrypt?.body["encryptionAlgorithm"], "AES_GCM");
    assert.equal(encrypt?.body["ciphertextDataIntegrityValueAlgorithm"], "SHA_256");
    assert.equal(decrypt?.body["ciphertextMetadata"], Buffer.from("ver=7").toString("base64"));
    const largest = bytes(4_096);
    const large = await kms.encrypt({ KeyId, Plaintext: largest });
    assert.deepEqual((await kms.decrypt({ CiphertextBlob: large.CiphertextBlob })).Plaintext, largest);
  });

  it("S06b-031: takes initialization vectors of 16 bytes, and proxies that want nothing back", async () => {
    const KeyId = await newExternal();
    [proxy.ivBytes, proxy.metadata] = [16, new Uint8Array(0)];
    const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext });
    [proxy.ivBytes, proxy.metadata] = [12, new TextEncoder().encode("ver=7")];
    proxy.requests.length = 0;
    assert.deepEqual((await kms.decrypt({ CiphertextBlob })).Plaintext, Plaintext);
    assert.ok(!("ciphertextMetadata" in present(proxy.requests[0]).body));
  });

  it("S06b-023, S06a-028: does not open what another key has encrypted, though both have one external key", async () => {
    const left = await world.newKey(kms, store, "common");
    const right = await world.newKey(kms, second, "common");
    const { CiphertextBlob } = await kms.encrypt({ KeyId: left, Plaintext });
    await assertRefused(kms.decrypt({ KeyId: right, CiphertextBlob }), "IncorrectKeyException");
    const blob = new Uint8Array(present(CiphertextBlob));
    blob.set(Buffer.from(right.replaceAll("-", ""), "hex"), 3);
    await assertRefused(kms.decrypt({ CiphertextBlob: blob }), "InvalidCiphertextException");
  });

  it("S06a-033: makes data keys, whose encrypted copies need both keys", async () => {
    const KeyId = await newExternal();
    const {
      CiphertextBlob,
      Plaintext: dataKey,
      KeyMaterialId,
    } = await kms.generateDataKey({ KeyId, KeySpec: "AES_256" });
    assert.deepEqual((await kms.decrypt({ CiphertextBlob })).Plaintext, dataKey);
    assert.equal(KeyMaterialId, undefined);
    const without = await kms.generateDataKeyWithoutPlaintext({ KeyId, NumberOfBytes: 48 });
    assert.equal((await kms.decrypt({ CiphertextBlob: without.CiphertextBlob })).Plaintext?.length, 48);
    const kept = present(proxy.keys.get(`key-${made}`));
    proxy.keys.set(`key-${made}`, newExternalKey());
    await assertRefused(kms.decrypt({ CiphertextBlob }), "KMSInvalidStateException");
    proxy.keys.set(`key-${made}`, kept);
    assert.deepEqual((await kms.decrypt({ CiphertextBlob })).Plaintext, dataKey);
  });

  it("S06b-024: ReEncrypt asks the proxy of each key once, in its name", async () => {
    const [source, destination] = [await newExternal(), await newExternal(second)];
    const { CiphertextBlob } = await kms.encrypt({ KeyId: source, Plaintext });
    proxy.requests.length = 0;
    const moved = await kms.reEncrypt({ CiphertextBlob, DestinationKeyId: destination });
    const asked = proxy.requests
      .splice(0)
      .map(({ api, metadata }) => [
        api.split("/").at(-1),
        metadata["kmsOperation"],
        metadata["kmsKeyArn"]?.split("/")[1],
      ]);
    assert.deepEqual(asked, [
      ["decrypt", "ReEncrypt", source],
      ["encrypt", "ReEncrypt", destination],
    ]);
    assert.deepEqual((await kms.decrypt({ CiphertextBlob: moved.CiphertextBlob })).Plaintext, Plaintext);
    const { additionalEventData } = await held.records.of(requestIdOf(moved));
    assert.deepEqual(
      [additionalEventData?.["sourceCustomKeyStoreId"], additionalEventData?.["destinationCustomKeyStoreId"]],
      [store, second],
    );
    const own = await newKey(kms);
    const home = await kms.reEncrypt({ CiphertextBlob: moved.CiphertextBlob, DestinationKeyId: own.KeyId });
    assert.deepEqual((await kms.decrypt({ CiphertextBlob: home.CiphertextBlob })).Plaintext, Plaintext);
  });

  it("S06b-033, S02-014, S02-016, S06a-034: tells the proxy who asks for what, and its record which external key was used", async () => {
    const KeyId = await newExternal();
    proxy.requests.length = 0;
    const answer = await kms.encrypt({ KeyId, Plaintext });
    assert.deepEqual(proxy.requests.splice(0)[0]?.metadata, {
      awsPrincipalArn: `arn:aws:iam::${ACCOUNT}:root`,
      kmsKeyArn: `arn:aws:kms:${REGION}:${ACCOUNT}:key/${KeyId}`,
      kmsOperation: "Encrypt",
      kmsRequestId: requestIdOf(answer),
    });
    const keyOfRecord = { customKeyStoreId: store, xksKeyId: `key-${made}` };
    assert.deepEqual((await held.records.of(requestIdOf(answer))).additionalEventData, keyOfRecord);
    const refused = await disturbed(refusing(403, "AccessDeniedException"), () =>
      assertRefused(kms.encrypt({ KeyId, Plaintext }), "KMSInvalidStateException", DENIED),
    );
    const record = await held.records.of(refused.requestId);
    assert.deepEqual(record.additionalEventData, keyOfRecord);
    assert.deepEqual([record.errorCode, record.errorMessage], ["KMSInvalidStateException", DENIED]);
  });

  it("has nothing told of it in the record of a stranger's refusal", async () => {
    const KeyId = await newExternal();
    const stranger = world.client(OTHER_ACCOUNT);
    const Arn = `arn:aws:kms:${REGION}:${ACCOUNT}:key/${KeyId}`;
    const refused = await assertRefused(stranger.encrypt({ KeyId: Arn, Plaintext }), "AccessDeniedException");
    assert.equal((await held.records.of(refused.requestId)).additionalEventData, undefined);
  });

  it("S06b-032: tells the proxy which VPC endpoint a request of its own account came through", async () => {
    const KeyId = await newExternal();
    const Policy = policyOf(allowing(ACCOUNT), allowing(OTHER_ACCOUNT));
    await kms.putKeyPolicy({ KeyId, Policy });
    const { Arn } = await describedKey(kms, KeyId);
    for (const account of [ACCOUNT, OTHER_ACCOUNT]) {
      const credentials = world.credentialsOf(account);
      const ec2 = new EC2({ endpoint: held.address.endpoint, credentials, region: REGION, maxAttempts: 1 });
      const { VpcEndpoint } = await ec2.createVpcEndpoint({
        VpcId: "vpc-0123456789abcdef0",
        ServiceName: `com.amazonaws.${REGION}.kms`,
        VpcEndpointType: "Interface",
      });
      const client = world.client(account);
      client.middlewareStack.add(
        (next) => (args) => {
          const { headers } = args.request as { headers: Record<string, string> };
          headers["host"] = present(VpcEndpoint?.DnsEntries?.[0]?.DnsName);
          return next(args);
        },
        { step: "build", priority: "low", name: "host" },
      );
      proxy.requests.length = 0;
      await client.encrypt({ KeyId: Arn, Plaintext });
      const { awsSourceVpc, awsSourceVpce } = present(proxy.requests[0]).metadata;
      const isOwn = account === ACCOUNT;
      assert.equal(awsSourceVpc, isOwn ? "vpc-0123456789abcdef0" : undefined);
      assert.equal(awsSourceVpce, isOwn ? VpcEndpoint?.VpcEndpointId : undefined);
      ec2.destroy();
    }
  });

  it("S06b-032: tells the proxy which service a request came through, in the name of its caller", async () => {
    const KeyId = await newExternal();
    const ssm = new SSM({ ...held.address, region: REGION, maxAttempts: 1 });
    proxy.requests.length = 0;
    await ssm.putParameter({ Name: "/external", Type: "SecureString", KeyId, Value: "a secret of a service" });
    const { Parameter } = await ssm.getParameter({ Name: "/external", WithDecryption: true });
    assert.equal(Parameter?.Value, "a secret of a service");
    ssm.destroy();
    const told = proxy.requests
      .splice(0)
      .map(({ metadata }) => [metadata["kmsViaService"], metadata["awsPrincipalArn"]]);
    assert.ok(told.length >= 2);
    for (const one of told) assert.deepEqual(one, ["ssm", `arn:aws:iam::${ACCOUNT}:root`]);
    await kms.encrypt({ KeyId, Plaintext });
    assert.ok(!("kmsViaService" in present(proxy.requests[0]).metadata));
  });

  it("S07-008, S06b-022, S06a-021: refuses what custom key stores don't have", async () => {
    const KeyId = await newExternal();
    const before = proxy.seen;
    for (const call of [
      () => kms.generateDataKeyPair({ KeyId, KeyPairSpec: "ECC_NIST_P256" }),
      () => kms.generateDataKeyPairWithoutPlaintext({ KeyId, KeyPairSpec: "ECC_NIST_P256" }),
      () => kms.enableKeyRotation({ KeyId }),
      () => kms.disableKeyRotation({ KeyId }),
      () => kms.rotateKeyOnDemand({ KeyId }),
      () => kms.getParametersForImport({ KeyId, WrappingAlgorithm: "RSAES_OAEP_SHA_256", WrappingKeySpec: "RSA_2048" }),
      () => kms.deleteImportedKeyMaterial({ KeyId }),
      () => kms.replicateKey({ KeyId, ReplicaRegion: "eu-west-1" }),
      () => kms.generateRandom({ NumberOfBytes: 8, CustomKeyStoreId: store }),
    ]) {
      await assertRefused(call(), "UnsupportedOperationException");
    }
    const absent = kms.generateRandom({ NumberOfBytes: 8, CustomKeyStoreId: "cks-00000000000000000" });
    await assertRefused(absent, "CustomKeyStoreNotFoundException");
    assert.equal(proxy.seen, before);
  });

  it("S06b-026, S06b-015, S06b-016, S02-047, S02-048, S06a-024: is unavailable without its store, and as it was with it", async () => {
    const away = await world.newConnected(kms, { name: "away", host: "away.example.net" });
    const [enabled, disabled, pending, switched] = [
      await newExternal(away),
      await newExternal(away),
      await newExternal(away),
      await newExternal(away),
    ];
    const { CiphertextBlob } = await kms.encrypt({ KeyId: enabled, Plaintext });
    await kms.disableKey({ KeyId: disabled });
    await assertRefused(kms.encrypt({ KeyId: disabled, Plaintext }), "DisabledException");
    await kms.scheduleKeyDeletion({ KeyId: pending });
    await kms.disconnectCustomKeyStore({ CustomKeyStoreId: away });
    const before = proxy.seen;
    await held.advance(HOUR_MS);
    const states = async () =>
      Promise.all(
        [enabled, disabled, pending, switched].map(async (KeyId) => (await describedKey(kms, KeyId)).KeyState),
      );
    assert.deepEqual(await states(), ["Unavailable", "Unavailable", "PendingDeletion", "Unavailable"]);
    assert.equal((await describedKey(kms, enabled)).Enabled, false);
    const Arn = `arn:aws:kms:${REGION}:${ACCOUNT}:key/${enabled}`;
    await assertRefused(
      kms.encrypt({ KeyId: enabled, Plaintext }),
      "KMSInvalidStateException",
      `${Arn} is unavailable.`,
    );
    await assertRefused(kms.decrypt({ CiphertextBlob }), "KMSInvalidStateException", `${Arn} is unavailable.`);
    await assertRefused(world.newKey(kms, away, "new"), "CustomKeyStoreInvalidStateException");
    await kms.disableKey({ KeyId: switched });
    assert.deepEqual(await states(), ["Unavailable", "Unavailable", "PendingDeletion", "Unavailable"]);
    await kms.cancelKeyDeletion({ KeyId: pending });
    assert.equal(proxy.seen, before, "nothing reaches the proxy of a disconnected store");
    await world.connect(kms, away);
    assert.deepEqual(await states(), ["Enabled", "Disabled", "Disabled", "Disabled"]);
    assert.deepEqual((await kms.decrypt({ CiphertextBlob })).Plaintext, Plaintext);
  });

  it("S06a-025: can be scheduled for deletion without its store", async () => {
    const away = await world.newConnected(kms, { name: "away-2", host: "away-2.example.net" });
    const KeyId = await newExternal(away);
    await world.disconnect(kms, away);
    await kms.scheduleKeyDeletion({ KeyId });
    assert.equal((await describedKey(kms, KeyId)).KeyState, "PendingDeletion");
    await kms.cancelKeyDeletion({ KeyId });
    assert.equal((await describedKey(kms, KeyId)).KeyState, "Unavailable");
  });

  it("S06b-027, S02-049: keeps its state when its external key is gone", async () => {
    const KeyId = await newExternal();
    const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext });
    proxy.keys.delete(`key-${made}`);
    for (const call of [() => kms.encrypt({ KeyId, Plaintext }), () => kms.decrypt({ CiphertextBlob })]) {
      await assertRefused(call(), "KMSInvalidStateException", NOT_FOUND);
    }
    assert.equal((await describedKey(kms, KeyId)).KeyState, "Enabled");
    const records = held.records.all().filter(({ errorMessage }) => errorMessage === NOT_FOUND);
    assert.ok(records.length > 0);
  });

  it("S06b-025: an altered outer layer is the proxy's to refuse, an altered inner one ours", async () => {
    const KeyId = await newExternal();
    const answer = await kms.encrypt({ KeyId, Plaintext, EncryptionContext });
    const CiphertextBlob = present(answer.CiphertextBlob);
    const outer =
      "The external key store proxy rejected the request because the specified ciphertext or additional authenticated data is corrupted, missing, or otherwise invalid.";
    for (const call of [
      () => kms.decrypt({ CiphertextBlob }),
      () =>
        kms.decrypt({ CiphertextBlob: CiphertextBlob.with(-1, (CiphertextBlob.at(-1) ?? 0) ^ 1), EncryptionContext }),
      () => kms.decrypt({ CiphertextBlob: CiphertextBlob.with(55, (CiphertextBlob[55] ?? 0) ^ 1), EncryptionContext }),
    ]) {
      await assertRefused(call(), "KMSInvalidStateException", outer);
    }
    const inner =
      "The ciphertext that the external key store proxy submitted for decryption, or the encryption context, is corrupted, missing, or otherwise invalid.";
    const alter: Disturbance = (_request, honest) => {
      const { plaintext } = honest().body as { plaintext: string };
      const altered = Buffer.from(plaintext, "base64");
      altered[50] = (altered[50] ?? 0) ^ 1;
      return { status: 200, body: { plaintext: altered.toString("base64") } };
    };
    await disturbed(alter, () =>
      assertRefused(kms.decrypt({ CiphertextBlob, EncryptionContext }), "KMSInvalidStateException", inner),
    );
    for (const broken of [CiphertextBlob.slice(0, 110), CiphertextBlob.with(51, 13), CiphertextBlob.with(80, 21)]) {
      await assertRefused(kms.decrypt({ CiphertextBlob: broken, EncryptionContext }), "InvalidCiphertextException");
    }
  });

  const change =
    (alter: (body: Record<string, string>) => Record<string, unknown>): Disturbance =>
    (_request, honest): ProxyAnswer => ({ status: 200, body: alter(honest().body as Record<string, string>) });
  const base64 = (length: number): string => Buffer.alloc(length, 1).toString("base64");
  for (const [title, disturb] of [
    ["metadata of 21 bytes", change((body) => ({ ...body, ciphertextMetadata: base64(21) }))],
    ["an initialization vector of 15 bytes", change((body) => ({ ...body, initializationVector: base64(15) }))],
    ["a short tag", change((body) => ({ ...body, authenticationTag: base64(15) }))],
    ["a ciphertext of another length", change((body) => ({ ...body, ciphertext: base64(7) }))],
    ["another integrity value", change((body) => ({ ...body, ciphertextDataIntegrityValue: base64(32) }))],
    ["no integrity value", change(({ ciphertextDataIntegrityValue: _cdiv, ...body }) => body)],
    ["Base64 of URLs", change((body) => ({ ...body, authenticationTag: "_-_-_-_-_-_-_-_-_-_-_A==" }))],
    ["no JSON", () => ({ status: 200, body: "{" })],
    ["a status of its own", () => ({ status: 418, body: { errorName: "KeyNotFoundException" } })],
  ] as const satisfies readonly (readonly [string, Disturbance])[]) {
    it(`S06b-031: does not take an answer with ${title}`, async () => {
      const KeyId = await newExternal();
      await disturbed(disturb, () =>
        assertRefused(kms.encrypt({ KeyId, Plaintext }), "KMSInvalidStateException", UNINTERPRETABLE),
      );
    });
  }

  it("S06b-034: nothing that the proxy says in its own words reaches anybody", () => {
    assert.ok(!JSON.stringify(held.records.all()).includes("what only the proxy's owner may read"));
  });
});

describe("the integrity value of a ciphertext", () => {
  const parts = {
    iv: Buffer.from("a0a1a2a3a4a5a6a7a8a9aaab", "hex"),
    ciphertext: Buffer.from("kWodXWWmZ5NCVrXzZQO0uwOMNnay3CcVvGpH8h6FWyA=", "base64"),
  };
  for (const { aad, metadata, tag, value } of [
    {
      aad: "dGVuYW50PW9yY2hhcmQ7cHVycG9zZT1pbnZvaWNlcw==",
      metadata: "dmVyPTc=",
      tag: "LqY1LxRn9zm1AN0c6q0K9A==",
      value: "e1CmB89zlfWn2FHtU/sCJx7Gk1Pg8l/+FiTMuLxa1ws=",
    },
    { aad: "", metadata: "", tag: "pQLky98cr2On5qToIP6mPQ==", value: "EqXnjwrFHPEgoUGNct/D/SbOoX1rCjvxYZYEShB9CN0=" },
  ]) {
    it(`S06b-031: is that of the vector ${aad === "" ? "without" : "with"} additional data`, () => {
      const given = { ...parts, metadata: Buffer.from(metadata, "base64"), tag: Buffer.from(tag, "base64") };
      assert.equal(integrityOf(given, Buffer.from(aad, "base64")).toBase64(), value);
    });
  }
});

describe("a policy that asks for the origin of keys", () => {
  it("S06a-035: lets external keys be made and used, and no others", async () => {
    const iam = new IAM({ ...held.address, region: REGION, maxAttempts: 1 });
    await iam.createUser({ UserName: "outsider" });
    const { AccessKey } = await iam.createAccessKey({ UserName: "outsider" });
    const PolicyDocument = policyOf({
      Effect: "Allow",
      Action: ["kms:CreateKey", "kms:Encrypt"],
      Resource: "*",
      Condition: { StringEquals: { "kms:KeyOrigin": "EXTERNAL_KEY_STORE" } },
    });
    await iam.putUserPolicy({ UserName: "outsider", PolicyName: "external", PolicyDocument });
    const credentials = {
      accessKeyId: present(AccessKey?.AccessKeyId),
      secretAccessKey: present(AccessKey?.SecretAccessKey),
    };
    const outsider = new KMS({ endpoint: held.address.endpoint, region: REGION, credentials, maxAttempts: 1 });
    const KeyId = await world.newKey(outsider, store, "outside");
    await outsider.encrypt({ KeyId, Plaintext });
    await assertRefused(outsider.createKey({}), "AccessDeniedException");
    const own = await newKey(kms);
    await assertRefused(outsider.encrypt({ KeyId: own.KeyId, Plaintext }), "AccessDeniedException");
    outsider.destroy();
    iam.destroy();
  });
});

describe("the request quota of an external key store", () => {
  it("S07-029, S06b-028, S02-027: counts the uses of its keys by all accounts, beside the quota of each", async () => {
    const [mine, theirs] = [world.client(ACCOUNT, "eu-west-1"), world.client(OTHER_ACCOUNT, "eu-west-1")];
    const [left, right] = [
      await world.newConnected(mine, { name: "left", host: "left.example.net" }),
      await world.newConnected(mine, { name: "right", host: "right.example.net" }),
    ];
    const KeyId = await world.newKey(mine, left, "counted");
    const elsewhere = await world.newKey(mine, right, "elsewhere");
    const Arn = present((await mine.describeKey({ KeyId })).KeyMetadata?.Arn);
    const policy = policyOf(allowing(ACCOUNT), allowing(OTHER_ACCOUNT));
    await mine.putKeyPolicy({ KeyId, Policy: policy });
    await mine.putKeyPolicy({ KeyId, Policy: policy });
    await assertRefused(mine.putKeyPolicy({ KeyId, Policy: policy }), "ThrottlingException");
    await held.advance(HOUR_MS);
    await mine.encrypt({ KeyId, Plaintext });
    await mine.encrypt({ KeyId, Plaintext });
    await theirs.encrypt({ KeyId: Arn, Plaintext });
    await theirs.encrypt({ KeyId: Arn, Plaintext });
    const before = proxy.seen;
    meter.throttles.length = 0;
    await assertRefused(mine.encrypt({ KeyId, Plaintext }), "ThrottlingException");
    await assertRefused(theirs.generateDataKey({ KeyId: Arn, KeySpec: "AES_256" }), "ThrottlingException");
    assert.equal(proxy.seen, before);
    assert.deepEqual(meter.throttles, [`${left} Encrypt`, `${left} GenerateDataKey`]);
    for (let n = 0; n < 4; n += 1) await mine.encrypt({ KeyId: elsewhere, Plaintext });
    const own = await newKey(mine);
    await assertRefused(mine.encrypt({ KeyId: own.KeyId, Plaintext }), "ThrottlingException");
    assert.equal(meter.throttles.length, 2, "the account's own quota is none of the store's");
    await mine.putKeyPolicy({ KeyId, Policy: policy });
    await held.advance(HOUR_MS);
    await mine.encrypt({ KeyId, Plaintext });
  });
});
