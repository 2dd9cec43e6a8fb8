/** What node:crypto can't do: OpenSSL's answers and those of @noble/* hold each other, and wrong answers are not taken. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash, createPrivateKey, generateKeyPairSync, randomBytes, verify } from "node:crypto";
import { describe, it } from "node:test";
import { passesKnownAnswers } from "../../src/custody/known-answers.ts";
import { Libcrypto } from "../../src/custody/libcrypto.ts";
import { noblePrimitives } from "../../src/custody/noble-primitives.ts";
import { openSslPrimitives } from "../../src/custody/openssl-primitives.ts";
import { choose, type Primitives, type RawScheme, type Sm2 } from "../../src/custody/primitives.ts";
import { ascii, flipped } from "./fixtures.ts";

const libcrypto = Libcrypto.find();
assert.ok(libcrypto !== undefined);
const openSsl = openSslPrimitives(libcrypto);
const both = { openSsl, noble: noblePrimitives } as const;

const ecPair = (namedCurve: string) => generateKeyPairSync("ec", { namedCurve });
const digest = (hash: string): Uint8Array => createHash(hash).update("Attack at dawn").digest();

const CASES = [
  { title: "ECDSA with P-256", scheme: "ecdsa", pair: ecPair("prime256v1"), message: digest("sha256") },
  { title: "ECDSA with P-384", scheme: "ecdsa", pair: ecPair("secp384r1"), message: digest("sha384") },
  { title: "ECDSA with P-521", scheme: "ecdsa", pair: ecPair("secp521r1"), message: digest("sha512") },
  { title: "ECDSA with secp256k1", scheme: "ecdsa", pair: ecPair("secp256k1"), message: digest("sha256") },
  { title: "Ed25519ph", scheme: "ed25519ph", pair: generateKeyPairSync("ed25519"), message: digest("sha512") },
  {
    title: "ML-DSA-44 over mu",
    scheme: "externalMu",
    pair: generateKeyPairSync("ml-dsa-44"),
    message: randomBytes(64),
  },
  {
    title: "ML-DSA-65 over mu",
    scheme: "externalMu",
    pair: generateKeyPairSync("ml-dsa-65"),
    message: randomBytes(64),
  },
  {
    title: "ML-DSA-87 over mu",
    scheme: "externalMu",
    pair: generateKeyPairSync("ml-dsa-87"),
    message: randomBytes(64),
  },
] as const;

describe("a signature that node:crypto can't make", () => {
  for (const { title, scheme, pair, message } of CASES) {
    for (const [signer, verifier] of [
      ["openSsl", "noble"],
      ["noble", "openSsl"],
    ] as const) {
      it(`by ${title} of ${signer} is verified by ${verifier}, and nothing else is`, () => {
        const signature = both[signer][scheme].sign(pair.privateKey, message);
        const holds = (bytes: Uint8Array, of: Uint8Array): boolean =>
          both[verifier][scheme].verify(pair.publicKey, of, bytes);
        assert.ok(holds(signature, message));
        assert.ok(!holds(signature, flipped(message, 3)));
        for (const spoilt of [
          flipped(signature, signature.length - 1),
          flipped(signature, 0),
          signature.subarray(1),
          Uint8Array.of(...signature, 0),
          new Uint8Array(0),
          new Uint8Array(signature.length),
        ]) {
          assert.ok(!holds(spoilt, message));
        }
      });
    }
  }

  it("by ECDSA of a digest is one of the message", () => {
    const { privateKey, publicKey } = ecPair("prime256v1");
    const signature = openSsl.ecdsa.sign(privateKey, digest("sha256"));
    assert.ok(verify("sha256", ascii("Attack at dawn"), publicKey, signature));
  });

  it("by ML-DSA of a mu of another length is refused", () => {
    const { privateKey, publicKey } = generateKeyPairSync("ml-dsa-44");
    for (const length of [0, 63, 65]) {
      assert.throws(() => openSsl.externalMu.sign(privateKey, new Uint8Array(length)), /OpenSSL could not sign/);
      assert.ok(!openSsl.externalMu.verify(publicKey, new Uint8Array(length), new Uint8Array(2420)));
    }
    const { privateKey: other } = ecPair("prime256v1");
    assert.throws(() => openSsl.externalMu.sign(other, new Uint8Array(64)), /Not an ML-DSA key/);
  });

  for (const [name, { ed25519ph }] of Object.entries(both)) {
    it(`by Ed25519ph of ${name} is that of RFC 8032, 7.3, TEST abc`, () => {
      const seed = "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42";
      const key = Buffer.from(`302e020100300506032b657004220420${seed}`, "hex");
      const privateKey = createPrivateKey({ key, format: "der", type: "pkcs8" });
      assert.equal(
        ed25519ph.sign(privateKey, ascii("abc")).toHex(),
        "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae4131f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406",
      );
    });
  }

  it("leaves no error behind for node:crypto to find", () => {
    const { privateKey, publicKey } = ecPair("prime256v1");
    assert.ok(!openSsl.ecdsa.verify(publicKey, digest("sha256"), ascii("no DER")));
    assert.throws(() => openSsl.externalMu.sign(generateKeyPairSync("ml-dsa-44").privateKey, ascii("short")));
    assert.throws(
      () => createPrivateKey({ key: Buffer.from("no key"), format: "der", type: "pkcs8" }),
      (cause: Error) => !/mu|ecdsa/i.test(cause.message),
    );
    assert.ok(openSsl.ecdsa.verify(publicKey, digest("sha256"), openSsl.ecdsa.sign(privateKey, digest("sha256"))));
  });
});

describe("the known answers", () => {
  const wrong = (scheme: RawScheme): RawScheme => ({
    ...scheme,
    sign: (privateKey, message) => flipped(scheme.sign(privateKey, message), 40),
  });
  const trusting = (scheme: RawScheme): RawScheme => ({ ...scheme, verify: () => true });
  const sm2 = openSsl.sm2;
  const { sm2: _none, ...withoutSm2 } = openSsl;
  const doctored: readonly { title: string; primitives: Primitives }[] = [
    { title: "a wrong ECDSA signature", primitives: { ...openSsl, ecdsa: wrong(openSsl.ecdsa) } },
    { title: "an ECDSA that holds everything true", primitives: { ...openSsl, ecdsa: trusting(openSsl.ecdsa) } },
    { title: "a wrong Ed25519ph signature", primitives: { ...openSsl, ed25519ph: wrong(openSsl.ed25519ph) } },
    {
      title: "an Ed25519ph that holds everything true",
      primitives: { ...openSsl, ed25519ph: trusting(openSsl.ed25519ph) },
    },
    { title: "a wrong ML-DSA signature", primitives: { ...openSsl, externalMu: wrong(openSsl.externalMu) } },
    {
      title: "an ML-DSA that holds everything true",
      primitives: { ...openSsl, externalMu: trusting(openSsl.externalMu) },
    },
    { title: "an SM2 that holds everything true", primitives: { ...openSsl, sm2: { ...sm2, verify: () => true } } },
    { title: "a wrong SM2 plaintext", primitives: { ...openSsl, sm2: { ...sm2, decrypt: () => ascii("x") } } },
    { title: "a wrong SM2 secret", primitives: { ...openSsl, sm2: { ...sm2, agree: () => new Uint8Array(32) } } },
    { title: "no SM2", primitives: withoutSm2 },
    {
      title: "an error",
      primitives: {
        ...openSsl,
        ecdsa: {
          ...openSsl.ecdsa,
          sign() {
            throw new Error("no such symbol");
          },
        },
      },
    },
  ] satisfies readonly { title: string; primitives: Primitives & { sm2?: Sm2 } }[];

  it("are OpenSSL's", () => assert.ok(passesKnownAnswers(openSsl)));
  for (const { title, primitives } of doctored) {
    it(`are not those of primitives with ${title}`, () => assert.ok(!passesKnownAnswers(primitives)));
  }
});

describe("the primitives in use", () => {
  it("are OpenSSL's where it can be reached, and nobody is warned", async () => {
    const { primitives, warning } = await choose(libcrypto);
    assert.equal(warning, undefined);
    assert.ok(primitives.sm2 !== undefined);
  });

  it("are JavaScript's where it can't, and the operator is told", async () => {
    const { primitives, warning } = await choose(undefined);
    assert.equal(primitives, noblePrimitives);
    assert.match(warning ?? "", /^OpenSSL can't be reached through node:ffi/);
  });

  it("are JavaScript's where OpenSSL gives other answers than are known, and the operator is told", async () => {
    class Liar extends Libcrypto {
      override verify(): boolean {
        return true;
      }
    }
    const liar = Liar.find();
    assert.ok(liar instanceof Liar);
    const { primitives, warning } = await choose(liar);
    assert.equal(primitives, noblePrimitives);
    assert.match(warning ?? "", /does not give the known answers/);
  });

  for (const flags of [["--no-experimental-ffi"], ["--permission", "--allow-fs-read=*"]]) {
    it(`are JavaScript's under ${flags.join(" ")}`, () => {
      const module = JSON.stringify(new URL("../../src/custody/primitives.ts", import.meta.url).href);
      const script = `const { choosePrimitives } = await import(${module});
        process.stdout.write((await choosePrimitives()).warning ?? "none");`;
      const { stdout, stderr } = spawnSync(process.execPath, [...flags, "--input-type=module", "-e", script], {
        encoding: "utf8",
      });
      assert.match(stdout, /can't be reached/, stderr);
    });
  }

  it("are found without node's warning that its ffi is experimental", () => {
    const module = JSON.stringify(new URL("../../src/custody/primitives.ts", import.meta.url).href);
    const script = `const { choosePrimitives } = await import(${module}); await choosePrimitives(); process.emitWarning("still told");`;
    const { stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
    assert.match(stderr, /still told/);
    assert.doesNotMatch(stderr, /FFI/);
  });
});
