/** The roots that attestation documents are verified under, as the operator names them. */

import { readNamedFile, UsageError } from "./options.ts";

/**
 * Reads PEM files of root certificates.
 *
 * @returns DER of each root
 * @throws UsageError a file can't be read, has no certificate, or has one that is no such root
 */
export async function readAttestationRoots(paths: readonly string[] = []): Promise<readonly Uint8Array[]> {
  if (paths.length === 0) return [];
  const { parseRoots } = await import("../identity/certificate-chain.ts");
  return paths.flatMap((path) => {
    const pem = readNamedFile(path);
    try {
      return parseRoots(pem);
    } catch (cause) {
      throw new UsageError(
        `--attestation-root ${path} is not a PEM file of self-signed P-384 certificates that may sign others.`,
        { cause },
      );
    }
  });
}
