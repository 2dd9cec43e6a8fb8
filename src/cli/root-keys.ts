/** Where the root key of a `serve` store comes from. */

import { join } from "node:path";
import type { RootKey } from "../custody/root-key.ts";
import { readRootKeyFile, readSystemdCredential } from "../custody/root-key-file.ts";
import { UsageError } from "./options.ts";

export interface RootKeyOptions {
  readonly data: string;
  /** `postgres://…`, where the store is not in `data`. */
  readonly database?: string;
  readonly rootKey?: string;
  readonly rootKeyCredential?: string;
}

/** The database that the options name, as a part of a store's configuration. */
export function databaseOf({ database }: { readonly database?: string }): { readonly database?: string } {
  return database === undefined ? {} : { database };
}

/** The file of the root key unless the operator names another. */
export function rootKeyPath({ data, rootKey }: RootKeyOptions): string {
  return rootKey ?? join(data, "root.key");
}

/** As `RootKeyOptions`, of a command that takes several root keys. */
export interface RootKeysOptions {
  readonly data: string;
  /** `postgres://…`, where the store is not in `data`. */
  readonly database?: string;
  readonly rootKey?: readonly string[];
  readonly rootKeyCredential?: readonly string[];
}

/** Reads every root key that the options name, files first. */
export async function openRootKeys({
  data,
  rootKey = [],
  rootKeyCredential = [],
}: RootKeysOptions): Promise<RootKey[]> {
  const files = rootKey.length + rootKeyCredential.length === 0 ? [rootKeyPath({ data })] : rootKey;
  return await Promise.all([
    ...files.map((path) => readRootKeyFile(path)),
    ...rootKeyCredential.map((name) => readSystemdCredential(name, process.env["CREDENTIALS_DIRECTORY"])),
  ]);
}

/** Reads the root key that the options name. */
export async function openRootKey(options: RootKeyOptions): Promise<RootKey> {
  if (options.rootKeyCredential === undefined) return readRootKeyFile(rootKeyPath(options));
  if (options.rootKey !== undefined) throw new UsageError("Give --root-key or --root-key-credential, not both.");
  return readSystemdCredential(options.rootKeyCredential, process.env["CREDENTIALS_DIRECTORY"]);
}
