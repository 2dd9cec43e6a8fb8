/** OpenSSL's command line, as the implementation that is not ours. */

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The system's own: Node's package brings none. */
const OPENSSL = "/usr/bin/openssl";

/**
 * Runs openssl; in `args`, `{name}` is the path of a file that holds `files.name`.
 *
 * @returns whether it succeeded, and the bytes of its standard output
 */
export function openssl(
  args: readonly string[],
  files: Readonly<Record<string, Uint8Array>> = {},
): { readonly ok: boolean; readonly output: Uint8Array } {
  const folder = mkdtempSync(join(tmpdir(), "keystead-openssl-"));
  try {
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes, { mode: 0o600 });
    const placed = args.map((arg) => arg.replace(/\{(\w+)\}/g, (_all, name: string) => join(folder, name)));
    const { status, stdout, error } = spawnSync(OPENSSL, placed, { timeout: 30_000 });
    if (error !== undefined)
      throw new Error("openssl can't be run; install the Debian package `openssl`", { cause: error });
    return { ok: status === 0, output: new Uint8Array(stdout) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * Opens CMS EnvelopedData (`CiphertextForRecipient`) with the recipient's private key.
 *
 * @param privateKey PEM
 * @returns undefined when it does not open
 */
export function openEnvelope(envelope: Uint8Array, privateKey: string): Uint8Array | undefined {
  const files = { envelope, key: new TextEncoder().encode(privateKey) };
  const args = ["cms", "-decrypt", "-binary", "-inform", "DER", "-in", "{envelope}", "-inkey", "{key}"];
  const { ok, output } = openssl(args, files);
  return ok ? output : undefined;
}
