/** DryRun on every operation that takes it but those of grants (spec 08): permission and parameters are looked at, nothing is done. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import type { CreateKeyCommandInput, KMS } from "@aws-sdk/client-kms";
import { operations } from "../../src/kms/operations/index.ts";
import kmsJson from "../../src/wire/models/kms.json" with { type: "json" };
import {
  ACCOUNT,
  allowing,
  assertRefused,
  bytes,
  newKey,
  OTHER_ACCOUNT,
  policyOf,
  present,
  startWorld,
} from "../kms-client.ts";

const world = await startWorld();
after(() => world.stop());
const { kms, other } = world;

const DRY_RUN = "The request would have succeeded, but the DryRun option is set.";
const TEXT = { Message: bytes(3) } as const;
const SIGNING = { KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" } as const;
const MAC = { KeySpec: "HMAC_256", KeyUsage: "GENERATE_VERIFY_MAC" } as const;
const AGREEING = { KeySpec: "ECC_NIST_P256", KeyUsage: "KEY_AGREEMENT" } as const;
const KEM = { KeySpec: "ML_KEM_512", KeyUsage: "ENCAPSULATE_DECAPSULATE" } as const;

interface Case {
  readonly operation: string;
  /** Unless it is a symmetric encryption key. */
  readonly kind?: CreateKeyCommandInput;
  /** What the call needs beside the key, made by its owner. */
  prepare?(KeyId: string): Promise<Uint8Array | undefined>;
  call(client: KMS, input: { KeyId: string; DryRun: true }, made: Uint8Array): Promise<unknown>;
}

const sealed = async (KeyId: string) => (await kms.encrypt({ KeyId, Plaintext: bytes(4) })).CiphertextBlob;
const ECDSA = { SigningAlgorithm: "ECDSA_SHA_256", ...TEXT } as const;
const HMAC = { MacAlgorithm: "HMAC_SHA_256", ...TEXT } as const;
const PAIR = { KeyPairSpec: "ECC_NIST_P256" } as const;
const ML_KEM = { EncapsulationAlgorithm: "ML_KEM" } as const;

const CASES: readonly Case[] = [
  { operation: "Encrypt", call: (client, input) => client.encrypt({ ...input, Plaintext: bytes(4) }) },
  {
    operation: "Decrypt",
    prepare: sealed,
    call: (client, input, CiphertextBlob) => client.decrypt({ ...input, CiphertextBlob }),
  },
  {
    operation: "ReEncrypt",
    prepare: sealed,
    call: (client, { KeyId, ...input }, CiphertextBlob) =>
      client.reEncrypt({ ...input, SourceKeyId: KeyId, DestinationKeyId: KeyId, CiphertextBlob }),
  },
  { operation: "GenerateDataKey", call: (client, input) => client.generateDataKey({ ...input, KeySpec: "AES_256" }) },
  {
    operation: "GenerateDataKeyWithoutPlaintext",
    call: (client, input) => client.generateDataKeyWithoutPlaintext({ ...input, KeySpec: "AES_256" }),
  },
  { operation: "GenerateDataKeyPair", call: (client, input) => client.generateDataKeyPair({ ...input, ...PAIR }) },
  {
    operation: "GenerateDataKeyPairWithoutPlaintext",
    call: (client, input) => client.generateDataKeyPairWithoutPlaintext({ ...input, ...PAIR }),
  },
  { operation: "Sign", kind: SIGNING, call: (client, input) => client.sign({ ...input, ...ECDSA }) },
  {
    operation: "Verify",
    kind: SIGNING,
    prepare: async (KeyId) => (await kms.sign({ KeyId, ...ECDSA })).Signature,
    call: (client, input, Signature) => client.verify({ ...input, ...ECDSA, Signature }),
  },
  { operation: "GenerateMac", kind: MAC, call: (client, input) => client.generateMac({ ...input, ...HMAC }) },
  {
    operation: "VerifyMac",
    kind: MAC,
    prepare: async (KeyId) => (await kms.generateMac({ KeyId, ...HMAC })).Mac,
    call: (client, input, Mac) => client.verifyMac({ ...input, ...HMAC, Mac }),
  },
  {
    operation: "DeriveSharedSecret",
    kind: AGREEING,
    prepare: async (KeyId) => (await kms.getPublicKey({ KeyId })).PublicKey,
    call: (client, input, PublicKey) =>
      client.deriveSharedSecret({ ...input, KeyAgreementAlgorithm: "ECDH", PublicKey }),
  },
  { operation: "Encapsulate", kind: KEM, call: (client, input) => client.encapsulate({ ...input, ...ML_KEM }) },
  {
    operation: "Decapsulate",
    kind: KEM,
    prepare: async (KeyId) => (await kms.encapsulate({ KeyId, ...ML_KEM })).SharedSecretCiphertextBlob,
    call: (client, input, SharedSecretCiphertextBlob) =>
      client.decapsulate({ ...input, ...ML_KEM, SharedSecretCiphertextBlob }),
  },
];

describe("DryRun", () => {
  for (const { operation, kind, prepare, call } of CASES) {
    it(`S08-021: of ${operation} says what would be, does nothing, and is recorded`, async () => {
      const Policy = policyOf(allowing(ACCOUNT), allowing(OTHER_ACCOUNT, "kms:DescribeKey"));
      const { Arn } = await newKey(kms, { ...kind, Policy });
      const made = (await prepare?.(Arn)) ?? bytes(1);
      const before = (await kms.getKeyLastUsage({ KeyId: Arn })).KeyLastUsage;
      const dry = { KeyId: Arn, DryRun: true } as const;
      const { requestId } = await assertRefused(call(kms, dry, made), "DryRunOperationException", DRY_RUN);
      assert.deepEqual((await kms.getKeyLastUsage({ KeyId: Arn })).KeyLastUsage, before);

      const record = await world.records.of(requestId);
      assert.deepEqual([record.eventName, record.errorCode], [operation, "DryRunOperationException"]);
      assert.equal(record.errorMessage, DRY_RUN);
      assert.equal(present(record.requestParameters ?? undefined)["dryRun"], true);

      await assertRefused(call(other, dry, made), "AccessDeniedException");
      await assertRefused(call(kms, { ...dry, KeyId: "" }, made), "ValidationException");
      await kms.disableKey({ KeyId: Arn });
      await assertRefused(call(kms, dry, made), "DisabledException", `${Arn} is disabled.`);
    });
  }

  it("has a case for every operation that takes it, but those of grants", () => {
    const { shapes } = kmsJson as { shapes: Readonly<Record<string, { members?: object }>> };
    const names = Object.entries(kmsJson.operations as Readonly<Record<string, { input?: { shape: string } }>>)
      .filter(([, { input }]) => "DryRun" in (shapes[input?.shape ?? ""]?.members ?? {}))
      .map(([name]) => name)
      .filter((name) => !name.includes("Grant"));
    assert.deepEqual(CASES.map(({ operation }) => operation).sort(), names.sort());
    for (const name of names) assert.equal(operations.get(name)?.dryRun, true, name);
    assert.equal(CASES.length, 14);
  });
});
