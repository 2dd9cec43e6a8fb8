/** Encrypt, Decrypt, ReEncrypt, GenerateDataKey and GenerateRandom of spec 08, with the errors recorded on AWS (spec 09). */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import type { DecryptCommandInput } from "@aws-sdk/client-kms";
import { assertRefused, bytes, membersOf, newKey, present, startWorld } from "../kms-client.ts";

const world = await startWorld();
after(() => world.stop());
const { kms } = world;

const INCORRECT_KEY = "The key ID in the request does not identify a CMK that can perform this operation.";
const DRY_RUN = "The request would have succeeded, but the DryRun option is set.";
const MATERIAL_ID = /^[0-9a-f]{64}$/;

const key = await newKey(kms);
const second = await newKey(kms);

async function sealed(EncryptionContext?: Record<string, string>): Promise<Uint8Array> {
  const input = { KeyId: key.KeyId, Plaintext: bytes(10), ...(EncryptionContext && { EncryptionContext }) };
  return present((await kms.encrypt(input)).CiphertextBlob);
}

describe("Encrypt", () => {
  it("S08-010: takes 1 and 4,096 bytes", async () => {
    for (const length of [1, 4096]) {
      const { CiphertextBlob, ...rest } = membersOf(await kms.encrypt({ KeyId: key.KeyId, Plaintext: bytes(length) }));
      assert.deepEqual(rest, { KeyId: key.Arn, EncryptionAlgorithm: "SYMMETRIC_DEFAULT" });
      assert.ok(present(CiphertextBlob).length <= 6144);
      assert.deepEqual((await kms.decrypt({ CiphertextBlob })).Plaintext, bytes(length));
    }
  });

  it("S08-010: refuses 4,097 bytes and none, without repeating them", async () => {
    const message = (what: string): string =>
      `1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length ${what}`;
    await assertRefused(
      kms.encrypt({ KeyId: key.KeyId, Plaintext: bytes(4097) }),
      "ValidationException",
      message("less than or equal to 4096"),
    );
    await assertRefused(
      kms.encrypt({ KeyId: key.KeyId, Plaintext: bytes(0) }),
      "ValidationException",
      message("greater than or equal to 1"),
    );
  });

  it("makes another blob of the same bytes each time", async () => {
    assert.notDeepEqual(await sealed(), await sealed());
  });

  it("refuses an algorithm that is not the key's", async () => {
    await assertRefused(
      kms.encrypt({ KeyId: key.KeyId, Plaintext: bytes(1), EncryptionAlgorithm: "RSAES_OAEP_SHA_256" }),
      "InvalidKeyUsageException",
    );
  });
});

describe("Decrypt", () => {
  it("finds its key in the blob, and names it", async () => {
    const { KeyMaterialId, ...rest } = membersOf(await kms.decrypt({ CiphertextBlob: await sealed() }));
    assert.deepEqual(rest, { KeyId: key.Arn, Plaintext: bytes(10), EncryptionAlgorithm: "SYMMETRIC_DEFAULT" });
    assert.match(present(KeyMaterialId), MATERIAL_ID);
    assert.equal(KeyMaterialId, key.CurrentKeyMaterialId);
  });

  it("refuses the blob of another key than KeyId", async () => {
    const CiphertextBlob = await sealed();
    await assertRefused(kms.decrypt({ CiphertextBlob, KeyId: second.KeyId }), "IncorrectKeyException", INCORRECT_KEY);
  });

  for (const { title, spoil } of [
    { title: "with one bit turned at its end", spoil: (blob: Uint8Array) => blob.with(-1, (blob.at(-1) ?? 0) ^ 1) },
    { title: "that was cut", spoil: (blob: Uint8Array) => blob.subarray(0, -1) },
    { title: "with a byte more", spoil: (blob: Uint8Array) => Uint8Array.of(...blob, 0) },
    { title: "of another format", spoil: () => new TextEncoder().encode("Place your ciphertext here") },
  ]) {
    it(`is InvalidCiphertextException for a blob ${title}, with KeyId and without`, async () => {
      const CiphertextBlob = spoil(await sealed());
      await assertRefused(kms.decrypt({ CiphertextBlob }), "InvalidCiphertextException");
      await assertRefused(kms.decrypt({ CiphertextBlob, KeyId: key.KeyId }), "InvalidCiphertextException");
    });
  }

  it("wants the same encryption context, in any order, to the letter", async () => {
    const CiphertextBlob = await sealed({ a: "1", b: "2" });
    const opened = await kms.decrypt({ CiphertextBlob, EncryptionContext: { b: "2", a: "1" } });
    assert.deepEqual(opened.Plaintext, bytes(10));
    for (const EncryptionContext of [
      {},
      { a: "1" },
      { a: "1", b: "2", c: "3" },
      { A: "1", b: "2" },
      { a: "12", b: "b" },
    ]) {
      await assertRefused(kms.decrypt({ CiphertextBlob, EncryptionContext }), "InvalidCiphertextException");
    }
  });

  it("takes no empty name or value in an encryption context", async () => {
    const { KeyId } = key;
    const CiphertextBlob = await sealed();
    for (const EncryptionContext of [{ "aws:ssm:SessionId": "s-1", "aws:ssm:TargetId": "" }, { "": "v" }]) {
      for (const call of [
        () => kms.encrypt({ KeyId, Plaintext: bytes(1), EncryptionContext }),
        () => kms.generateDataKey({ KeyId, NumberOfBytes: 64, EncryptionContext }),
        () => kms.decrypt({ CiphertextBlob, EncryptionContext }),
        () =>
          kms.reEncrypt({ CiphertextBlob, DestinationKeyId: KeyId, DestinationEncryptionContext: EncryptionContext }),
      ]) {
        await assertRefused(call(), "ValidationException", "Invalid EncryptionContext");
      }
    }
  });

  it("takes numbers in an encryption context as their text", async () => {
    const { json } = await world.raw("Encrypt", { KeyId: key.KeyId, Plaintext: "AQ==", EncryptionContext: { n: 42 } });
    const CiphertextBlob = Uint8Array.fromBase64(String(json["CiphertextBlob"]));
    const opened = await kms.decrypt({ CiphertextBlob, EncryptionContext: { n: "42" } });
    assert.deepEqual(opened.Plaintext, Uint8Array.of(1));
  });
});

describe("ReEncrypt", () => {
  it("S08-012: moves a ciphertext to the same or another key and never shows the plaintext", async () => {
    const CiphertextBlob = await sealed({ from: "here" });
    for (const destination of [key, second]) {
      const { json } = await world.raw("ReEncrypt", {
        CiphertextBlob: CiphertextBlob.toBase64(),
        SourceEncryptionContext: { from: "here" },
        DestinationKeyId: destination.KeyId,
        DestinationEncryptionContext: { to: "there" },
      });
      const { CiphertextBlob: moved, ...rest } = json;
      assert.deepEqual(rest, {
        SourceKeyId: key.Arn,
        KeyId: destination.Arn,
        SourceEncryptionAlgorithm: "SYMMETRIC_DEFAULT",
        DestinationEncryptionAlgorithm: "SYMMETRIC_DEFAULT",
        SourceKeyMaterialId: key.CurrentKeyMaterialId,
        DestinationKeyMaterialId: destination.CurrentKeyMaterialId,
      });
      const opened = await kms.decrypt({
        CiphertextBlob: Uint8Array.fromBase64(String(moved)),
        EncryptionContext: { to: "there" },
      });
      assert.deepEqual([opened.Plaintext, opened.KeyId], [bytes(10), destination.Arn]);
    }
  });

  it("S08-012: is IncorrectKeyException when SourceKeyId is not the ciphertext's key", async () => {
    const CiphertextBlob = await sealed();
    await assertRefused(
      kms.reEncrypt({ CiphertextBlob, SourceKeyId: second.KeyId, DestinationKeyId: second.KeyId }),
      "IncorrectKeyException",
      INCORRECT_KEY,
    );
  });

  it("wants a destination", async () => {
    const CiphertextBlob = (await sealed()).toBase64();
    const { status, json } = await world.raw("ReEncrypt", { CiphertextBlob });
    assert.deepEqual([status, json["__type"]], [400, "ValidationException"]);
  });
});

describe("GenerateDataKey", () => {
  for (const operation of ["GenerateDataKey", "GenerateDataKeyWithoutPlaintext"] as const) {
    for (const { title, input } of [
      { title: "neither KeySpec nor NumberOfBytes", input: {} },
      { title: "both KeySpec and NumberOfBytes", input: { KeySpec: "AES_256", NumberOfBytes: 32 } },
      { title: "0 bytes", input: { NumberOfBytes: 0 } },
      { title: "1,025 bytes", input: { NumberOfBytes: 1025 } },
      { title: "an unknown KeySpec", input: { KeySpec: "AES_512" } },
    ]) {
      it(`S08-007: ${operation} with ${title} is ValidationException`, async () => {
        const { status, json } = await world.raw(operation, { KeyId: key.KeyId, ...input });
        assert.deepEqual([status, json["__type"]], [400, "ValidationException"]);
      });
    }
  }

  for (const { title, input, length } of [
    { title: "AES_128", input: { KeySpec: "AES_128" }, length: 16 },
    { title: "AES_256", input: { KeySpec: "AES_256" }, length: 32 },
    { title: "1 byte", input: { NumberOfBytes: 1 }, length: 1 },
    { title: "1,024 bytes", input: { NumberOfBytes: 1024 }, length: 1024 },
  ] as const) {
    it(`S08-007: ${title} gives ${length} bytes and their ciphertext`, async () => {
      const made = await kms.generateDataKey({ KeyId: key.KeyId, ...input });
      assert.equal(present(made.Plaintext).length, length);
      assert.equal(made.KeyMaterialId, key.CurrentKeyMaterialId);
      const { CiphertextBlob } = made;
      assert.deepEqual((await kms.decrypt({ CiphertextBlob })).Plaintext, made.Plaintext);
      const blind = membersOf(await kms.generateDataKeyWithoutPlaintext({ KeyId: key.KeyId, ...input }));
      assert.deepEqual(Object.keys(blind).sort(), ["CiphertextBlob", "KeyId", "KeyMaterialId"]);
      assert.equal(present((await kms.decrypt({ CiphertextBlob: blind.CiphertextBlob })).Plaintext).length, length);
    });
  }

  it("gives another key each time", async () => {
    const [one, two] = [
      await kms.generateDataKey({ KeyId: key.KeyId, KeySpec: "AES_256" }),
      await kms.generateDataKey({ KeyId: key.KeyId, KeySpec: "AES_256" }),
    ];
    assert.notDeepEqual(one.Plaintext, two.Plaintext);
    assert.notDeepEqual(one.CiphertextBlob, two.CiphertextBlob);
  });
});

describe("GenerateRandom", () => {
  const limit = (value: number, what: string): string =>
    `1 validation error detected: Value '${value}' at 'numberOfBytes' failed to satisfy constraint: Member must have value ${what}`;

  it("gives as many bytes as asked for", async () => {
    for (const NumberOfBytes of [1, 1024]) {
      const { json } = await world.raw("GenerateRandom", { NumberOfBytes });
      assert.deepEqual(Object.keys(json), ["Plaintext"]);
      assert.equal(Uint8Array.fromBase64(String(json["Plaintext"])).length, NumberOfBytes);
    }
  });

  for (const { NumberOfBytes, message } of [
    { NumberOfBytes: 0, message: limit(0, "greater than or equal to 1") },
    { NumberOfBytes: 1025, message: limit(1025, "less than or equal to 1024") },
    { NumberOfBytes: undefined, message: "NumberOfBytes is required." },
  ]) {
    it(`refuses ${NumberOfBytes} bytes in AWS's words`, async () => {
      await assertRefused(kms.generateRandom({ NumberOfBytes }), "ValidationException", message);
    });
  }
});

describe("DryRun", () => {
  for (const [operation, call] of Object.entries({
    Encrypt: () => kms.encrypt({ KeyId: key.KeyId, Plaintext: bytes(1), DryRun: true }),
    Decrypt: async () => kms.decrypt({ CiphertextBlob: await sealed(), DryRun: true }),
    ReEncrypt: async () =>
      kms.reEncrypt({ CiphertextBlob: await sealed(), DestinationKeyId: second.KeyId, DryRun: true }),
    GenerateDataKey: () => kms.generateDataKey({ KeyId: key.KeyId, KeySpec: "AES_256", DryRun: true }),
    GenerateDataKeyWithoutPlaintext: () =>
      kms.generateDataKeyWithoutPlaintext({ KeyId: key.KeyId, KeySpec: "AES_256", DryRun: true }),
  })) {
    it(`ends ${operation} with DryRunOperationException`, async () => {
      await assertRefused(call(), "DryRunOperationException", DRY_RUN);
    });
  }

  const modifiers: Pick<DecryptCommandInput, "DryRunModifiers"> = { DryRunModifiers: ["IGNORE_CIPHERTEXT"] };

  it("S08-024: IGNORE_CIPHERTEXT lets a dry run leave the ciphertext out when it names the key", async () => {
    await assertRefused(
      kms.decrypt({ KeyId: key.KeyId, DryRun: true, ...modifiers }),
      "DryRunOperationException",
      DRY_RUN,
    );
    await assertRefused(
      kms.reEncrypt({ SourceKeyId: key.KeyId, DestinationKeyId: second.KeyId, DryRun: true, ...modifiers }),
      "DryRunOperationException",
      DRY_RUN,
    );
  });

  it("S08-024: IGNORE_CIPHERTEXT is refused without a key, and without DryRun", async () => {
    const CiphertextBlob = await sealed();
    const DestinationKeyId = second.KeyId;
    for (const call of [
      () => kms.decrypt({ DryRun: true, ...modifiers }),
      () => kms.decrypt({ KeyId: key.KeyId, ...modifiers }),
      () => kms.decrypt({ KeyId: key.KeyId, DryRun: false, ...modifiers }),
      () => kms.decrypt({ KeyId: key.KeyId, CiphertextBlob, ...modifiers }),
      () => kms.reEncrypt({ DestinationKeyId, DryRun: true, ...modifiers }),
      () => kms.reEncrypt({ SourceKeyId: key.KeyId, DestinationKeyId, ...modifiers }),
    ]) {
      await assertRefused(call(), "ValidationException");
    }
  });

  it("S08-024: without IGNORE_CIPHERTEXT the ciphertext is needed, and must be good", async () => {
    await assertRefused(kms.decrypt({ KeyId: key.KeyId, DryRun: true }), "ValidationException");
    await assertRefused(kms.decrypt({ KeyId: key.KeyId }), "ValidationException");
    await assertRefused(
      kms.decrypt({ KeyId: key.KeyId, CiphertextBlob: bytes(100), DryRun: true }),
      "InvalidCiphertextException",
    );
  });

  it("S08-024: IGNORE_CIPHERTEXT looks at no ciphertext that is sent nevertheless", async () => {
    const foreign = present((await kms.encrypt({ KeyId: second.KeyId, Plaintext: bytes(1) })).CiphertextBlob);
    for (const CiphertextBlob of [bytes(100), foreign, (await sealed()).with(-1, 0)]) {
      await assertRefused(
        kms.decrypt({ KeyId: key.KeyId, CiphertextBlob, DryRun: true, ...modifiers }),
        "DryRunOperationException",
        DRY_RUN,
      );
    }
  });

  it("fails as the request would have failed", async () => {
    const { KeyId } = await newKey(kms);
    await kms.disableKey({ KeyId });
    await assertRefused(kms.encrypt({ KeyId, Plaintext: bytes(1), DryRun: true }), "DisabledException");
  });
});
