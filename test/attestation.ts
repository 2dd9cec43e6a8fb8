/** Attestation documents under a root of the tests' own: certificates by ASN.1, documents by an encoder that is not ours. */

import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  BasicConstraints,
  Certificate,
  Extension,
  Extensions,
  id_ce_basicConstraints,
  id_ce_keyUsage,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from "@peculiar/asn1-x509";
import { encode } from "cborg";

const COMMON_NAME = "2.5.4.3";
const ECDSA_WITH_SHA = { sha256: "1.2.840.10045.4.3.2", sha384: "1.2.840.10045.4.3.3" } as const;
const HOUR_MS = 3_600_000;

/** A certificate with its key. */
export interface Certified {
  readonly name: string;
  readonly privateKey: KeyObject;
  readonly der: Uint8Array;
}

/** What a certificate is to be; a CA or a signer of documents that is valid from an hour ago for two, unless it says otherwise. */
export interface CertificateOptions {
  readonly name: string;
  /** Absent: self-signed. */
  readonly issuer?: Certified;
  /** The issuer's name as the certificate gives it, where that is to be wrong. */
  readonly issuerName?: string;
  readonly ca?: boolean;
  readonly criticalCa?: boolean;
  readonly pathLength?: number;
  readonly usage?: number;
  readonly notBefore?: number;
  readonly notAfter?: number;
  readonly curve?: "P-384" | "P-256";
  readonly hash?: keyof typeof ECDSA_WITH_SHA;
  readonly extensions?: readonly Extension[];
}

/** Makes a key pair and its certificate. */
export function certify(options: CertificateOptions): Certified {
  const { name, issuer, ca = false, usage, pathLength, curve = "P-384", hash = "sha384" } = options;
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: curve });
  const signatureAlgorithm = new AlgorithmIdentifier({ algorithm: ECDSA_WITH_SHA[hash] });
  const constraints = new BasicConstraints({
    cA: ca,
    ...(pathLength !== undefined && { pathLenConstraint: pathLength }),
  });
  const flags = usage ?? (ca ? KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign : KeyUsageFlags.digitalSignature);
  const tbsCertificate = new TBSCertificate({
    version: Version.v3,
    serialNumber: Uint8Array.of(1 + Math.floor(Math.random() * 100), 7).buffer,
    signature: signatureAlgorithm,
    issuer: commonName(options.issuerName ?? issuer?.name ?? name),
    validity: new Validity({
      notBefore: new Date(options.notBefore ?? Date.now() - HOUR_MS),
      notAfter: new Date(options.notAfter ?? Date.now() + HOUR_MS),
    }),
    subject: commonName(name),
    subjectPublicKeyInfo: AsnConvert.parse(publicKey.export({ format: "der", type: "spki" }), SubjectPublicKeyInfo),
    extensions: new Extensions([
      extension(id_ce_basicConstraints, constraints, options.criticalCa ?? true),
      extension(id_ce_keyUsage, new KeyUsage(flags), true),
      ...(options.extensions ?? []),
    ]),
  });
  const signatureValue = sign(
    hash,
    new Uint8Array(AsnConvert.serialize(tbsCertificate)),
    issuer?.privateKey ?? privateKey,
  );
  const certificate = new Certificate({
    tbsCertificate,
    signatureAlgorithm,
    signatureValue: new Uint8Array(signatureValue).buffer,
  });
  return { name, privateKey, der: new Uint8Array(AsnConvert.serialize(certificate)) };
}

/** An extension with a value in DER. */
export function extension(extnID: string, value: unknown, critical: boolean): Extension {
  return new Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });
}

function commonName(text: string): Name {
  const value = new AttributeValue({ utf8String: text });
  return new Name([new RelativeDistinguishedName([new AttributeTypeAndValue({ type: COMMON_NAME, value })])]);
}

/** A certificate as PEM. */
export function pemOf({ der }: Certified): string {
  const lines = der.toBase64().match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

/** A root, two CAs below it and the signer of documents, as AWS's chains are built. */
export interface Pki {
  readonly root: Certified;
  readonly cas: readonly Certified[];
  readonly leaf: Certified;
}

/** Makes a chain; the options of its parts go over the usual ones. */
export function newPki(
  parts: { readonly [P in "root" | "zone" | "instance" | "leaf"]?: Partial<CertificateOptions> } = {},
): Pki {
  const root = certify({ name: "aws.nitro-enclaves", ca: true, ...parts.root });
  const zone = certify({ name: "zonal", issuer: root, ca: true, pathLength: 1, ...parts.zone });
  const instance = certify({ name: "instance", issuer: zone, ca: true, pathLength: 0, ...parts.instance });
  return { root, cas: [zone, instance], leaf: certify({ name: "module", issuer: instance, ...parts.leaf }) };
}

/** CBOR of a value by an independent encoder: maps are Maps, bytes are byte strings. */
export function cbor(value: unknown): Uint8Array {
  return new Uint8Array(encode(value));
}

/** The fields of an enclave's document. */
export function enclaveFields({ root, cas, leaf }: Pki, publicKey: Uint8Array): Map<string, unknown> {
  return new Map<string, unknown>([
    ["module_id", "i-0aa11bb22cc33dd44-enc0aa11bb22cc33dd4"],
    ["digest", "SHA384"],
    ["timestamp", BigInt(Date.now())],
    ["pcrs", registers()],
    ["certificate", leaf.der],
    ["cabundle", [root, ...cas].map(({ der }) => der)],
    ["public_key", publicKey],
    ["user_data", null],
    ["nonce", null],
  ]);
}

/** The fields of a NitroTPM document. */
export function tpmFields(pki: Pki, publicKey: Uint8Array): Map<string, unknown> {
  const fields = enclaveFields(pki, publicKey);
  fields.delete("pcrs");
  return fields.set("nitrotpm_pcrs", registers(24)).set("module_id", "i-0aa11bb22cc33dd44-tpm0000000000000000");
}

/** Registers whose bytes are all their own index, the first all 0xa0 so that its hex has letters. */
export function registers(count = 16): Map<number, Uint8Array> {
  return new Map(
    Array.from({ length: count }, (_, index) => [index, new Uint8Array(48).fill(index === 0 ? 0xa0 : index)]),
  );
}

/** How a document is signed, where that is to be unusual. */
export interface SigningOptions {
  readonly key?: KeyObject;
  readonly header?: unknown;
  readonly unprotected?: unknown;
  readonly tag?: number;
}

const ES384_HEADER = new Map([[1, -35]]);

/** Signs fields, or a payload that is CBOR already, as COSE_Sign1 with ES384 (RFC 9052, 4.2 and 4.4). */
export function signDocument(
  pki: Pki,
  fields: ReadonlyMap<string, unknown> | Uint8Array,
  { key = pki.leaf.privateKey, header = ES384_HEADER, unprotected = new Map(), tag }: SigningOptions = {},
): Uint8Array {
  const payload = fields instanceof Uint8Array ? fields : cbor(fields);
  const protectedHeader = cbor(header);
  const signed = cbor(["Signature1", protectedHeader, new Uint8Array(0), payload]);
  const signature = new Uint8Array(sign("sha384", signed, { key, dsaEncoding: "ieee-p1363" }));
  const document = cbor([protectedHeader, unprotected, payload, signature]);
  return tag === undefined ? document : new Uint8Array([0xc0 | tag, ...document]);
}
