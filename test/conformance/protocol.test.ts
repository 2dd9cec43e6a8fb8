/** The wire of spec 08: headers and members that are ignored, empty bodies, request ids, and what no answer holds. */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, describe, it } from "node:test";
import kmsJson from "../../src/wire/models/kms.json" with { type: "json" };
import {
  ABSENT_KEY_ID,
  ACCOUNT,
  allowing,
  membersOf,
  newKey,
  policyOf,
  refusalOf,
  requestIdOf,
  startWorld,
} from "../kms-client.ts";

const world = await startWorld();
after(() => world.stop());
const { kms } = world;

describe("a request", () => {
  it("S08-002: with amz-sdk headers and unknown members succeeds as it would without them", async () => {
    const headers = {
      "amz-sdk-invocation-id": "5bd0b3a2-7a6c-4a0e-8d8e-0d6d8a4f3c11",
      "amz-sdk-request": "attempt=3; max=3",
    };
    const input = {
      Description: "with more",
      Descriptions: "no",
      Nested: { Deep: [1, null] },
      "": 0,
      __proto__x: true,
    };
    const { status, json } = await world.raw("CreateKey", input, headers);
    assert.equal(status, 200);
    const { KeyId, Description } = json["KeyMetadata"] as Record<string, unknown>;
    assert.equal(Description, "with more");
    const described = await world.raw("DescribeKey", { KeyId, Unknown: "member" }, headers);
    assert.deepEqual(described.json, json);
    // Spec 08: the guide's ListGrants sample sends such a member, and the list comes unfiltered.
    const listed = await world.raw("ListAliases", { Grantee: "nobody", AliasName: "alias/none" }, headers);
    assert.equal(listed.status, 200);
    assert.ok((listed.json["Aliases"] as unknown[]).length > 0);
  });
});

const { KeyId } = await newKey(kms);

/** What an operation without a result is called with: a key, another one, and an alias of the first. */
interface Fixture {
  readonly KeyId: string;
  readonly other: string;
  readonly AliasName: string;
}

async function newFixture(): Promise<Fixture> {
  const [{ KeyId }, { KeyId: other }] = [await newKey(kms), await newKey(kms)];
  const AliasName = `alias/wire-${randomUUID()}`;
  await kms.createAlias({ AliasName, TargetKeyId: KeyId });
  return { KeyId, other, AliasName };
}

const Policy = policyOf(allowing(ACCOUNT));
const Tags = [{ TagKey: "a", TagValue: "b" }];
/** What to send for a fixture, and the same through the SDK. */
function calling<I>(inputOf: (fixture: Fixture) => I, call: (input: I) => Promise<object>) {
  return { inputOf, viaSdk: (fixture: Fixture): Promise<object> => call(inputOf(fixture)) };
}

const WITHOUT_RESULT = {
  EnableKey: calling(
    ({ KeyId }) => ({ KeyId }),
    (input) => kms.enableKey(input),
  ),
  DisableKey: calling(
    ({ KeyId }) => ({ KeyId }),
    (input) => kms.disableKey(input),
  ),
  CreateAlias: calling(
    ({ KeyId, AliasName }) => ({ AliasName: `${AliasName}-2`, TargetKeyId: KeyId }),
    (input) => kms.createAlias(input),
  ),
  UpdateAlias: calling(
    ({ other, AliasName }) => ({ AliasName, TargetKeyId: other }),
    (input) => kms.updateAlias(input),
  ),
  DeleteAlias: calling(
    ({ AliasName }) => ({ AliasName }),
    (input) => kms.deleteAlias(input),
  ),
  PutKeyPolicy: calling(
    ({ KeyId }) => ({ KeyId, Policy }),
    (input) => kms.putKeyPolicy(input),
  ),
  TagResource: calling(
    ({ KeyId }) => ({ KeyId, Tags }),
    (input) => kms.tagResource(input),
  ),
  UntagResource: calling(
    ({ KeyId }) => ({ KeyId, TagKeys: ["a"] }),
    (input) => kms.untagResource(input),
  ),
  UpdateKeyDescription: calling(
    ({ KeyId }) => ({ KeyId, Description: "d" }),
    (input) => kms.updateKeyDescription(input),
  ),
  EnableKeyRotation: calling(
    ({ KeyId }) => ({ KeyId }),
    (input) => kms.enableKeyRotation(input),
  ),
  DisableKeyRotation: calling(
    ({ KeyId }) => ({ KeyId }),
    (input) => kms.disableKeyRotation(input),
  ),
};

describe("an answer", () => {
  for (const [operation, { inputOf, viaSdk }] of Object.entries(WITHOUT_RESULT)) {
    it(`S08-003: of ${operation}, which has no result, is 200 with an empty body, and the SDK returns its metadata alone`, async () => {
      const { status, body, headers } = await world.raw(operation, inputOf(await newFixture()));
      assert.deepEqual([status, body.length, headers["content-length"]], [200, 0, "0"]);
      assert.equal(headers["transfer-encoding"], undefined);
      assert.deepEqual(membersOf(await viaSdk(await newFixture())), {});
    });
  }

  it("is JSON 1.1 with its length, a date and a request id", async () => {
    for (const { headers, body, status } of [
      await world.raw("DescribeKey", { KeyId }),
      await world.raw("DescribeKey", { KeyId: ABSENT_KEY_ID }),
      await world.raw("DescribeKey", {}),
    ]) {
      assert.equal(headers["content-type"], "application/x-amz-json-1.1");
      assert.equal(headers["content-length"], String(body.length));
      assert.match(String(headers["x-amzn-requestid"]), /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      assert.ok(Math.abs(Date.parse(String(headers.date)) - Date.now()) < 60_000);
      assert.equal(headers["cache-control"], "no-cache, no-store, must-revalidate, private");
      assert.equal(headers.expires, "0");
      assert.equal(headers.pragma, "no-cache");
      assert.ok(status === 200 || status === 400);
    }
  });

  it("of a refusal has the code in __type and the message, where there is one, in message", async () => {
    const absent = await world.raw("DescribeKey", { KeyId: ABSENT_KEY_ID });
    assert.deepEqual(Object.keys(absent.json), ["__type", "message"]);
    assert.equal(absent.json["__type"], "NotFoundException");
    const broken = await world.raw("Decrypt", { CiphertextBlob: "AAAA" });
    assert.deepEqual(broken.json, { __type: "InvalidCiphertextException" });
  });

  it("S08-004: has an x-amzn-RequestId that is the requestID of its record, of a success and of a failure", async () => {
    const described = await world.raw("DescribeKey", { KeyId });
    const changed = await world.raw("UpdateKeyDescription", { KeyId, Description: "recorded" });
    const refused = await world.raw("DescribeKey", { KeyId: ABSENT_KEY_ID });
    const invalid = await world.raw("DescribeKey", {});
    const expected = { DescribeKey: [described, refused, invalid], UpdateKeyDescription: [changed] };
    const seen = new Set<string>();
    for (const [eventName, answers] of Object.entries(expected)) {
      for (const { requestId } of answers) {
        assert.equal((await world.records.of(requestId)).eventName, eventName);
        seen.add(requestId);
      }
    }
    assert.equal(seen.size, 4);
    const viaSdk = requestIdOf(await kms.listKeys({}));
    assert.equal((await world.records.of(viaSdk)).eventName, "ListKeys");
    const failed = await refusalOf(kms.enableKey({ KeyId: ABSENT_KEY_ID }));
    assert.equal((await world.records.of(failed.requestId)).errorCode, "NotFoundException");
  });
});

interface ShapeJson {
  readonly type: string;
  readonly members?: Readonly<Record<string, { readonly shape: string }>>;
  readonly member?: { readonly shape: string };
  readonly value?: { readonly shape: string };
}

describe("the outputs of the API", () => {
  /** Every blob that an output can hold, with what it is; none is the material of a KMS key. */
  const BLOBS: Readonly<Record<string, string>> = {
    "Decapsulate.SharedSecret": "a secret agreed with the sender",
    "Decrypt.Plaintext": "what the caller had encrypted",
    "Decrypt.CiphertextForRecipient": "the same for an enclave",
    "DeriveSharedSecret.SharedSecret": "a secret agreed between two parties",
    "DeriveSharedSecret.CiphertextForRecipient": "that secret for an enclave",
    "Encapsulate.SharedSecretCiphertextBlob": "the encapsulated secret",
    "Encapsulate.SharedSecret": "a secret agreed with the recipient",
    "Encrypt.CiphertextBlob": "the caller's data, encrypted",
    "GenerateDataKey.CiphertextBlob": "a data key, encrypted",
    "GenerateDataKey.Plaintext": "a data key",
    "GenerateDataKey.CiphertextForRecipient": "a data key for an enclave",
    "GenerateDataKeyPair.PrivateKeyCiphertextBlob": "a data key, encrypted",
    "GenerateDataKeyPair.PrivateKeyPlaintext": "a data key",
    "GenerateDataKeyPair.PublicKey": "a public key",
    "GenerateDataKeyPair.CiphertextForRecipient": "a data key for an enclave",
    "GenerateDataKeyPairWithoutPlaintext.PrivateKeyCiphertextBlob": "a data key, encrypted",
    "GenerateDataKeyPairWithoutPlaintext.PublicKey": "a public key",
    "GenerateDataKeyWithoutPlaintext.CiphertextBlob": "a data key, encrypted",
    "GenerateMac.Mac": "a MAC",
    "GenerateRandom.Plaintext": "random bytes",
    "GenerateRandom.CiphertextForRecipient": "random bytes for an enclave",
    "GetParametersForImport.ImportToken": "an opaque token",
    "GetParametersForImport.PublicKey": "a public key",
    "GetPublicKey.PublicKey": "a public key",
    "ReEncrypt.CiphertextBlob": "the caller's data, encrypted",
    "Sign.Signature": "a signature",
  };

  it("S08-032, S07-013, S08-030: SC-07, SC-20 hold no material of a KMS key: each blob of each output is on the list of what may leave", () => {
    const shapes = kmsJson.shapes as Readonly<Record<string, ShapeJson>>;
    const operations = kmsJson.operations as Readonly<Record<string, { readonly output?: { readonly shape: string } }>>;
    const blobsOf = (name: string, path: string, inside: readonly string[]): readonly string[] => {
      const shape = shapes[name];
      assert.ok(shape, name);
      if (shape.type === "blob") return [path];
      if (inside.includes(name)) return [];
      const within = [...inside, name];
      const parts = [shape.member, shape.value].flatMap((part) =>
        part === undefined ? [] : blobsOf(part.shape, path, within),
      );
      const members = Object.entries(shape.members ?? {}).flatMap(([member, { shape: of }]) =>
        blobsOf(of, `${path}.${member}`, within),
      );
      return [...parts, ...members];
    };
    const found = Object.entries(operations).flatMap(([name, { output }]) =>
      output === undefined ? [] : blobsOf(output.shape, name, []),
    );
    assert.deepEqual(
      found.filter((path) => !(path in BLOBS)),
      [],
    );
    assert.deepEqual(
      Object.keys(BLOBS).filter((path) => !found.includes(path)),
      [],
    );
    assert.ok(found.length >= 20);
  });

  it("S08-032: hold no member named after private or secret keys but those of data key pairs and shared secrets", () => {
    const shapes = kmsJson.shapes as Readonly<Record<string, ShapeJson>>;
    const outputs = Object.values(
      kmsJson.operations as Readonly<Record<string, { readonly output?: { readonly shape: string } }>>,
    );
    const members = outputs.flatMap(({ output }) => Object.keys(shapes[output?.shape ?? ""]?.members ?? {}));
    const named = new Set(members.filter((member) => /private|secret|material(?!Id|Description|State)/i.test(member)));
    assert.deepEqual([...named].sort(), [
      "PrivateKeyCiphertextBlob",
      "PrivateKeyPlaintext",
      "SharedSecret",
      "SharedSecretCiphertextBlob",
    ]);
  });
});
