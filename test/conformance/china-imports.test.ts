/** Imports in China Regions: SM2 wrapping keys, and what OpenSSL's command line wraps under them. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import type { CreateKeyCommandInput } from "@aws-sdk/client-kms";
import {
  importInto,
  newExternalKey,
  OAEP,
  opensslOutput,
  privateKeyMaterial,
  randomMaterial,
  type Wrapping,
} from "../key-material.ts";
import { assertRefused, bytes, describedKey, present, startWorld } from "../kms-client.ts";

const world = await startWorld();
after(() => world.stop());
const beijing = world.client("cn-north-1");

const SM2: Wrapping = { WrappingAlgorithm: "SM2PKE", WrappingKeySpec: "SM2" };
const FOR_EVER = { ExpirationModel: "KEY_MATERIAL_DOES_NOT_EXPIRE" } as const;

/** Parameters of an import, and a wrapping under its SM2 key: DER of C1, C3 and C2, which `openssl pkeyutl` writes. */
async function parametersFor(KeyId: string) {
  const { PublicKey, ImportToken } = await beijing.getParametersForImport({ KeyId, ...SM2 });
  const args = ["pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", "{key}", "-in", "{material}"];
  const wrap = (material: Uint8Array) => opensslOutput(args, { key: present(PublicKey), material });
  return { PublicKey: present(PublicKey), ImportToken: present(ImportToken), wrap };
}

const genpkey = (...args: readonly string[]) => privateKeyMaterial("-algorithm", ...args);

/** Each kind of key with material for it, and a call that takes the key's material to succeed. */
const KINDS: readonly {
  readonly kind: CreateKeyCommandInput;
  readonly material: () => Uint8Array;
  readonly use: (KeyId: string) => Promise<unknown>;
}[] = [
  {
    kind: { KeySpec: "SYMMETRIC_DEFAULT" },
    material: () => randomMaterial(16),
    async use(KeyId) {
      const { CiphertextBlob } = await beijing.encrypt({ KeyId, Plaintext: bytes(20) });
      assert.deepEqual((await beijing.decrypt({ CiphertextBlob })).Plaintext, bytes(20));
    },
  },
  {
    kind: { KeySpec: "HMAC_512", KeyUsage: "GENERATE_VERIFY_MAC" },
    material: () => randomMaterial(64),
    use: (KeyId) => beijing.generateMac({ KeyId, Message: bytes(3), MacAlgorithm: "HMAC_SHA_512" }),
  },
  {
    kind: { KeySpec: "ECC_NIST_P521", KeyUsage: "SIGN_VERIFY" },
    material: () => genpkey("EC", "-pkeyopt", "ec_paramgen_curve:P-521"),
    use: (KeyId) => beijing.sign({ KeyId, Message: bytes(3), SigningAlgorithm: "ECDSA_SHA_512" }),
  },
  {
    kind: { KeySpec: "RSA_4096", KeyUsage: "SIGN_VERIFY" },
    material: () => genpkey("RSA", "-pkeyopt", "rsa_keygen_bits:4096"),
    use: (KeyId) => beijing.sign({ KeyId, Message: bytes(3), SigningAlgorithm: "RSASSA_PSS_SHA_256" }),
  },
  {
    kind: { KeySpec: "SM2", KeyUsage: "SIGN_VERIFY" },
    material: () => genpkey("SM2"),
    use: (KeyId) => beijing.sign({ KeyId, Message: bytes(3), SigningAlgorithm: "SM2DSA" }),
  },
];

describe("an import under an SM2 wrapping key", () => {
  for (const { kind, material, use } of KINDS) {
    it(`S05-048: brings ${kind.KeySpec} material that OpenSSL wrapped, by a pair of its own each time`, async () => {
      const { KeyId } = await newExternalKey(beijing, kind);
      const { PublicKey, ImportToken, wrap } = await parametersFor(KeyId);
      assert.equal(PublicKey.subarray(0, 23).toHex(), "3059301306072a8648ce3d020106082a811ccf5501822d");
      assert.notDeepEqual((await parametersFor(KeyId)).PublicKey, PublicKey);
      const own = material();
      await beijing.importKeyMaterial({ KeyId, ImportToken, EncryptedKeyMaterial: wrap(own), ...FOR_EVER });
      assert.equal((await describedKey(beijing, KeyId)).KeyState, "Enabled");
      await use(KeyId);
      if (kind.KeyUsage !== "SIGN_VERIFY") return;
      const spki = opensslOutput(["pkey", "-inform", "DER", "-in", "{own}", "-pubout", "-outform", "DER"], { own });
      assert.deepEqual((await beijing.getPublicKey({ KeyId })).PublicKey, spki);
    });
  }

  it("refuses what was altered, what is under another key, and what is no material of the key", async () => {
    const { KeyId } = await newExternalKey(beijing);
    const { ImportToken, wrap } = await parametersFor(KeyId);
    const other = await parametersFor(KeyId);
    const whole = wrap(randomMaterial(16));
    const importing = (EncryptedKeyMaterial: Uint8Array) =>
      beijing.importKeyMaterial({ KeyId, ImportToken, EncryptedKeyMaterial, ...FOR_EVER });
    for (const spoilt of [
      whole.with(-1, (whole.at(-1) ?? 0) ^ 1),
      whole.subarray(0, -1),
      new Uint8Array([...whole, 0]),
      bytes(100),
      other.wrap(randomMaterial(16)),
    ]) {
      await assertRefused(importing(spoilt), "InvalidCiphertextException");
    }
    await assertRefused(importing(wrap(randomMaterial(32))), "IncorrectKeyMaterialException");
    await importing(whole);
  });

  it("S05-048: is had in China Regions alone, which have no AES key wrap", async () => {
    const { KeyId } = await newExternalKey(world.kms);
    await assertRefused(world.kms.getParametersForImport({ KeyId, ...SM2 }), "UnsupportedOperationException");
    const { KeyId: chinese } = await newExternalKey(beijing);
    for (const wrapping of [
      { WrappingAlgorithm: "RSA_AES_KEY_WRAP_SHA_256", WrappingKeySpec: "RSA_2048" },
      { ...SM2, WrappingKeySpec: "RSA_2048" },
      { ...OAEP, WrappingKeySpec: "SM2" },
    ] as const) {
      const refused = beijing.getParametersForImport({ KeyId: chinese, ...wrapping });
      await assertRefused(refused, "ValidationException", /cannot be used to import a SYMMETRIC_DEFAULT key\.$/);
    }
    await importInto(beijing, chinese, randomMaterial(16));
  });
});
