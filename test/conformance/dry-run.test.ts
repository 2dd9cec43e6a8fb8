/** Dry runs: each operation that has them, allowed, denied and malformed (spec 08, DryRun). */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import type { KMS } from "@aws-sdk/client-kms";
import { operations } from "../../src/kms/operations/index.ts";
import kmsJson from "../../src/wire/models/kms.json" with { type: "json" };
import { kmsModel } from "../../src/wire/models.ts";
import { ACCOUNT, assertRefused, bytes, newKey, present, startWorld } from "../kms-client.ts";

const world = await startWorld(["--unknown-principals", "allow"]);
after(() => world.stop());
const { kms, other, records } = world;

const MESSAGE = "The request would have succeeded, but the DryRun option is set.";
const ROLE = `arn:aws:iam::${ACCOUNT}:role/grantee`;

const symmetric = (await newKey(kms)).Arn;
const signing = (await newKey(kms, { KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" })).Arn;
const mac = (await newKey(kms, { KeySpec: "HMAC_256", KeyUsage: "GENERATE_VERIFY_MAC" })).Arn;
const agreeing = (await newKey(kms, { KeySpec: "ECC_NIST_P256", KeyUsage: "KEY_AGREEMENT" })).Arn;

const kem = (await newKey(kms, { KeySpec: "ML_KEM_512", KeyUsage: "ENCAPSULATE_DECAPSULATE" })).Arn;

const Message = bytes(3);
const SigningAlgorithm = "ECDSA_SHA_256" as const;
const MacAlgorithm = "HMAC_SHA_256" as const;
const Plaintext = bytes(8);
const { CiphertextBlob } = await kms.encrypt({ KeyId: symmetric, Plaintext });
const { Signature } = await kms.sign({ KeyId: signing, Message, SigningAlgorithm });
const { Mac } = await kms.generateMac({ KeyId: mac, Message, MacAlgorithm });
const { PublicKey } = await kms.getPublicKey({ KeyId: agreeing });
const encapsulated = await kms.encapsulate({ KeyId: kem, EncapsulationAlgorithm: "ML_KEM" });
const { SharedSecretCiphertextBlob } = encapsulated;
const granted = await kms.createGrant({ KeyId: symmetric, GranteePrincipal: ROLE, Operations: ["Encrypt"] });
const GrantId = present(granted.GrantId);
const rsa = (await newKey(kms, { KeySpec: "RSA_2048", KeyUsage: "ENCRYPT_DECRYPT" })).Arn;
const { CiphertextBlob: longBlob } = await kms.encrypt({ KeyId: symmetric, Plaintext: bytes(191) });
const { PublicKey: foreignKey } = await kms.getPublicKey({
  KeyId: (await newKey(kms, { KeySpec: "ECC_NIST_P384", KeyUsage: "KEY_AGREEMENT" })).Arn,
});

const DryRun = true;

/** Each operation with a call that would succeed, and an input that is malformed. */
const CALLS: Readonly<Record<string, { call: (from: KMS) => Promise<unknown>; malformed: object }>> = {
  CreateGrant: {
    call: (from) => from.createGrant({ KeyId: symmetric, GranteePrincipal: ROLE, Operations: ["Decrypt"], DryRun }),
    malformed: { KeyId: symmetric, GranteePrincipal: ROLE, Operations: [] },
  },
  Decrypt: { call: (from) => from.decrypt({ CiphertextBlob, DryRun }), malformed: { KeyId: symmetric } },
  DeriveSharedSecret: {
    call: (from) => from.deriveSharedSecret({ KeyId: agreeing, KeyAgreementAlgorithm: "ECDH", PublicKey, DryRun }),
    malformed: { KeyId: agreeing, KeyAgreementAlgorithm: "none" },
  },
  Encrypt: { call: (from) => from.encrypt({ KeyId: symmetric, Plaintext, DryRun }), malformed: { KeyId: symmetric } },
  GenerateDataKey: {
    call: (from) => from.generateDataKey({ KeyId: symmetric, KeySpec: "AES_256", DryRun }),
    malformed: { KeyId: symmetric },
  },
  GenerateDataKeyPair: {
    call: (from) => from.generateDataKeyPair({ KeyId: symmetric, KeyPairSpec: "ECC_NIST_P256", DryRun }),
    malformed: { KeyId: symmetric },
  },
  GenerateDataKeyPairWithoutPlaintext: {
    call: (from) =>
      from.generateDataKeyPairWithoutPlaintext({ KeyId: symmetric, KeyPairSpec: "ECC_NIST_P256", DryRun }),
    malformed: { KeyId: symmetric },
  },
  GenerateDataKeyWithoutPlaintext: {
    call: (from) => from.generateDataKeyWithoutPlaintext({ KeyId: symmetric, KeySpec: "AES_256", DryRun }),
    malformed: { KeyId: symmetric, KeySpec: "AES_256", NumberOfBytes: 32 },
  },
  GenerateMac: {
    call: (from) => from.generateMac({ KeyId: mac, Message, MacAlgorithm, DryRun }),
    malformed: { KeyId: mac, Message: "", MacAlgorithm },
  },
  Decapsulate: {
    call: (from) =>
      from.decapsulate({ KeyId: kem, EncapsulationAlgorithm: "ML_KEM", SharedSecretCiphertextBlob, DryRun }),
    malformed: { KeyId: kem, EncapsulationAlgorithm: "none" },
  },
  Encapsulate: {
    call: (from) => from.encapsulate({ KeyId: kem, EncapsulationAlgorithm: "ML_KEM", DryRun }),
    malformed: { KeyId: kem, EncapsulationAlgorithm: "none" },
  },
  ReEncrypt: {
    call: (from) => from.reEncrypt({ CiphertextBlob, DestinationKeyId: symmetric, DryRun }),
    malformed: { DestinationKeyId: symmetric },
  },
  RetireGrant: {
    call: (from) => from.retireGrant({ KeyId: symmetric, GrantId, DryRun }),
    malformed: { KeyId: symmetric },
  },
  RevokeGrant: {
    call: (from) => from.revokeGrant({ KeyId: symmetric, GrantId, DryRun }),
    malformed: { KeyId: symmetric },
  },
  Sign: {
    call: (from) => from.sign({ KeyId: signing, Message, SigningAlgorithm, DryRun }),
    malformed: { KeyId: signing, Message: "", SigningAlgorithm },
  },
  Verify: {
    call: (from) => from.verify({ KeyId: signing, Message, SigningAlgorithm, Signature, DryRun }),
    malformed: { KeyId: signing, SigningAlgorithm },
  },
  VerifyMac: {
    call: (from) => from.verifyMac({ KeyId: mac, Message, MacAlgorithm, Mac, DryRun }),
    malformed: { KeyId: mac, Message: "", MacAlgorithm },
  },
};

/** Calls with parameters that don't fit the key, as custody alone finds (KMS guide, DryRun: it checks parameters, too). */
const WOULD_FAIL: readonly { title: string; call: (DryRun: boolean) => Promise<unknown>; name: string }[] = [
  {
    title: "of DeriveSharedSecret with a public key of another spec",
    call: (DryRun) =>
      kms.deriveSharedSecret({ KeyId: agreeing, KeyAgreementAlgorithm: "ECDH", PublicKey: foreignKey, DryRun }),
    name: "ValidationException",
  },
  {
    title: "of ReEncrypt of what is too long for the destination",
    call: (DryRun) =>
      kms.reEncrypt({
        CiphertextBlob: longBlob,
        DestinationKeyId: rsa,
        DestinationEncryptionAlgorithm: "RSAES_OAEP_SHA_256",
        DryRun,
      }),
    name: "ValidationException",
  },
  {
    title: "of Decrypt with another encryption context",
    call: (DryRun) => kms.decrypt({ CiphertextBlob, EncryptionContext: { a: "b" }, DryRun }),
    name: "InvalidCiphertextException",
  },
];

/** The operations whose input has DryRun in the model. */
function operationsWithDryRun(): readonly string[] {
  const { operations: declared, shapes } = kmsJson as unknown as {
    operations: Record<string, { input?: { shape: string } }>;
    shapes: Record<string, { members?: object }>;
  };
  return Object.keys(declared).filter((name) => {
    const members = shapes[declared[name]?.input?.shape ?? ""]?.members ?? {};
    return Object.hasOwn(members, "DryRun");
  });
}

describe("a dry run", () => {
  for (const [operation, { call, malformed }] of Object.entries(CALLS)) {
    it(`S08-021, S04-037: of ${operation} says that it would have succeeded, and is in the record`, async () => {
      const { requestId } = await assertRefused(call(kms), "DryRunOperationException", MESSAGE);
      const record = await records.of(requestId);
      assert.deepEqual(
        [record.eventName, record.errorCode, record.errorMessage, record.requestParameters?.["dryRun"]],
        [operation, "DryRunOperationException", MESSAGE, true],
      );
      assert.equal(record.responseElements, null);
    });

    it(`S08-021, S04-037: of ${operation} is denied and refused as the call itself would be`, async () => {
      await assertRefused(call(other), "AccessDeniedException");
      const { status, json } = await world.raw(operation, { ...malformed, DryRun });
      assert.equal(status, 400);
      assert.match(String(json["__type"]), /ValidationException/);
    });
  }

  for (const { title, call, name } of WOULD_FAIL) {
    it(`${title} is refused as the call itself would be: it would not have succeeded`, async () => {
      const refused = await assertRefused(call(false), name);
      const { message } = await assertRefused(call(true), name);
      assert.equal(message, refused.message);
    });
  }

  // The CLI of Debian is too old to know --dry-run; what it would send is this.
  it("S08-021, S08-022, S04-037: of CreateGrant, RetireGrant and RevokeGrant leaves the list of grants as it was", async () => {
    const { Grants = [] } = await kms.listGrants({ KeyId: symmetric });
    assert.deepEqual(
      Grants.map((grant) => grant.GrantId),
      [GrantId],
    );
  });

  it("is taken by the operations that have it in the model, and by no other", () => {
    const expected = operationsWithDryRun();
    assert.equal(expected.length, 17);
    for (const name of kmsModel().operations.keys()) {
      const operation = operations.get(name);
      if (operation !== undefined) assert.equal(operation.dryRun === true, expected.includes(name), name);
    }
    assert.deepEqual(Object.keys(CALLS).sort(), [...expected].sort());
  });
});
