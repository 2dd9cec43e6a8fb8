/** The parameters of an import, and what is refused of what comes with them (spec 05). */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import {
  encryptOaep,
  KEY_WRAP,
  keyWrap,
  newExternalKey,
  OAEP,
  privateKeyMaterial,
  randomMaterial,
  wrapFor,
} from "../key-material.ts";
import { assertRefused, bytes, newKey, present, startWorld } from "../kms-client.ts";

const world = await startWorld();
after(() => world.stop());
const { kms } = world;

const FOR_EVER = { ExpirationModel: "KEY_MATERIAL_DOES_NOT_EXPIRE" } as const;

describe("GetParametersForImport", () => {
  it("S05-046: takes a key id or ARN, no alias, and no key whose material is KMS's own", async () => {
    const { KeyId, Arn } = await newExternalKey(kms);
    await kms.createAlias({ AliasName: "alias/imported", TargetKeyId: KeyId });
    const alias = kms.getParametersForImport({ KeyId: "alias/imported", ...OAEP });
    await assertRefused(alias, /^(?:NotFoundException|InvalidArnException)$/);
    const before = await world.server.clock.now();
    const answer = await kms.getParametersForImport({ KeyId: Arn, ...OAEP });
    assert.equal(answer.KeyId, Arn);
    const leftMs = present(answer.ParametersValidTo).getTime() - before.getTime() - 24 * 3_600_000;
    assert.ok(leftMs >= 0 && leftMs < 60_000, String(leftMs));
    const own = await newKey(kms);
    await assertRefused(
      kms.getParametersForImport({ KeyId: own.KeyId, ...OAEP }),
      "UnsupportedOperationException",
      `${own.Arn} origin is AWS_KMS which is not valid for this operation.`,
    );
  });

  for (const { id, title, KeySpec, wrapping, code } of [
    {
      id: "S05-047, S08-026",
      title: "the retired algorithm",
      KeySpec: "SYMMETRIC_DEFAULT",
      wrapping: { ...OAEP, WrappingAlgorithm: "RSAES_PKCS1_V1_5" },
      code: "UnsupportedOperationException",
    },
    {
      id: "S05-048",
      title: "AES key wrap for a symmetric key",
      KeySpec: "SYMMETRIC_DEFAULT",
      wrapping: KEY_WRAP,
      code: "ValidationException",
    },
    {
      id: "S05-048",
      title: "a block of OAEP for an RSA key",
      KeySpec: "RSA_2048",
      wrapping: OAEP,
      code: "ValidationException",
    },
    {
      id: "S05-048",
      title: "the smallest block for P-521",
      KeySpec: "ECC_NIST_P521",
      wrapping: OAEP,
      code: "ValidationException",
    },
    {
      id: "S05-048",
      title: "SM2",
      KeySpec: "SYMMETRIC_DEFAULT",
      wrapping: { WrappingAlgorithm: "SM2PKE", WrappingKeySpec: "SM2" },
      code: "UnsupportedOperationException",
    },
  ] as const) {
    it(`${id}: refuses ${title}`, async () => {
      const kind = KeySpec === "SYMMETRIC_DEFAULT" ? {} : ({ KeySpec, KeyUsage: "SIGN_VERIFY" } as const);
      const { KeyId } = await newExternalKey(kms, kind);
      const { WrappingAlgorithm, WrappingKeySpec } = wrapping;
      const message = `Wrapping algorithm ${WrappingAlgorithm} and wrapping key spec ${WrappingKeySpec} cannot be used to import a ${KeySpec} key.`;
      const told = code === "ValidationException" ? message : undefined;
      await assertRefused(kms.getParametersForImport({ KeyId, ...wrapping }), code, told);
    });
  }
});

describe("wrapped material that does not open", () => {
  const wrapping = KEY_WRAP;
  const P256 = { KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" } as const;
  const material = privateKeyMaterial("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256");
  /** Every way to spoil it, whatever part it is that fails. */
  const SPOILT: readonly [title: string, spoil: (wrapped: Uint8Array, publicKey: Uint8Array) => Uint8Array][] = [
    ["nothing but junk", () => bytes(24)],
    ["junk as long as the modulus", () => bytes(256)],
    ["junk as long as it should be", (wrapped) => bytes(wrapped.length)],
    ["the AES key changed", (wrapped) => wrapped.with(9, (wrapped[9] ?? 0) ^ 1)],
    ["the material changed", (wrapped) => wrapped.with(-1, (wrapped.at(-1) ?? 0) ^ 1)],
    ["a byte less", (wrapped) => wrapped.subarray(0, -1)],
    ["a block more", (wrapped) => new Uint8Array([...wrapped, ...bytes(8)])],
    ["the AES key alone", (wrapped) => wrapped.subarray(0, 256)],
    ["another order", (wrapped) => new Uint8Array([...wrapped.subarray(256), ...wrapped.subarray(0, 256)])],
    [
      "an AES key of 128 bits",
      (_wrapped, publicKey) => {
        const short = encryptOaep(randomMaterial(16), publicKey, wrapping.WrappingAlgorithm);
        return new Uint8Array([...short, ...keyWrap(material, randomMaterial(32))]);
      },
    ],
    [
      "the other hash",
      (_wrapped, publicKey) => {
        const aesKey = randomMaterial(32);
        const other = encryptOaep(aesKey, publicKey, "RSA_AES_KEY_WRAP_SHA_1");
        return new Uint8Array([...other, ...keyWrap(material, aesKey)]);
      },
    ],
  ];

  it("S05-050: is one error without a message, wherever it fails", async () => {
    const { KeyId } = await newExternalKey(kms, P256);
    const { ImportToken, PublicKey } = await kms.getParametersForImport({ KeyId, ...wrapping });
    const aesKey = randomMaterial(32);
    const key = encryptOaep(aesKey, present(PublicKey), wrapping.WrappingAlgorithm);
    const good = new Uint8Array([...key, ...keyWrap(material, aesKey)]);
    const take = (EncryptedKeyMaterial: Uint8Array) =>
      kms.importKeyMaterial({
        KeyId,
        ImportToken,
        EncryptedKeyMaterial,
        ...FOR_EVER,
      });
    for (const [title, spoil] of SPOILT) {
      const { message: text } = await assertRefused(
        take(spoil(good, present(PublicKey))),
        "InvalidCiphertextException",
      );
      assert.ok(text === "" || text === "UnknownError" || text === "InvalidCiphertextException", `${title}: ${text}`);
    }
    await take(good);
  });

  it("S05-072: is the same when it was wrapped under the key of another token", async () => {
    const { KeyId } = await newExternalKey(kms);
    const material = randomMaterial(32);
    const [first, second] = [await wrapFor(kms, KeyId, material), await wrapFor(kms, KeyId, material)];
    await assertRefused(
      kms.importKeyMaterial({ ...first, ImportToken: second.ImportToken, KeyId, ...FOR_EVER }),
      "InvalidCiphertextException",
    );
    await kms.importKeyMaterial({ ...first, KeyId, ...FOR_EVER });
    await kms.importKeyMaterial({ ...second, KeyId, ...FOR_EVER });
  });
});
