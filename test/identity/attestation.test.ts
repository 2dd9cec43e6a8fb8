/** Attestation documents: which are relied on, and every way in which one can be wrong. */

import assert from "node:assert/strict";
import { createHash, generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { BasicConstraints, KeyUsageFlags } from "@peculiar/asn1-x509";
import fc from "fast-check";
import { type Attestation, Attestations } from "../../src/identity/attestation.ts";
import { AttestationError, parseSignedDocument } from "../../src/identity/attestation-document.ts";
import { parseRoots } from "../../src/identity/certificate-chain.ts";
import {
  cbor,
  certify,
  enclaveFields,
  extension,
  newPki,
  type Pki,
  pemOf,
  registers,
  type SigningOptions,
  signDocument,
  tpmFields,
} from "../attestation.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

const pki = newPki();
const publicKey = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ format: "der", type: "spki" });
const now = Date.now();

function attestations(root = pki.root, at = now): Attestations {
  return new Attestations({ roots: parseRoots(pemOf(root)), clock: { now: () => at } });
}

/** A document with these fields instead of the usual ones; undefined leaves one out. */
function documentWith(
  changes: Readonly<Record<string, unknown>> = {},
  { by = pki, ...options }: SigningOptions & { readonly by?: Pki } = {},
): Uint8Array {
  const fields = enclaveFields(by, publicKey);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) fields.delete(name);
    else fields.set(name, value);
  }
  return signDocument(by, fields, options);
}

function assertRefused(document: Uint8Array, message: string, under = attestations()): void {
  assert.throws(() => under.verify(document), new AttestationError(message));
}

const badField = (name: string): string => `its field ${name} is missing or malformed`;

describe("an attestation document", () => {
  it("of an enclave tells its module and its registers, in hex", () => {
    const { platform, moduleId, pcrs, publicKey: key } = attestations().verify(documentWith());
    assert.equal(platform, "enclave");
    assert.equal(moduleId, "i-0aa11bb22cc33dd44-enc0aa11bb22cc33dd4");
    assert.equal(pcrs.size, 16);
    assert.equal(pcrs.get(0), "a0".repeat(48));
    assert.equal(pcrs.get(15), "0f".repeat(48));
    assert.deepEqual(key, new Uint8Array(publicKey));
  });

  it("of NitroTPM tells the registers of the TPM", () => {
    const { platform, moduleId, pcrs } = attestations().verify(signDocument(pki, tpmFields(pki, publicKey)));
    assert.equal(platform, "tpm");
    assert.equal(moduleId, "i-0aa11bb22cc33dd44-tpm0000000000000000");
    assert.equal(pcrs.get(23), "17".repeat(48));
  });

  it("may carry the COSE tag, and no other", () => {
    assert.equal(attestations().verify(documentWith({}, { tag: 18 })).platform, "enclave");
    assertRefused(documentWith({}, { tag: 17 }), "it is not CBOR of the kind that attestation documents are made of");
    const twice = new Uint8Array([0xd2, ...documentWith({}, { tag: 18 })]);
    assertRefused(twice, "it is not CBOR of the kind that attestation documents are made of");
  });

  for (const { title, changes } of [
    { title: "without optional fields", changes: { user_data: undefined, nonce: undefined } },
    {
      title: "with user data and a nonce of 512 bytes",
      changes: { user_data: new Uint8Array(512), nonce: new Uint8Array(512) },
    },
    { title: "with empty user data", changes: { user_data: new Uint8Array(0) } },
    { title: "with one register", changes: { pcrs: new Map([[31, new Uint8Array(48)]]) } },
    {
      title: "with registers of every length",
      changes: { pcrs: new Map([32, 48, 64].map((length, index) => [index, new Uint8Array(length)])) },
    },
    { title: "with 32 registers", changes: { pcrs: registers(32) } },
    { title: "of almost five minutes ago", changes: { timestamp: BigInt(now - 5 * MINUTE_MS) } },
    { title: "of a clock that is ahead by up to five minutes", changes: { timestamp: BigInt(now + 5 * MINUTE_MS) } },
  ]) {
    it(`is relied on ${title}`, () => assert.equal(attestations().verify(documentWith(changes)).platform, "enclave"));
  }

  for (const { title, changes, message } of [
    ...["module_id", "digest", "timestamp", "pcrs", "certificate", "cabundle"].flatMap((name) => [
      { title: `without ${name}`, changes: { [name]: undefined }, message: badField(name) },
      { title: `whose ${name} is null`, changes: { [name]: null }, message: badField(name) },
      { title: `whose ${name} is of another type`, changes: { [name]: [[]] }, message: badField(name) },
    ]),
    { title: "with an empty module id", changes: { module_id: "" }, message: badField("module_id") },
    { title: "with another digest", changes: { digest: "SHA256" }, message: badField("digest") },
    { title: "dated zero", changes: { timestamp: 0 }, message: badField("timestamp") },
    { title: "dated before 1970", changes: { timestamp: -1 }, message: badField("timestamp") },
    { title: "without registers", changes: { pcrs: new Map() }, message: badField("pcrs") },
    {
      title: "with a register of 47 bytes",
      changes: { pcrs: new Map([[0, new Uint8Array(47)]]) },
      message: badField("pcrs"),
    },
    { title: "with register 32", changes: { pcrs: new Map([[32, new Uint8Array(48)]]) }, message: badField("pcrs") },
    { title: "with register -1", changes: { pcrs: new Map([[-1, new Uint8Array(48)]]) }, message: badField("pcrs") },
    {
      title: "with a named register",
      changes: { pcrs: new Map([["0", new Uint8Array(48)]]) },
      message: badField("pcrs"),
    },
    { title: "with a register of text", changes: { pcrs: new Map([[0, "0".repeat(48)]]) }, message: badField("pcrs") },
    { title: "with 33 registers", changes: { pcrs: registers(33) }, message: badField("pcrs") },
    { title: "with an empty bundle", changes: { cabundle: [] }, message: badField("cabundle") },
    {
      title: "with an empty certificate in its bundle",
      changes: { cabundle: [pki.root.der, new Uint8Array(0)] },
      message: badField("cabundle"),
    },
    {
      title: "with a certificate of 1,025 bytes",
      changes: { certificate: new Uint8Array(1025) },
      message: badField("certificate"),
    },
    {
      title: "with an empty certificate",
      changes: { certificate: new Uint8Array(0) },
      message: badField("certificate"),
    },
    { title: "with an empty public key", changes: { public_key: new Uint8Array(0) }, message: badField("public_key") },
    {
      title: "with a public key of 1,025 bytes",
      changes: { public_key: new Uint8Array(1025) },
      message: badField("public_key"),
    },
    { title: "with a public key of text", changes: { public_key: "key" }, message: badField("public_key") },
    {
      title: "with user data of 513 bytes",
      changes: { user_data: new Uint8Array(513) },
      message: badField("user_data"),
    },
    { title: "with a nonce of 513 bytes", changes: { nonce: new Uint8Array(513) }, message: badField("nonce") },
    { title: "with a nonce of text", changes: { nonce: "abc" }, message: badField("nonce") },
    {
      title: "with registers of both platforms",
      changes: { nitrotpm_pcrs: registers() },
      message: "it has a field that attestation documents do not have",
    },
    {
      title: "with a field of its own",
      changes: { extra: 1 },
      message: "it has a field that attestation documents do not have",
    },
    { title: "without a public key", changes: { public_key: undefined }, message: "it has no public key" },
    { title: "whose public key is null", changes: { public_key: null }, message: "it has no public key" },
    {
      title: "older than five minutes",
      changes: { timestamp: BigInt(now - 5 * MINUTE_MS - 1) },
      message: "it is older than five minutes",
    },
    {
      title: "dated in seconds",
      changes: { timestamp: Math.floor(now / 1000) },
      message: "it is older than five minutes",
    },
    {
      title: "from the future",
      changes: { timestamp: BigInt(now + 5 * MINUTE_MS + 1) },
      message: "its time lies ahead",
    },
  ]) {
    it(`is refused ${title}`, () => assertRefused(documentWith(changes), message));
  }

  it("of NitroTPM is refused without its registers and with user data of 1,025 bytes", () => {
    assertRefused(
      signDocument(pki, tpmFields(pki, publicKey).set("nitrotpm_pcrs", new Map())),
      badField("nitrotpm_pcrs"),
    );
    const fields = tpmFields(pki, publicKey);
    assert.equal(
      attestations().verify(signDocument(pki, fields.set("user_data", new Uint8Array(1024)))).platform,
      "tpm",
    );
    assertRefused(signDocument(pki, fields.set("user_data", new Uint8Array(1025))), badField("user_data"));
  });
});

describe("a document of AWS's own", () => {
  const recorded = JSON.parse(
    readFileSync(new URL("../vectors/nitro-attestation-document.json", import.meta.url), "utf8"),
  ) as { readonly document: string; readonly rootFingerprint: string };
  const document = Uint8Array.fromBase64(recorded.document);
  const [root = new Uint8Array(0)] = parseSignedDocument(document).document.cabundle;
  const verifiedAt = (moment: string): Attestation =>
    new Attestations({ roots: [root], clock: { now: () => Date.parse(moment) } }).verify(document);

  it("brings the root whose fingerprint AWS publishes", () => {
    assert.equal(createHash("sha256").update(root).digest("hex"), recorded.rootFingerprint);
    const pem = `-----BEGIN CERTIFICATE-----\n${root.toBase64()}\n-----END CERTIFICATE-----\n`;
    assert.deepEqual(parseRoots(pem), [root]);
  });

  it("is verified at its time, and tells what the enclave was", () => {
    const { platform, moduleId, pcrs } = verifiedAt("2025-07-18T08:38:00Z");
    assert.equal(platform, "enclave");
    assert.equal(moduleId, "i-0a9f2a8b8dd31c7c8-enc019802a541b75725");
    assert.equal(pcrs.size, 16);
    assert.match(pcrs.get(0) ?? "", /^19d44c076cdbc0d6.*1407d1$/);
  });

  it("is refused at any other", () => {
    assert.throws(() => verifiedAt("2025-07-18T08:43:00Z"), new AttestationError("it is older than five minutes"));
    assert.throws(() => verifiedAt("2025-07-18T08:32:00Z"), new AttestationError("its time lies ahead"));
    assert.throws(() => attestations(pki.root, Date.parse("2025-07-18T08:38:00Z")).verify(document), AttestationError);
  });
});

describe("the signature of an attestation document", () => {
  const wrong = "its signature is not one of its certificate's key";

  it("is the certificate's key's", () => {
    const stranger = generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey;
    assertRefused(documentWith({}, { key: stranger }), wrong);
  });

  it("covers every byte: a document with any bit changed is refused", () => {
    const document = documentWith();
    const under = attestations();
    fc.assert(
      fc.property(fc.nat(document.length - 1), fc.nat(7), (index, bit) => {
        const changed = document.slice();
        changed[index] = (changed[index] ?? 0) ^ (1 << bit);
        assert.throws(() => under.verify(changed), AttestationError);
      }),
      { numRuns: 150 },
    );
  });

  it("covers the payload: another payload under the same signature is refused", () => {
    const [header, unprotected, , signature] = [cbor(new Map([[1, -35]])), new Map(), 0, new Uint8Array(96).fill(1)];
    const payload = cbor(enclaveFields(pki, publicKey).set("pcrs", registers(2)));
    assertRefused(cbor([header, unprotected, payload, signature]), wrong);
  });

  for (const { title, header } of [
    { title: "ES256", header: new Map([[1, -7]]) },
    { title: "EdDSA", header: new Map([[1, -8]]) },
    { title: "an algorithm of text", header: new Map([[1, "ES384"]]) },
    { title: "no algorithm", header: new Map() },
    {
      title: "another parameter beside",
      header: new Map([
        [1, -35],
        [4, 1],
      ]),
    },
    { title: "a list", header: [1, -35] },
  ]) {
    it(`is ES384's: a header with ${title} is refused`, () => {
      assertRefused(documentWith({}, { header }), "it is not signed with ES384");
    });
  }

  it("has no unprotected header beside it", () => {
    assertRefused(documentWith({}, { unprotected: new Map([[1, -35]]) }), "it is not a COSE_Sign1 structure");
  });

  const parts = (changes: Readonly<Record<number, unknown>>): Uint8Array =>
    cbor(
      [cbor(new Map([[1, -35]])), new Map(), cbor(enclaveFields(pki, publicKey)), new Uint8Array(96)].map(
        (part, index) => (index in changes ? changes[index] : part),
      ),
    );
  for (const { title, document } of [
    { title: "three parts", document: cbor([new Uint8Array(1), new Map(), new Uint8Array(1)]) },
    {
      title: "five parts",
      document: cbor([new Uint8Array(1), new Map(), new Uint8Array(1), new Uint8Array(96), null]),
    },
    { title: "a map", document: cbor(new Map([[1, 2]])) },
    { title: "a header of text", document: parts({ 0: "header" }) },
    { title: "an unprotected header of bytes", document: parts({ 1: new Uint8Array(1) }) },
    { title: "a detached payload", document: parts({ 2: null }) },
    { title: "an empty payload", document: parts({ 2: new Uint8Array(0) }) },
    { title: "a payload of 16,385 bytes", document: parts({ 2: new Uint8Array(16_385) }) },
    { title: "a signature of 95 bytes", document: parts({ 3: new Uint8Array(95) }) },
    { title: "a signature of 97 bytes", document: parts({ 3: new Uint8Array(97) }) },
    { title: "a signature of text", document: parts({ 3: "signature" }) },
  ]) {
    it(`belongs to a COSE_Sign1 structure, not to ${title}`, () => {
      assertRefused(document, "it is not a COSE_Sign1 structure");
    });
  }

  for (const { title, document } of [
    { title: "nothing", document: new Uint8Array(0) },
    { title: "text", document: new TextEncoder().encode("an attestation document") },
    { title: "arrays as deep as a document is long", document: new Uint8Array(262_144).fill(0x81) },
    { title: "an array of more elements than memory holds", document: Uint8Array.fromHex("9b0000ffffffffffff") },
    { title: "a document and one byte more", document: new Uint8Array([...documentWith(), 0]) },
  ]) {
    it(`does not belong to ${title}`, () => {
      assertRefused(document, "it is not CBOR of the kind that attestation documents are made of");
    });
  }

  it("is asked for by whatever bytes come: they are refused with an AttestationError", () => {
    const under = attestations();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (document) => {
        assert.throws(() => under.verify(document), AttestationError);
        assert.throws(
          () => under.verify(signDocument(pki, document.length === 0 ? Uint8Array.of(0) : document)),
          AttestationError,
        );
      }),
      { numRuns: 100 },
    );
  });
});

describe("the certificates of an attestation document", () => {
  const notRoot = "its certificate chain does not begin with a trusted root";
  const notNitro = "a certificate of its chain is not one that the Nitro PKI issues";
  const notNow = "a certificate of its chain is expired or not valid yet";
  const notAllowed = "a certificate of its chain may not be used as it is";
  const notChained = "its certificates do not certify each other";
  const past = { notBefore: now - 2 * HOUR_MS, notAfter: now - MINUTE_MS };
  const future = { notBefore: now + MINUTE_MS, notAfter: now + HOUR_MS };

  it("begin with a root that the operator trusts", () => {
    const other = newPki();
    assertRefused(documentWith({}, { by: other }), notRoot);
    assertRefused(documentWith({ cabundle: pki.cas.map(({ der }) => der) }), notRoot);
    const none = new Attestations({ roots: [], clock: { now: () => now } });
    assertRefused(documentWith(), notRoot, none);
  });

  it("may begin with any of several roots", () => {
    const other = newPki();
    const roots = parseRoots(pemOf(pki.root) + pemOf(other.root));
    const both = new Attestations({ roots, clock: { now: () => now } });
    for (const by of [pki, other]) assert.equal(both.verify(documentWith({}, { by })).platform, "enclave");
  });

  it("may be the root and the leaf alone", () => {
    const leaf = certify({ name: "module", issuer: pki.root });
    const short = { root: pki.root, cas: [], leaf };
    assert.equal(attestations().verify(documentWith({}, { by: short })).platform, "enclave");
  });

  for (const { title, parts, message } of [
    { title: "an expired root", parts: { root: past }, message: notNow },
    { title: "a CA that is expired", parts: { zone: past }, message: notNow },
    { title: "a CA that is not valid yet", parts: { instance: future }, message: notNow },
    { title: "a leaf that is expired", parts: { leaf: past }, message: notNow },
    { title: "a leaf that is not valid yet", parts: { leaf: future }, message: notNow },
    {
      title: "an intermediate that is no CA",
      parts: { zone: { ca: false, usage: KeyUsageFlags.keyCertSign } },
      message: notAllowed,
    },
    {
      title: "an intermediate that is a CA, not critically",
      parts: { zone: { criticalCa: false } },
      message: notAllowed,
    },
    {
      title: "an intermediate that may not sign certificates",
      parts: { instance: { usage: KeyUsageFlags.digitalSignature } },
      message: notChained,
    },
    {
      title: "an intermediate with a longer path than it allows",
      parts: { zone: { pathLength: 0 } },
      message: notAllowed,
    },
    {
      title: "a leaf that is a CA",
      parts: { leaf: { ca: true, usage: KeyUsageFlags.digitalSignature } },
      message: notAllowed,
    },
    { title: "a leaf that may not sign", parts: { leaf: { usage: KeyUsageFlags.keyAgreement } }, message: notAllowed },
    { title: "a leaf with a path length", parts: { leaf: { pathLength: 0 } }, message: notAllowed },
    { title: "a leaf that names another issuer", parts: { leaf: { issuerName: "somebody" } }, message: notChained },
    {
      title: "a leaf signed by the root in the name of a CA",
      parts: { leaf: { issuer: pki.root, issuerName: "instance" } },
      message: notChained,
    },
    { title: "a P-256 leaf", parts: { leaf: { curve: "P-256" } }, message: notNitro },
    { title: "a P-256 CA", parts: { zone: { curve: "P-256" } }, message: notNitro },
    { title: "a certificate signed with SHA-256", parts: { leaf: { hash: "sha256" } }, message: notNitro },
    {
      title: "an unknown critical extension",
      parts: { leaf: { extensions: [extension("1.2.3.4", new BasicConstraints(), true)] } },
      message: notNitro,
    },
    {
      title: "an extension twice",
      parts: { leaf: { extensions: [extension("2.5.29.19", new BasicConstraints(), false)] } },
      message: notNitro,
    },
  ] as const) {
    it(`are not relied on with ${title}`, () => {
      const by = newPki(parts);
      const under = new Attestations({ roots: [by.root.der], clock: { now: () => now } });
      assertRefused(documentWith({}, { by, key: pki.leaf.privateKey }), message, under);
    });
  }

  it("may have further extensions that are not critical", () => {
    const by = newPki({ leaf: { extensions: [extension("1.2.3.4", new BasicConstraints(), false)] } });
    assert.equal(attestations(by.root).verify(documentWith({}, { by })).platform, "enclave");
  });

  it("are looked at anew in every document, though a chain is verified once", () => {
    let time = now;
    const under = new Attestations({ roots: [pki.root.der], clock: { now: () => time } });
    const at = (moment: number): Uint8Array => {
      time = moment;
      return documentWith({ timestamp: BigInt(moment) });
    };
    for (const moment of [now, now + MINUTE_MS]) assert.equal(under.verify(at(moment)).platform, "enclave");
    for (const moment of [now + 2 * HOUR_MS, now - 2 * HOUR_MS]) assertRefused(at(moment), notNow, under);
    const forged = certify({ name: "module", issuer: certify({ name: "instance", ca: true }) });
    assertRefused(documentWith({}, { by: { ...pki, leaf: forged } }), notChained, attestations());
    under.verify(at(now));
    assertRefused(documentWith({}, { by: { ...pki, leaf: forged } }), notChained, under);
    const [zone] = pki.cas.map(({ der }) => der);
    assertRefused(documentWith({ cabundle: [pki.root.der, zone] }), notChained, under);
    assertRefused(documentWith({ cabundle: [pki.root.der] }), notChained, under);
  });

  it("are each issued by the one before: neither missing, nor in another order", () => {
    const [zone, instance] = pki.cas.map(({ der }) => der);
    assertRefused(documentWith({ cabundle: [pki.root.der, instance] }), notChained);
    assertRefused(documentWith({ cabundle: [pki.root.der, zone] }), notChained);
    assertRefused(documentWith({ cabundle: [pki.root.der, instance, zone] }), notChained);
  });

  it("are DER and nothing more, each a certificate", () => {
    const leaf = pki.leaf.der;
    assertRefused(documentWith({ certificate: new Uint8Array([...leaf, 0]) }), notNitro);
    assertRefused(documentWith({ certificate: new TextEncoder().encode(pemOf(pki.leaf)) }), notNitro);
    assertRefused(documentWith({ certificate: new Uint8Array(600) }), notNitro);
  });

  it("are at most eight", () => {
    const cabundle = [pki.root.der, ...Array.from({ length: 7 }, () => pki.root.der)];
    assertRefused(documentWith({ cabundle }), "its certificate chain has more than 8 certificates");
  });
});

describe("a root", () => {
  for (const { title, pem } of [
    { title: "no PEM", pem: "root" },
    { title: "an empty file", pem: "" },
    { title: "a key", pem: "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n" },
    { title: "a broken certificate", pem: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" },
    { title: "a leaf", pem: pemOf(pki.leaf) },
    { title: "an intermediate", pem: pemOf(pki.cas[0] ?? pki.leaf) },
    { title: "a P-256 certificate", pem: pemOf(certify({ name: "root", ca: true, curve: "P-256" })) },
    { title: "a self-signed leaf", pem: pemOf(certify({ name: "root" })) },
    { title: "a root and a leaf", pem: pemOf(pki.root) + pemOf(pki.leaf) },
  ]) {
    it(`is not ${title}`, () => assert.throws(() => parseRoots(pem)));
  }
});
