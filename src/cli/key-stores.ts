/** `--key-stores`: what the operator says of the ways to external key stores. */

import type { Option } from "commander";
import type { KeyStoreSettings } from "../kms/key-stores/places.ts";
import { option, readNamedFile } from "./options.ts";

/** `--key-stores FILE`. */
export function keyStoresOption(): Option {
  return option(
    "--key-stores <file>",
    "YAML file: where proxies of external key stores are, if not at port 443 of a public host; VPC endpoint services; authorities; CloudHSM clusters",
  );
}

/**
 * What the option comes to.
 *
 * @throws UsageError the file can't be read or is not right
 */
export async function keyStoreSettings(
  { keyStores }: { readonly keyStores?: string },
  kind: "dev" | "serve",
): Promise<{ readonly keyStores?: KeyStoreSettings }> {
  if (keyStores === undefined) return {};
  const { parseKeyStores } = await import("./key-stores-file.ts");
  return { keyStores: parseKeyStores(readNamedFile(keyStores), { kind, readFile: readNamedFile }) };
}
