/** `Recipient` through the API: attested answers, conditions on registers, records, and what is refused (spec 04 and 07). */

import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import type { KMS, RecipientInfo } from "@aws-sdk/client-kms";
import kmsJson from "../../src/wire/models/kms.json" with { type: "json" };
import { enclaveFields, newPki, pemOf, registers, signDocument, tpmFields } from "../attestation.ts";
import {
  ABSENT_KEY_ID,
  ACCOUNT,
  allowing,
  assertRefused,
  bytes,
  type Metadata,
  membersOf,
  newKey,
  policyOf,
  present,
  refusalOf,
  requestIdOf,
  startWorld,
} from "../kms-client.ts";
import { openEnvelope } from "../openssl.ts";

const pki = newPki();
const folder = mkdtempSync(join(tmpdir(), "keystead-attestation-"));
const rootFile = join(folder, "root.pem");
writeFileSync(rootFile, pemOf(pki.root));
const otherRootFile = join(folder, "other-root.pem");
writeFileSync(otherRootFile, pemOf(newPki().root));
const world = await startWorld(["--attestation-root", otherRootFile, "--attestation-root", rootFile]);
after(async () => {
  await world.stop();
  rmSync(folder, { recursive: true });
});
const { kms, records } = world;

const spkiOf = (key: KeyObject): Uint8Array => new Uint8Array(key.export({ format: "der", type: "spki" }));
const platform = generateKeyPairSync("rsa", { modulusLength: 2048 });
const platformKey = platform.privateKey.export({ format: "pem", type: "pkcs8" }).toString();
const platformPublicKey = spkiOf(platform.publicKey);

const recipientOf = (AttestationDocument: Uint8Array): RecipientInfo => ({
  AttestationDocument,
  KeyEncryptionAlgorithm: "RSAES_OAEP_SHA_256",
});
/** A recipient in an enclave, with these registers. */
const enclave = (pcrs = registers()): RecipientInfo =>
  recipientOf(signDocument(pki, enclaveFields(pki, platformPublicKey).set("pcrs", pcrs)));
const tpm = (): RecipientInfo => recipientOf(signDocument(pki, tpmFields(pki, platformPublicKey)));
/** Recipients whose document can't be relied on, with the end of the text that says why. */
const unreliable = (): readonly {
  readonly title: string;
  readonly Recipient: RecipientInfo;
  readonly why: string;
}[] => {
  const stranger = newPki();
  const stale = enclaveFields(pki, platformPublicKey).set("timestamp", BigInt(Date.now() - 301_000));
  const ec = spkiOf(generateKeyPairSync("ec", { namedCurve: "P-384" }).publicKey);
  const altered = signDocument(pki, enclaveFields(pki, platformPublicKey));
  altered[altered.length - 1] = (altered.at(-1) ?? 0) ^ 1;
  return [
    {
      title: "garbage",
      Recipient: recipientOf(bytes(300)),
      why: "it is not CBOR of the kind that attestation documents are made of",
    },
    {
      title: "nested arrays to the size limit",
      Recipient: recipientOf(bytes(262_144, 0x81)),
      why: "it is not CBOR of the kind that attestation documents are made of",
    },
    {
      title: "another root",
      Recipient: recipientOf(signDocument(stranger, enclaveFields(stranger, platformPublicKey))),
      why: "its certificate chain does not begin with a trusted root",
    },
    {
      title: "a changed signature",
      Recipient: recipientOf(altered),
      why: "its signature is not one of its certificate's key",
    },
    {
      title: "an old document",
      Recipient: recipientOf(signDocument(pki, stale)),
      why: "it is older than five minutes",
    },
    {
      title: "a key that is not RSA",
      Recipient: recipientOf(signDocument(pki, enclaveFields(pki, ec))),
      why: "its public key is not an RSA key of 2048 to 4096 bits",
    },
    {
      title: "no key",
      Recipient: recipientOf(signDocument(pki, enclaveFields(pki, platformPublicKey).set("public_key", null))),
      why: "it has no public key",
    },
  ];
};

const opened = (envelope: Uint8Array | undefined): Uint8Array => present(openEnvelope(present(envelope), platformKey));

const Plaintext = bytes(40, 9);
const manage = ["kms:PutKeyPolicy", "kms:DescribeKey", "kms:ScheduleKeyDeletion", "kms:Encrypt", "kms:GetPublicKey"];
const when = (Condition: object): object => ({ ...allowing(ACCOUNT), Condition });
/** A key whose owner may encrypt, and do the rest as these statements say. */
function keyWith(...statements: readonly object[]): Promise<Metadata> {
  return newKey(kms, { Policy: policyOf(allowing(ACCOUNT, manage), ...statements) });
}
const { KeyId, Arn } = await newKey(kms);
const agreeing = await newKey(kms, { KeySpec: "ECC_NIST_P256", KeyUsage: "KEY_AGREEMENT" });
const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext });
const peer = spkiOf(generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey);
const agreement = { KeyId: agreeing.KeyId, KeyAgreementAlgorithm: "ECDH", PublicKey: peer } as const;

/** Every operation that takes a `Recipient`, as a call on the keys above. */
const attested: Readonly<
  Record<
    string,
    (
      Recipient: RecipientInfo,
      client?: KMS,
    ) => Promise<{
      readonly CiphertextForRecipient?: Uint8Array | undefined;
      readonly $metadata: { readonly requestId?: string | undefined };
    }>
  >
> = {
  Decrypt: (Recipient, client = kms) => client.decrypt({ CiphertextBlob, Recipient }),
  GenerateDataKey: (Recipient, client = kms) => client.generateDataKey({ KeyId, KeySpec: "AES_256", Recipient }),
  GenerateDataKeyPair: (Recipient, client = kms) =>
    client.generateDataKeyPair({ KeyId, KeyPairSpec: "ECC_NIST_P256", Recipient }),
  GenerateRandom: (Recipient, client = kms) => client.generateRandom({ NumberOfBytes: 64, Recipient }),
  DeriveSharedSecret: (Recipient, client = kms) => client.deriveSharedSecret({ ...agreement, Recipient }),
};

describe("an attested request", () => {
  it("S07-041, S04-024: to Decrypt is answered with the plaintext in an envelope, and nothing of it beside", async () => {
    const answer = await kms.decrypt({ CiphertextBlob, Recipient: enclave() });
    assert.deepEqual(opened(answer.CiphertextForRecipient), Plaintext);
    const { CiphertextForRecipient: _envelope, ...members } = membersOf(answer);
    assert.deepEqual(members, { KeyId: Arn, EncryptionAlgorithm: "SYMMETRIC_DEFAULT" });
  });

  it("S07-041: to Decrypt under an RSA key is answered in the same way", async () => {
    const rsa = await newKey(kms, { KeySpec: "RSA_2048", KeyUsage: "ENCRYPT_DECRYPT" });
    const input = { KeyId: rsa.KeyId, EncryptionAlgorithm: "RSAES_OAEP_SHA_256" } as const;
    const encrypted = await kms.encrypt({ ...input, Plaintext });
    const answer = await kms.decrypt({ ...input, CiphertextBlob: encrypted.CiphertextBlob, Recipient: tpm() });
    assert.deepEqual(opened(answer.CiphertextForRecipient), Plaintext);
    assert.equal(answer.Plaintext, undefined);
  });

  it("S07-041, S04-024: to GenerateDataKey is answered with the data key in an envelope and under the KMS key", async () => {
    for (const size of [{ KeySpec: "AES_128" }, { NumberOfBytes: 1024 }] as const) {
      const answer = await kms.generateDataKey({ KeyId, ...size, Recipient: enclave() });
      const { CiphertextForRecipient, CiphertextBlob: blob, ...members } = membersOf(answer);
      assert.deepEqual(members, { KeyId: Arn });
      const decrypted = await kms.decrypt({ CiphertextBlob: blob });
      assert.deepEqual(opened(CiphertextForRecipient), decrypted.Plaintext);
    }
  });

  it("S07-041, S04-024: to GenerateDataKeyPair is answered with the private key in an envelope", async () => {
    for (const KeyPairSpec of ["ECC_NIST_P256", "RSA_2048"] as const) {
      const answer = await kms.generateDataKeyPair({ KeyId, KeyPairSpec, Recipient: enclave() });
      assert.deepEqual(Object.keys(membersOf(answer)).sort(), [
        "CiphertextForRecipient",
        "KeyId",
        "KeyMaterialId",
        "KeyPairSpec",
        "PrivateKeyCiphertextBlob",
        "PublicKey",
      ]);
      const decrypted = await kms.decrypt({ CiphertextBlob: answer.PrivateKeyCiphertextBlob });
      assert.deepEqual(opened(answer.CiphertextForRecipient), decrypted.Plaintext);
    }
  });

  it("S07-041, S04-024: to GenerateRandom is answered with random bytes in an envelope", async () => {
    const answer = await kms.generateRandom({ NumberOfBytes: 1024, Recipient: enclave() });
    assert.deepEqual(Object.keys(membersOf(answer)), ["CiphertextForRecipient"]);
    assert.equal(opened(answer.CiphertextForRecipient).length, 1024);
  });

  it("S07-041: to DeriveSharedSecret is answered with the secret in an envelope", async () => {
    const { SharedSecret } = await kms.deriveSharedSecret(agreement);
    const answer = await kms.deriveSharedSecret({ ...agreement, Recipient: tpm() });
    assert.deepEqual(opened(answer.CiphertextForRecipient), SharedSecret);
    assert.equal(answer.SharedSecret, undefined);
  });

  it("has no plaintext member on the wire, not even an empty one", async () => {
    const { AttestationDocument = new Uint8Array(0), KeyEncryptionAlgorithm } = enclave();
    const { json } = await world.raw("GenerateDataKey", {
      KeyId,
      KeySpec: "AES_256",
      Recipient: { AttestationDocument: AttestationDocument.toBase64(), KeyEncryptionAlgorithm },
    });
    assert.deepEqual(Object.keys(json).sort(), ["CiphertextBlob", "CiphertextForRecipient", "KeyId"]);
  });

  it("may be sent again within five minutes, and may carry the COSE tag", async () => {
    const Recipient = recipientOf(signDocument(pki, enclaveFields(pki, platformPublicKey), { tag: 18 }));
    for (let turn = 0; turn < 2; turn += 1)
      assert.equal(opened((await attested["GenerateRandom"]?.(Recipient))?.CiphertextForRecipient).length, 64);
  });

  it("is what every operation takes that the model gives a Recipient", () => {
    const { operations, shapes } = kmsJson as unknown as {
      readonly operations: Readonly<Record<string, { readonly input?: { readonly shape: string } }>>;
      readonly shapes: Readonly<Record<string, { readonly members?: object }>>;
    };
    const names = Object.keys(operations).filter((name) => {
      const { members = {} } = shapes[operations[name]?.input?.shape ?? ""] ?? {};
      return "Recipient" in members;
    });
    assert.deepEqual(names.sort(), Object.keys(attested).sort());
  });

  it("may be a dry run", async () => {
    const input = { CiphertextBlob, Recipient: enclave(), DryRun: true };
    await assertRefused(kms.decrypt(input), "DryRunOperationException");
    const Recipient = recipientOf(bytes(300));
    await assertRefused(kms.decrypt({ ...input, Recipient }), "ValidationException");
  });

  it("is judged by the machine's clock, wherever the server's has been moved", async () => {
    await world.server.clock.advance("P400D");
    assert.deepEqual(
      opened((await kms.decrypt({ CiphertextBlob, Recipient: enclave() })).CiphertextForRecipient),
      Plaintext,
    );
  });

  it("is one to an operation that takes a Recipient; others ignore the member", async () => {
    const { AttestationDocument = new Uint8Array(0) } = enclave();
    const Recipient = {
      AttestationDocument: AttestationDocument.toBase64(),
      KeyEncryptionAlgorithm: "RSAES_OAEP_SHA_256",
    };
    for (const [operation, input] of [
      ["Encrypt", { KeyId, Plaintext: "aGVsbG8=" }],
      ["DescribeKey", { KeyId }],
      ["GenerateDataKeyWithoutPlaintext", { KeyId, KeySpec: "AES_256" }],
    ] as const) {
      assert.equal((await world.raw(operation, { ...input, Recipient })).status, 200);
    }
  });
});

describe("a document that can't be relied on", () => {
  for (const operation of Object.keys(attested)) {
    it(`is refused by ${operation}, whatever is wrong with it`, async () => {
      for (const { Recipient, why } of unreliable()) {
        const call = attested[operation];
        await assertRefused(
          present(call)(Recipient),
          "ValidationException",
          `The attestation document is not valid: ${why}.`,
        );
      }
    });
  }

  it("is refused after authorization and after the key's state, as what only the document is wrong with", async () => {
    const Recipient = recipientOf(bytes(300));
    await assertRefused(
      kms.generateDataKey({ KeyId: ABSENT_KEY_ID, KeySpec: "AES_256", Recipient }),
      "NotFoundException",
    );
    const disabled = await newKey(kms);
    await kms.disableKey({ KeyId: disabled.KeyId });
    await assertRefused(
      kms.generateDataKey({ KeyId: disabled.KeyId, KeySpec: "AES_256", Recipient }),
      "DisabledException",
    );
  });

  it("S07-043: goes with RSAES_OAEP_SHA_256 and no other algorithm", async () => {
    const AttestationDocument = present(enclave().AttestationDocument);
    const other = { AttestationDocument, KeyEncryptionAlgorithm: "RSAES_OAEP_SHA_1" as "RSAES_OAEP_SHA_256" };
    for (const call of Object.values(attested)) {
      await assertRefused(
        call(other),
        "ValidationException",
        "1 validation error detected: Value 'RSAES_OAEP_SHA_1' at 'recipient.keyEncryptionAlgorithm' failed to satisfy constraint: Member must satisfy enum value set: [RSAES_OAEP_SHA_256]",
      );
    }
  });

  it("is no reason to answer a plaintext: a Recipient without a document or an algorithm is refused", async () => {
    const { AttestationDocument } = enclave();
    for (const Recipient of [{}, { AttestationDocument }, { KeyEncryptionAlgorithm: "RSAES_OAEP_SHA_256" as const }]) {
      for (const call of Object.values(attested)) {
        await assertRefused(
          call(Recipient),
          "ValidationException",
          "Recipient takes AttestationDocument and KeyEncryptionAlgorithm.",
        );
      }
    }
  });

  it("has 1 to 262,144 bytes", async () => {
    for (const length of [0, 262_145]) {
      await assertRefused(
        present(attested["GenerateRandom"])(recipientOf(bytes(length))),
        "ValidationException",
        /recipient\.attestationDocument/,
      );
    }
  });

  it("is every document where the operator has named no root", async () => {
    await using bare = await startWorld();
    const call = bare.kms.generateRandom({ NumberOfBytes: 8, Recipient: enclave() });
    await assertRefused(call, "UnsupportedOperationException", "Keystead was started without --attestation-root.");
  });
});

describe("kms:RecipientAttestation", () => {
  const image = "a0".repeat(48);
  const ofKey = async (statement: object): Promise<(Recipient?: RecipientInfo) => Promise<unknown>> => {
    const key = await keyWith(statement);
    return (Recipient) =>
      kms.generateDataKey({ KeyId: key.KeyId, KeySpec: "AES_256", ...(Recipient && { Recipient }) });
  };
  const assertDenied = (call: Promise<unknown>): Promise<unknown> => assertRefused(call, "AccessDeniedException");

  it("S07-042, S04-023: ImageSha384 is register 0 of a verified document, and absent without one", async () => {
    const call = await ofKey(
      when({ StringEqualsIgnoreCase: { "kms:RecipientAttestation:ImageSha384": image.toUpperCase() } }),
    );
    await call(enclave());
    await assertDenied(call());
    await assertDenied(call(enclave(registers().set(0, bytes(48, 0xa1)))));
    await assertDenied(call(tpm()));
    for (const { Recipient } of unreliable()) await assertDenied(call(Recipient));
  });

  it("S07-042: ImageSha384 is compared in the case of its operator", async () => {
    const equal = await ofKey(when({ StringEquals: { "kms:RecipientAttestation:ImageSha384": image.toUpperCase() } }));
    await assertDenied(equal(enclave()));
    const lower = await ofKey(when({ StringEquals: { "kms:recipientattestation:IMAGESHA384": image } }));
    await lower(enclave());
  });

  it("S04-023: PCR<id> is that register, in lower-case hex without a prefix", async () => {
    const pcrs = registers();
    for (const [index, pcr] of [...pcrs].filter(([at]) => [0, 1, 8, 15].includes(at))) {
      const call = await ofKey(when({ StringEquals: { [`kms:RecipientAttestation:PCR${index}`]: pcr.toHex() } }));
      await call(enclave());
      await assertDenied(call());
      await assertDenied(call(enclave(registers().set(index, bytes(48, 0xee)))));
      await assertDenied(call(tpm()));
    }
    const prefixed = await ofKey(
      when({ StringEqualsIgnoreCase: { "kms:RecipientAttestation:PCR1": `0x${"01".repeat(48)}` } }),
    );
    await assertDenied(prefixed(enclave()));
  });

  it("S04-023: NitroTPMPCR<id> is a register of a NitroTPM document alone", async () => {
    const call = await ofKey(
      when({ StringEqualsIgnoreCase: { "kms:RecipientAttestation:NitroTPMPCR4": "04".repeat(48) } }),
    );
    await call(tpm());
    await assertDenied(call(enclave()));
    await assertDenied(call());
  });

  it("is absent for registers that a document does not have, and for names that are none", async () => {
    for (const name of ["PCR16", "PCR31", "PCR32", "PCR01", "PCR", "PCR1x", "ImageSha256", "NitroTPMPCR1", ""]) {
      const call = await ofKey(when({ Null: { [`kms:RecipientAttestation:${name}`]: false } }));
      await assertDenied(call(enclave()));
    }
  });

  it("S07-042: is absent without a document, so Null and negated operators hold, and an invalid document is refused all the same", async () => {
    for (const Condition of [
      { Null: { "kms:RecipientAttestation:ImageSha384": true } },
      { StringNotEquals: { "kms:RecipientAttestation:ImageSha384": image } },
    ]) {
      const call = await ofKey(when(Condition));
      await call();
      await assertDenied(call(enclave()));
      for (const { Recipient } of unreliable()) await assertRefused(call(Recipient), "ValidationException");
    }
  });

  it("S07-042: in a Deny keeps everybody out who isn't in the enclave, for each operation that has a key", async () => {
    const deny = {
      Effect: "Deny",
      Principal: "*",
      Action: ["kms:Decrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyPair", "kms:DeriveSharedSecret"],
      Resource: "*",
      Condition: { StringNotEqualsIgnoreCase: { "kms:RecipientAttestation:PCR8": "08".repeat(48) } },
    };
    const key = await keyWith(allowing(ACCOUNT), deny);
    const agreer = await newKey(kms, {
      KeySpec: "ECC_NIST_P256",
      KeyUsage: "KEY_AGREEMENT",
      Policy: policyOf(allowing(ACCOUNT), deny),
    });
    const { CiphertextBlob: blob } = await kms.encrypt({ KeyId: key.KeyId, Plaintext });
    const calls: readonly ((Recipient?: RecipientInfo) => Promise<unknown>)[] = [
      (Recipient) => kms.decrypt({ CiphertextBlob: blob, Recipient }),
      (Recipient) => kms.generateDataKey({ KeyId: key.KeyId, KeySpec: "AES_256", Recipient }),
      (Recipient) => kms.generateDataKeyPair({ KeyId: key.KeyId, KeyPairSpec: "ECC_NIST_P256", Recipient }),
      (Recipient) => kms.deriveSharedSecret({ ...agreement, KeyId: agreer.KeyId, Recipient }),
    ];
    for (const call of calls) {
      await call(enclave());
      await assertDenied(call());
      await assertDenied(call(tpm()));
    }
  });
});

describe("the record of an attested request", () => {
  const pcr = (index: number): string => (index === 0 ? "a0" : index.toString(16).padStart(2, "0")).repeat(48);
  const ofEnclave = {
    attestationDocumentModuleId: "i-0aa11bb22cc33dd44-enc0aa11bb22cc33dd4",
    attestationDocumentEnclaveImageDigest: pcr(0),
    attestationDocumentEnclavePCR1: pcr(1),
    attestationDocumentEnclavePCR2: pcr(2),
    attestationDocumentEnclavePCR3: pcr(3),
    attestationDocumentEnclavePCR4: pcr(4),
    attestationDocumentEnclavePCR8: pcr(8),
  };

  for (const [operation, call] of Object.entries(attested)) {
    it(`S07-041, S04-023: of ${operation} tells the enclave's module and registers, and nothing of the document else`, async () => {
      const record = await records.of(requestIdOf(await call(enclave())));
      assert.equal(record.eventName, operation);
      assert.deepEqual(record.additionalEventData?.["recipient"], ofEnclave);
      assert.equal("recipient" in (record.requestParameters ?? {}), false);
      assert.equal(record.responseElements, null);
      assert.equal(record.readOnly, true);
    });
  }

  it("S07-041: of a NitroTPM tells the TPM's registers", async () => {
    const record = await records.of(requestIdOf(await kms.decrypt({ CiphertextBlob, Recipient: tpm() })));
    assert.deepEqual(record.additionalEventData?.["recipient"], {
      attestationDocumentModuleId: "i-0aa11bb22cc33dd44-tpm0000000000000000",
      ...Object.fromEntries(
        [4, 7, 8, 9, 16, 23].map((index) => [`attestationDocumentNitroTPMPCR${index}`, pcr(index)]),
      ),
    });
  });

  it("S07-044: of GenerateRandom has null parameters and no resources", async () => {
    const answer = await kms.generateRandom({ NumberOfBytes: 8, Recipient: enclave() });
    const { requestParameters, resources } = await records.of(requestIdOf(answer));
    assert.equal(requestParameters, null);
    assert.deepEqual(resources, []);
  });

  it("leaves out registers that the document does not have", async () => {
    const answer = await kms.generateRandom({ NumberOfBytes: 8, Recipient: enclave(new Map([[1, bytes(48, 1)]])) });
    const { attestationDocumentModuleId, attestationDocumentEnclavePCR1 } = ofEnclave;
    const record = await records.of(requestIdOf(answer));
    assert.deepEqual(record.additionalEventData, {
      recipient: { attestationDocumentModuleId, attestationDocumentEnclavePCR1 },
    });
  });

  it("tells of a verified document when the request is denied, and of no other document", async () => {
    const key = await keyWith(when({ StringEquals: { "kms:RecipientAttestation:PCR1": "ff".repeat(48) } }));
    const call = (Recipient: RecipientInfo): Promise<unknown> =>
      kms.generateDataKey({ KeyId: key.KeyId, KeySpec: "AES_256", Recipient });
    const denied = await records.of((await refusalOf(call(enclave()))).requestId);
    assert.equal(denied.errorCode, "AccessDenied");
    assert.deepEqual(denied.additionalEventData, { recipient: ofEnclave });
    for (const { Recipient } of unreliable()) {
      const record = await records.of((await refusalOf(call(Recipient))).requestId);
      assert.equal(record.additionalEventData, undefined);
    }
  });

  it("has no recipient without a document", async () => {
    const record = await records.of(requestIdOf(await kms.decrypt({ CiphertextBlob })));
    assert.equal(record.additionalEventData !== undefined && "recipient" in record.additionalEventData, false);
  });
});
