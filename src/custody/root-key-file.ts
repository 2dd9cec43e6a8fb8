/** Root keys in files: our own, and those that systemd hands to a service. */

import { constants, existsSync } from "node:fs";
import { type FileHandle, open, stat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { OperatorError } from "../base/errors.ts";
import type { RecipientKind } from "./custody.ts";
import { RootKey } from "./root-key.ts";
import { decodeRootSecret, encodeRootSecret, ROOT_SECRET_BYTES } from "./root-key-text.ts";
import { Secret } from "./secret.ts";

const FILE_BYTES_MAX = 1024;
const LINE_END = 0x0a;
/** Letters, digits, dots, hyphens, underscores: a file of the credentials directory and none elsewhere. */
const CREDENTIAL_NAME = /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,254}$/;

/** A root key file that can't be used as it is; the message says what to do. */
export class RootKeyFileError extends OperatorError {
  override readonly name = "RootKeyFileError";
}

/**
 * Creates a root key in a new file of mode 0600 and waits until file and folder entry are on the disk.
 *
 * @throws RootKeyFileError there is a file already: it may be the only copy of a root key
 */
export async function createRootKeyFile(path: string): Promise<RootKey> {
  await using file = await openFile(path, "wx");
  return await writeRootKey(file, path);
}

/**
 * Reads the root key of a file, or makes one where there is no file yet or one that was cut off before a byte was in it: a
 * command that was killed after it had made a root key goes on with that one.
 *
 * @throws RootKeyFileError, RootKeyFormatError as `readRootKeyFile`
 */
export async function takeRootKeyFile(path: string): Promise<RootKey> {
  if (!existsSync(path)) return await createRootKeyFile(path);
  const { size, mode } = await stat(path);
  if (size > 0 || (mode & 0o077) !== 0) return await readRootKeyFile(path);
  await using file = await openFile(path, constants.O_RDWR);
  return await writeRootKey(file, path);
}

/**
 * Overwrites a root key file and removes it. A file system or a disk that writes elsewhere keeps the old bytes all the same.
 *
 * @throws RootKeyFileError it can't be opened
 */
export async function destroyRootKeyFile(path: string): Promise<void> {
  await using file = await openFile(path, constants.O_RDWR);
  const { size } = await file.stat();
  using noise = Secret.random(size);
  await file.write(noise.bytes, 0, size, 0);
  await file.sync();
  await unlink(path);
  await syncFolder(path);
}

async function writeRootKey(file: FileHandle, path: string): Promise<RootKey> {
  const secret = Secret.random(ROOT_SECRET_BYTES);
  using line = encodeRootSecret(secret);
  using text = new Secret(new Uint8Array(line.bytes.length + 1).fill(LINE_END));
  text.bytes.set(line.bytes);
  await file.writeFile(text.bytes);
  await file.sync();
  await syncFolder(path);
  return new RootKey("file", secret);
}

async function syncFolder(path: string): Promise<void> {
  await using folder = await open(dirname(path), "r");
  await folder.sync();
}

/**
 * Reads the root key that `createRootKeyFile` wrote.
 *
 * @throws RootKeyFileError there is no such file, it is no regular file, or its group or others have any access to it
 * @throws RootKeyFormatError it holds no root key, or a part of one
 */
export async function readRootKeyFile(path: string): Promise<RootKey> {
  await using file = await openFile(path, constants.O_RDONLY);
  const { mode } = await file.stat();
  if ((mode & 0o077) !== 0) {
    const octal = (mode & 0o777).toString(8).padStart(4, "0");
    throw new RootKeyFileError(
      `The root key file ${path} has mode ${octal}: others can reach it. Run: chmod 600 ${path}`,
    );
  }
  return await readRootKey(file, path, "file");
}

/**
 * Reads a root key that systemd hands over (`LoadCredential=` or `LoadCredentialEncrypted=` in the unit). Who may read it is
 * systemd's to guard.
 *
 * @param directory the value of CREDENTIALS_DIRECTORY in the service's environment
 * @throws RootKeyFileError there is no credentials directory, no such credential, or the name is none
 * @throws RootKeyFormatError it holds no root key, or a part of one
 */
export async function readSystemdCredential(name: string, directory: string | undefined): Promise<RootKey> {
  if (!directory) {
    throw new RootKeyFileError(
      "CREDENTIALS_DIRECTORY is not set: only systemd sets it, for a unit with LoadCredential=",
    );
  }
  if (!CREDENTIAL_NAME.test(name)) throw new RootKeyFileError("A credential's name is a file name without a path");
  const path = join(directory, name);
  await using file = await openFile(path, constants.O_RDONLY);
  return await readRootKey(file, path, "systemd");
}

async function readRootKey(file: FileHandle, path: string, kind: RecipientKind): Promise<RootKey> {
  if (!(await file.stat()).isFile()) throw new RootKeyFileError(`${path} is not a regular file`);
  using text = new Secret(new Uint8Array(FILE_BYTES_MAX));
  const { bytesRead } = await file.read(text.bytes, 0, FILE_BYTES_MAX, 0);
  return new RootKey(kind, decodeRootSecret(text.bytes.subarray(0, bytesRead)));
}

async function openFile(path: string, flags: string | number): Promise<FileHandle> {
  try {
    return await open(path, flags, 0o600);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EEXIST") throw new RootKeyFileError(`${path} exists already and is left as it is`);
    if (code === "ENOENT") throw new RootKeyFileError(`${path} does not exist`);
    if (code === "EACCES") throw new RootKeyFileError(`${path} can't be opened: permission denied`);
    throw error;
  }
}
