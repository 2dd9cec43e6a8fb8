/** Custody for a recipient: what comes out is CMS that OpenSSL opens with the recipient's key, and nothing else. */

import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import type { PlaintextSource } from "../../src/custody/custody.ts";
import { envelop, findRecipient, type Recipient } from "../../src/custody/enveloped-data.ts";
import { RecipientCustody } from "../../src/custody/recipient-custody.ts";
import { openEnvelope, openssl } from "../openssl.ts";
import { ascii, newCustody, owner } from "./fixtures.ts";

interface RecordedRecipient {
  readonly publicKey: string;
  readonly head: string;
}

const recorded = JSON.parse(
  readFileSync(new URL("../vectors/recipient-key-identifier.json", import.meta.url), "utf8"),
) as RecordedRecipient;

const spkiOf = (key: KeyObject): Uint8Array => new Uint8Array(key.export({ format: "der", type: "spki" }));

interface Platform {
  readonly recipient: Recipient;
  readonly spki: Uint8Array;
  readonly pem: string;
}

function newPlatform(modulusLength = 2048): Platform {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength });
  const spki = spkiOf(publicKey);
  return { recipient: recipientOf(spki), spki, pem: privateKey.export({ format: "pem", type: "pkcs8" }).toString() };
}

function recipientOf(spki: Uint8Array): Recipient {
  const recipient = findRecipient(spki);
  assert.ok(recipient);
  return recipient;
}

const platform = newPlatform();
const stranger = newPlatform();

describe("an envelope", () => {
  for (const length of [1, 15, 16, 32, 1024, 4096]) {
    it(`of ${length} bytes opens with the recipient's key, and with no other`, () => {
      const plaintext = new Uint8Array(length).fill(length & 0xff);
      const envelope = envelop(platform.recipient, plaintext);
      assert.deepEqual(openEnvelope(envelope, platform.pem), plaintext);
      assert.notDeepEqual(openEnvelope(envelope, stranger.pem), plaintext);
      assert.ok(envelope.length <= 6144, "CiphertextForRecipient has at most 6,144 bytes");
    });
  }

  it("opens with keys of 3,072 and 4,096 bits", () => {
    for (const bits of [3072, 4096]) {
      const { recipient, pem } = newPlatform(bits);
      assert.deepEqual(openEnvelope(envelop(recipient, ascii("key")), pem), ascii("key"));
    }
  });

  it("never has the same bytes twice, nor the plaintext among them", () => {
    const plaintext = ascii("a plaintext of thirty-two bytes!");
    const [left, right] = [envelop(platform.recipient, plaintext), envelop(platform.recipient, plaintext)];
    assert.notDeepEqual(left, right);
    assert.equal(Buffer.from(left).indexOf(plaintext), -1);
  });

  it("begins byte for byte as a recorded answer of AWS KMS to the same key, and is framed like it to its end", () => {
    const envelope = envelop(recipientOf(Uint8Array.fromBase64(recorded.publicKey)), new Uint8Array(32));
    const head = recorded.head.length / 2;
    assert.equal(envelope.subarray(0, head).toHex(), recorded.head);
    const content = envelope.subarray(head + 256).toHex();
    assert.match(
      content,
      /^308006092a864886f70d010701301d060960864801650304012a0410[0-9a-f]{32}a0800430[0-9a-f]{96}0{20}$/,
    );
  });

  it("is well-formed BER", () => {
    const { ok } = openssl(["asn1parse", "-inform", "DER", "-in", "{envelope}"], {
      envelope: envelop(platform.recipient, new Uint8Array(300)),
    });
    assert.equal(ok, true);
  });
});

describe("a recipient's public key", () => {
  const rsa = (modulusLength: number, publicExponent = 65_537): Uint8Array =>
    spkiOf(generateKeyPairSync("rsa", { modulusLength, publicExponent }).publicKey);
  for (const { title, spki } of [
    { title: "an RSA key of 1,024 bits", spki: rsa(1024) },
    { title: "an RSA key with exponent 3", spki: rsa(2048, 3) },
    { title: "an RSA key and a byte more", spki: new Uint8Array([...platform.spki, 0]) },
    { title: "an RSA key cut short", spki: platform.spki.slice(0, -1) },
    { title: "an RSASSA-PSS key", spki: spkiOf(generateKeyPairSync("rsa-pss", { modulusLength: 2048 }).publicKey) },
    { title: "an elliptic-curve key", spki: spkiOf(generateKeyPairSync("ec", { namedCurve: "P-384" }).publicKey) },
    { title: "PEM", spki: ascii("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n") },
    { title: "nothing", spki: new Uint8Array(0) },
    { title: "zeros", spki: new Uint8Array(294) },
  ]) {
    it(`is not ${title}`, async () => {
      assert.equal(findRecipient(spki), undefined);
      const { custody } = await newCustody();
      assert.equal(await custody.forRecipient(spki), undefined);
    });
  }
});

describe("custody for a recipient", () => {
  const open = (envelope: Uint8Array | undefined): Uint8Array | undefined =>
    envelope && openEnvelope(envelope, platform.pem);

  it("answers envelopes where custody answers plaintexts", async () => {
    const { custody } = await newCustody();
    const attested = await custody.forRecipient(platform.spki);
    assert.ok(attested);
    const material = await custody.createMaterial(owner);
    const blob = await custody.encrypt(material, ascii("Attack at dawn"), { a: "b" });
    assert.deepEqual(open(await attested.decrypt(material, blob, { a: "b" })), ascii("Attack at dawn"));

    const key = await attested.generateDataKey(material, 32, {});
    assert.deepEqual(open(key.plaintext), await custody.decrypt(material, key.blob, {}));

    const pair = await attested.generateDataKeyPair(material, "RSA_4096", {});
    assert.deepEqual(open(pair.privateKey), await custody.decrypt(material, pair.blob, {}));
    assert.ok(pair.privateKey.length <= 6144);

    const agreeing = await custody.createMaterial({ ...owner, spec: "ECC_NIST_P256", usage: "KEY_AGREEMENT" });
    const peer = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const secret = await custody.deriveSharedSecret(agreeing, spkiOf(peer.publicKey));
    assert.deepEqual(open(await attested.deriveSharedSecret(agreeing, spkiOf(peer.publicKey))), secret);
    assert.equal(await attested.deriveSharedSecret(agreeing, new Uint8Array(91)), undefined);

    assert.equal(open(attested.random(1024))?.length, 1024);
    custody.close();
  });

  it("wipes every plaintext that it enveloped", async () => {
    const given: Uint8Array[] = [];
    const secret = (length: number): Uint8Array => {
      const bytes = new Uint8Array(length).fill(0x5a);
      given.push(bytes);
      return bytes;
    };
    const source: PlaintextSource = {
      decrypt: async () => secret(5),
      generateDataKey: async () => ({ plaintext: secret(32), blob: new Uint8Array(1) }),
      generateDataKeyPair: async () => ({
        publicKey: new Uint8Array(1),
        privateKey: secret(99),
        blob: new Uint8Array(1),
      }),
      deriveSharedSecret: async () => secret(48),
      random: secret,
      takeRandom: (bytes) => bytes,
    };
    const attested = new RecipientCustody(source, platform.recipient);
    const { custody } = await newCustody();
    const material = await custody.createMaterial(owner);
    await attested.decrypt(material, new Uint8Array(1), {});
    await attested.generateDataKey(material, 32, {});
    await attested.generateDataKeyPair(material, "RSA_2048", {});
    await attested.deriveSharedSecret(material, new Uint8Array(1));
    attested.random(7);
    assert.deepEqual(
      given,
      [5, 32, 99, 48, 7].map((length) => new Uint8Array(length)),
    );
  });
});
