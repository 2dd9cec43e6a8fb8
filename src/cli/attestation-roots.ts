/** The roots that attestation documents are verified under, as the operator names them. */

import { parseRoots } from "../identity/certificate-chain.ts";
import { readNamedFile, UsageError } from "./options.ts";

/**
 * Reads PEM files of root certificates.
 *
 * @returns DER of each root
 * @throws UsageError a file can't be read, has no certificate, or has one that is no such root
 */
export function readAttestationRoots(paths: readonly string[] = []): readonly Uint8Array[] {
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
