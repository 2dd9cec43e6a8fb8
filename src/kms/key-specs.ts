/** Key specs: their usages and algorithms, in AWS's order (API reference, CreateKey; spec 01 and 05). */

import type {
  EncapsulationAlgorithmSpec,
  EncryptionAlgorithmSpec,
  KeyAgreementAlgorithmSpec,
  KeySpec,
  KeyUsageType,
  MacAlgorithmSpec,
  SigningAlgorithmSpec,
} from "@aws-sdk/client-kms";
import { UnsupportedOperationException } from "../base/errors.ts";

/** The algorithms of a key: one list, by its usage. */
export interface Algorithms {
  readonly EncryptionAlgorithms?: EncryptionAlgorithmSpec[];
  readonly SigningAlgorithms?: SigningAlgorithmSpec[];
  readonly MacAlgorithms?: MacAlgorithmSpec[];
  readonly KeyAgreementAlgorithms?: KeyAgreementAlgorithmSpec[];
  readonly EncapsulationAlgorithms?: EncapsulationAlgorithmSpec[];
}

const algorithmNames = new WeakMap<Algorithms, readonly string[]>();

/** The names of all algorithms of a spec with a usage. */
export function findAlgorithmNames(spec: string, usage: string): readonly string[] {
  const algorithms = findAlgorithms(spec, usage);
  if (algorithms === undefined) return [];
  let names = algorithmNames.get(algorithms);
  if (names === undefined) {
    names = Object.values(algorithms).flat();
    algorithmNames.set(algorithms, names);
  }
  return names;
}

/** The usages of a spec with the algorithms of each; the first is the only one that may be left out by the caller. */
type Usages = Partial<Record<KeyUsageType, Algorithms>>;

const signingWith = (...SigningAlgorithms: SigningAlgorithmSpec[]): Usages => ({ SIGN_VERIFY: { SigningAlgorithms } });
const macWith = (algorithm: MacAlgorithmSpec): Usages => ({ GENERATE_VERIFY_MAC: { MacAlgorithms: [algorithm] } });
const ecc = (algorithm: SigningAlgorithmSpec): Usages => ({
  ...signingWith(algorithm),
  KEY_AGREEMENT: { KeyAgreementAlgorithms: ["ECDH"] },
});

const rsa: Usages = {
  ENCRYPT_DECRYPT: { EncryptionAlgorithms: ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"] },
  SIGN_VERIFY: {
    SigningAlgorithms: [
      "RSASSA_PKCS1_V1_5_SHA_256",
      "RSASSA_PKCS1_V1_5_SHA_384",
      "RSASSA_PKCS1_V1_5_SHA_512",
      "RSASSA_PSS_SHA_256",
      "RSASSA_PSS_SHA_384",
      "RSASSA_PSS_SHA_512",
    ],
  },
};
const mlDsa = signingWith("ML_DSA_SHAKE_256");
const mlKem: Usages = { ENCAPSULATE_DECAPSULATE: { EncapsulationAlgorithms: ["ML_KEM"] } };

/** Usages of every spec. */
const usagesOfSpec: Readonly<Record<string, Usages>> = {
  SYMMETRIC_DEFAULT: { ENCRYPT_DECRYPT: { EncryptionAlgorithms: ["SYMMETRIC_DEFAULT"] } },
  RSA_2048: rsa,
  RSA_3072: rsa,
  RSA_4096: rsa,
  ECC_NIST_P256: ecc("ECDSA_SHA_256"),
  ECC_NIST_P384: ecc("ECDSA_SHA_384"),
  ECC_NIST_P521: ecc("ECDSA_SHA_512"),
  ECC_SECG_P256K1: signingWith("ECDSA_SHA_256"),
  ECC_NIST_EDWARDS25519: signingWith("ED25519_SHA_512", "ED25519_PH_SHA_512"),
  HMAC_224: macWith("HMAC_SHA_224"),
  HMAC_256: macWith("HMAC_SHA_256"),
  HMAC_384: macWith("HMAC_SHA_384"),
  HMAC_512: macWith("HMAC_SHA_512"),
  ML_DSA_44: mlDsa,
  ML_DSA_65: mlDsa,
  ML_DSA_87: mlDsa,
  ML_KEM_512: mlKem,
  ML_KEM_768: mlKem,
  ML_KEM_1024: mlKem,
  SM2: {
    ENCRYPT_DECRYPT: { EncryptionAlgorithms: ["SM2PKE"] },
    SIGN_VERIFY: { SigningAlgorithms: ["SM2DSA"] },
    KEY_AGREEMENT: { KeyAgreementAlgorithms: ["ECDH"] },
  },
};

/** The specs whose keys can be made here. */
export const creatableSpecs: ReadonlySet<string> = new Set(Object.keys(usagesOfSpec));

/**
 * Requires a spec that AWS offers in the call's partition (KMS guide, SM2 key spec; API reference, Encapsulate).
 *
 * @throws UnsupportedOperationException SM2 outside China Regions, in the words reported of CreateKey; ML-KEM in them
 */
export function requireOffered(spec: string, { partition }: { readonly partition: string }): void {
  const isOffered = partition === "aws-cn" ? !spec.startsWith("ML_KEM_") : spec !== "SM2";
  if (!isOffered) throw new UnsupportedOperationException(`KeySpec ${spec} is not supported in this Region`);
}

/**
 * Whether AWS takes imported material for a spec: all but ML-DSA (cdk-preflight, rules/kms/pf-kms-key-origin, a real deployment
 * of September 2026; the code is that of nsmithuk/local-kms, which has the same text for the specs that it once held for).
 */
export function isImportable(spec: string): boolean {
  return !spec.startsWith("ML_DSA_");
}

/** Bits of the modulus of RSA specs. */
const modulusBits: Readonly<Record<string, number>> = { RSA_2048: 2048, RSA_3072: 3072, RSA_4096: 4096 };

/** Bytes of the hash of RSA's encryption algorithms. */
const oaepHashBytes: Readonly<Record<string, number>> = { RSAES_OAEP_SHA_1: 20, RSAES_OAEP_SHA_256: 32 };

/** The longest plaintext under an SM2 key (API reference, Encrypt). */
const SM2_PLAINTEXT_BYTES_MAX = 1_024;

/** The longest plaintext of an asymmetric key: of one OAEP block modulus − 2 × hash − 2 (RFC 8017, 7.1.1); undefined for symmetric encryption. */
export function findPlaintextBytesMax(spec: string, algorithm: string): number | undefined {
  if (spec === "SM2") return SM2_PLAINTEXT_BYTES_MAX;
  const [bits, hash] = [modulusBits[spec], oaepHashBytes[algorithm]];
  return bits === undefined || hash === undefined ? undefined : bits / 8 - 2 * hash - 2;
}

const SM3_BYTES = 32;
/** FIPS 204, algorithm 7, line 6. */
const MU_BYTES = 64;

/** Bytes of the digest or mu that an algorithm takes with message type DIGEST or EXTERNAL_MU; undefined where it takes none. */
export function findDigestBytes(algorithm: SigningAlgorithmSpec, messageType = "DIGEST"): number | undefined {
  if (messageType === "EXTERNAL_MU") return algorithm === "ML_DSA_SHAKE_256" ? MU_BYTES : undefined;
  if (algorithm === "ED25519_SHA_512" || algorithm === "ML_DSA_SHAKE_256") return undefined;
  if (algorithm === "SM2DSA") return SM3_BYTES;
  const bits = /\d+$/.exec(algorithm)?.[0];
  return bits === undefined ? undefined : Number(bits) / 8;
}

/** The algorithms of a key of this spec and usage, or undefined when the two do not go together. */
export function findAlgorithms(spec: KeySpec | string, usage: KeyUsageType | string): Algorithms | undefined {
  const usages = usagesOfSpec[spec];
  return usages === undefined ? undefined : usages[usage as KeyUsageType];
}
