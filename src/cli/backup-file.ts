/** Backup files: a header that names the store and holds the sealed key, then the sealed rows (docs/backup-format.md). */

import { randomBytes } from "node:crypto";
import { existsSync, linkSync, renameSync } from "node:fs";
import { type FileHandle, open, unlink } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { z } from "zod";
import { OperatorError } from "../base/errors.ts";
import { BackupKey } from "../custody/backup-key.ts";
import { CHUNK_BYTES, SEALED_CHUNK_BYTES } from "../custody/backup-stream.ts";
import type { RootKey } from "../custody/root-key.ts";
import { SealedRowError } from "../custody/seal.ts";
import { decodeRows, encodeRows, type RowBatch, type RowCounts } from "../storage/row-stream.ts";
import type { Snapshot } from "../storage/snapshot.ts";

const MAGIC = new TextEncoder().encode("keystead-backup\n");
const LENGTH_BYTES = 4;
const HEADER_BYTES_MAX = 1024 * 1024;
const FORMAT = 1;

/** A file that can't be used as a backup, or can't be written; the message is for the operator. */
export class BackupFileError extends OperatorError {
  override readonly name = "BackupFileError";
}

const base64 = z.string().transform((text, context) => {
  try {
    return Uint8Array.fromBase64(text, { lastChunkHandling: "strict" });
  } catch {
    context.addIssue({ code: "custom", message: "not base64" });
    return z.NEVER;
  }
});

const position = z.int().min(0);

const headerForm = z.strictObject({
  format: z.literal(FORMAT),
  /** `backup`: the store went on. `export`: nothing was served while it was made. */
  purpose: z.enum(["backup", "export"]),
  madeAt: z.iso.datetime(),
  store: z.strictObject({
    id: z.string(),
    incarnation: z.string(),
    kind: z.enum(["dev", "serve"]),
    schemaVersion: position,
    minimumReader: position,
    feedPosition: position,
    auditPosition: position.nullable(),
  }),
  key: z.array(
    z.strictObject({
      recipient: z.string(),
      kind: z.enum(["ephemeral", "file", "systemd", "environment", "recovery"]),
      sealed: base64,
    }),
  ),
});

/** What a backup says of itself; nothing of it is secret, and all of it is authenticated with the rows. */
export type BackupHeader = z.output<typeof headerForm>;

export interface NewBackup {
  readonly snapshot: Snapshot;
  /** Made by the custody of the store that the snapshot is of. */
  readonly key: BackupKey;
  /** One that opens the store: with it the file is read back before it gets its name. */
  readonly rootKey: RootKey;
  readonly purpose: BackupHeader["purpose"];
  readonly path: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/**
 * Writes a backup of mode 0600 under a temporary name, reads it back whole, and gives it its name: a file of that name is a
 * whole backup.
 *
 * @returns how many rows each table has
 * @throws BackupFileError there is a file of that name already, or it can't be written
 */
export async function writeBackup(
  backup: NewBackup,
): Promise<{ readonly rows: RowCounts; readonly sizeBytes: number }> {
  const { path, rootKey } = backup;
  refuseExisting(path);
  const partial = `${path}.partial-${randomBytes(6).toString("hex")}`;
  try {
    const written = await writeFile(partial, backup);
    const rows = await verifyBackup(partial, rootKey);
    giveName(partial, path);
    await syncDirectory(dirname(resolve(path)));
    return { rows, sizeBytes: written };
  } finally {
    await unlink(partial).catch(() => undefined); // gone where it got its name
  }
}

/**
 * Reads a backup to its end: every chunk, every row, counts and digest.
 *
 * @throws BackupFileError it was altered or cut, or is no backup
 * @throws WrongRootKeyError (domain-keys.ts) it is sealed to other root keys
 */
export async function verifyBackup(path: string, rootKey: RootKey): Promise<RowCounts> {
  await using backup = await openBackup(path, rootKey);
  const counts = new Map<string, number>();
  for await (const { table, rows } of backup.batches())
    counts.set(table.name, (counts.get(table.name) ?? 0) + rows.length);
  return Object.fromEntries(counts);
}

/** An opened backup. */
export interface OpenedBackup extends AsyncDisposable {
  readonly header: BackupHeader;
  /**
   * The rows, once. Whether the file is whole is known only at the end.
   *
   * @throws BackupFileError it was altered or cut
   */
  batches(): AsyncIterable<RowBatch>;
}

/**
 * Opens a backup with a root key, without a store.
 *
 * @throws BackupFileError it can't be read, or is no backup of a version that is known
 * @throws WrongRootKeyError (domain-keys.ts) it is sealed to other root keys
 */
export async function openBackup(path: string, rootKey: RootKey): Promise<OpenedBackup> {
  const file = await openForReading(path);
  try {
    const { bytes, header } = await readHeader(file, path);
    const key = openKey(rootKey, header, path);
    return {
      header,
      batches: () => wholeRows(sealedChunks(file, key, bytes), path),
      [Symbol.asyncDispose]: () => file.close(),
    };
  } catch (cause) {
    await file.close();
    throw cause;
  }
}

function openKey(rootKey: RootKey, { key }: BackupHeader, path: string): BackupKey {
  try {
    return BackupKey.open(rootKey, key);
  } catch (cause) {
    if (cause instanceof SealedRowError) throw damaged(path, "its key does not open", cause);
    throw cause;
  }
}

async function writeFile(path: string, { snapshot, key, purpose, now }: NewBackup): Promise<number> {
  await using file = await openForWriting(path);
  const header = headerBytes({ snapshot, key, purpose, now });
  const sealer = key.sealer(header);
  let sizeBytes = header.length;
  const write = async (bytes: Uint8Array): Promise<void> => {
    await writeAll(file, bytes);
    sizeBytes += bytes.length;
  };
  await writeAll(file, header);
  const buffer = new Uint8Array(CHUNK_BYTES);
  let filled = 0;
  for await (const piece of encodeRows(snapshot)) {
    for (let from = 0; from < piece.length; ) {
      if (filled === CHUNK_BYTES) {
        await write(sealer.seal(buffer, false));
        filled = 0;
      }
      const part = piece.subarray(from, from + CHUNK_BYTES - filled);
      buffer.set(part, filled);
      filled += part.length;
      from += part.length;
    }
  }
  await write(sealer.seal(buffer.subarray(0, filled), true));
  await file.sync();
  return sizeBytes;
}

function headerBytes({ snapshot, key, purpose, now }: Pick<NewBackup, "snapshot" | "key" | "purpose" | "now">) {
  const json = Buffer.from(
    JSON.stringify({
      format: FORMAT,
      purpose,
      madeAt: new Date(now).toISOString(),
      store: snapshot.facts,
      key: key.copies.map(({ recipient, kind, sealed }) => ({ recipient, kind, sealed: sealed.toBase64() })),
    }),
  );
  const bytes = new Uint8Array(MAGIC.length + LENGTH_BYTES + json.length);
  bytes.set(MAGIC);
  new DataView(bytes.buffer).setUint32(MAGIC.length, json.length);
  bytes.set(json, MAGIC.length + LENGTH_BYTES);
  return bytes;
}

async function readHeader(file: FileHandle, path: string): Promise<{ bytes: Uint8Array; header: BackupHeader }> {
  const start = await readAt(file, 0, MAGIC.length + LENGTH_BYTES);
  if (start.length < MAGIC.length + LENGTH_BYTES || MAGIC.some((byte, index) => start[index] !== byte)) {
    throw new BackupFileError(`${path} is not a Keystead backup.`);
  }
  const lengthBytes = new DataView(start.buffer).getUint32(MAGIC.length);
  const bytes = await readAt(file, 0, start.length + Math.min(lengthBytes, HEADER_BYTES_MAX));
  if (bytes.length !== start.length + lengthBytes) throw damaged(path, "its header is not whole");
  try {
    const json = new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(start.length));
    return { bytes, header: headerForm.parse(JSON.parse(json)) };
  } catch (cause) {
    throw new BackupFileError(`${path} is damaged, or was written by a newer version: its header can't be read.`, {
      cause,
    });
  }
}

async function* sealedChunks(file: FileHandle, key: BackupKey, header: Uint8Array): AsyncGenerator<Uint8Array> {
  const opener = key.opener(header);
  const { size } = await file.stat();
  for (let offset = header.length; ; ) {
    const sealed = await readAt(file, offset, SEALED_CHUNK_BYTES);
    offset += sealed.length;
    const isLast = offset >= size;
    const plaintext = opener.open(sealed, isLast);
    if (plaintext === undefined) throw new DamagedChunkError();
    yield plaintext;
    if (isLast) return;
  }
}

/** A chunk does not open. */
class DamagedChunkError extends Error {
  override readonly name = "DamagedChunkError";
}

async function* wholeRows(chunks: AsyncIterable<Uint8Array>, path: string): AsyncGenerator<RowBatch, void, void> {
  try {
    yield* decodeRows(chunks);
  } catch (cause) {
    if (cause instanceof DamagedChunkError) throw damaged(path, "a part of it was altered, moved or cut off", cause);
    throw damaged(path, "its rows are not those that were written", cause);
  }
}

function damaged(path: string, why: string, cause?: unknown): BackupFileError {
  return new BackupFileError(`${path} is damaged: ${why}. Nothing of it is used.`, { cause });
}

async function readAt(file: FileHandle, offset: number, lengthBytes: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(lengthBytes);
  let filled = 0;
  while (filled < lengthBytes) {
    const { bytesRead } = await file.read(bytes, filled, lengthBytes - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await file.write(bytes, done, bytes.length - done)).bytesWritten;
  }
}

async function openForReading(path: string): Promise<FileHandle> {
  try {
    return await open(path, "r");
  } catch (cause) {
    throw new BackupFileError(`${path} can't be read: ${(cause as NodeJS.ErrnoException).code}.`, { cause });
  }
}

async function openForWriting(path: string): Promise<FileHandle> {
  try {
    return await open(path, "wx", 0o600);
  } catch (cause) {
    throw new BackupFileError(`${path} can't be written: ${(cause as NodeJS.ErrnoException).code}.`, { cause });
  }
}

function refuseExisting(path: string): void {
  if (existsSync(path)) throw new BackupFileError(`${path} exists already and is left as it is.`);
}

/** A hard link takes a name only where nobody has it; file systems without them get a rename. */
function giveName(partial: string, path: string): void {
  try {
    linkSync(partial, path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "EEXIST") refuseExisting(path);
    refuseExisting(path);
    renameSync(partial, path);
  }
}

async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, "r");
  await directory.sync();
}
