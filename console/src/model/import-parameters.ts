/** The files of an import: how material may be wrapped, and what the ZIP to download is called and tells (KMS guide, Importing key material). */

import type { AlgorithmSpec, WrappingKeySpec } from "@aws-sdk/client-kms";

/** The wrapping keys to choose from; those of SM2 are there in China Regions alone. */
export function wrappingKeySpecs(partition: string): readonly WrappingKeySpec[] {
  const rsa: readonly WrappingKeySpec[] = ["RSA_4096", "RSA_3072", "RSA_2048"];
  return partition === "aws-cn" ? [...rsa, "SM2"] : rsa;
}

/** The algorithms that go with a wrapping key and the material: RSA and ML keys are longer than one RSA block, AES key wrap is for key pairs. */
export function wrappingAlgorithms(wrapping: WrappingKeySpec, spec: string): readonly AlgorithmSpec[] {
  if (wrapping === "SM2") return ["SM2PKE"];
  const hybrid: readonly AlgorithmSpec[] = ["RSA_AES_KEY_WRAP_SHA_256", "RSA_AES_KEY_WRAP_SHA_1"];
  if (/^(?:RSA|ML)_/.test(spec)) return hybrid;
  const direct: readonly AlgorithmSpec[] = ["RSAES_OAEP_SHA_256", "RSAES_OAEP_SHA_1"];
  return spec.startsWith("ECC_") ? [...direct, ...hybrid] : direct;
}

export interface ImportParameters {
  readonly keyId: string;
  readonly wrappingKeySpec: WrappingKeySpec;
  readonly wrappingAlgorithm: AlgorithmSpec;
  readonly publicKey: Uint8Array;
  readonly importToken: Uint8Array;
  readonly validTo: Date | undefined;
  /** When they were asked for. */
  readonly now: Date;
}

const PUBLIC_KEY_FILE = "WrappingPublicKey.bin";
const TOKEN_FILE = "ImportToken.bin";

/** Such as `Import_Parameters_1234abcd-12ab-34cd-56ef-1234567890ab_0226153000.zip`: month, day, hour, minute, second. */
export function importZipName({ keyId, now }: Pick<ImportParameters, "keyId" | "now">): string {
  const timestamp = now.toISOString().replaceAll(/^\d{4}|\..*$|\D/g, "");
  return `Import_Parameters_${keyId}_${timestamp}.zip`;
}

/** The files of the ZIP by their names. */
export function importFiles(parameters: ImportParameters): Readonly<Record<string, Uint8Array>> {
  return {
    [PUBLIC_KEY_FILE]: parameters.publicKey,
    [TOKEN_FILE]: parameters.importToken,
    "README.txt": new TextEncoder().encode(readme(parameters)),
  };
}

function readme({ keyId, wrappingKeySpec, wrappingAlgorithm, validTo }: ImportParameters): string {
  return [
    `Files for importing key material into KMS key ${keyId}`,
    "",
    `${PUBLIC_KEY_FILE}: the wrapping public key, ${wrappingKeySpec}, as DER SubjectPublicKeyInfo.`,
    `${TOKEN_FILE}: the import token. It belongs to this public key and this KMS key, and is imported as it is.`,
    "",
    `Encrypt the key material under the public key with the wrapping algorithm ${wrappingAlgorithm}.`,
    `The public key and the import token expire at ${validTo?.toISOString() ?? "an unknown time"}.`,
    "",
  ].join("\n");
}

/** The most days that imported material may be valid (API reference, ImportKeyMaterial). */
const VALID_DAYS_MAX = 365;
const DAY_MS = 86_400_000;

/** When material is to expire, from a day (`2026-05-01`) and a time (`13:30`) of the user's zone; or what is wrong with it. */
export function expiryOf(day: string, time: string, now: Date): Date | string {
  const at = new Date(`${day}T${time === "" ? "00:00" : time}`);
  if (day === "" || Number.isNaN(at.getTime())) return "Choose a date and a time.";
  if (at <= now) return "The time has to be in the future.";
  if (at.getTime() > now.getTime() + VALID_DAYS_MAX * DAY_MS) return `At most ${VALID_DAYS_MAX} days from now.`;
  return at;
}
