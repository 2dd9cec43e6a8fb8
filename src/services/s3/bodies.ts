/** Bodies of objects: encrypted files, each written once and read from any place. */

import { mkdtempSync } from "node:fs";
import { type FileHandle, mkdir, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import {
  CONTENT_CHUNK_BYTES,
  type ContentKey,
  newContentFile,
  SEALED_CONTENT_CHUNK_BYTES,
} from "../../custody/object-content.ts";

const FILE = /^[0-9a-f]{32}$/;
/** Chunks that are read at a time. */
const CHUNKS_AT_ONCE = 16;

/** A part of a body: its file and the length of what is in it. */
export interface Part {
  readonly file: string;
  readonly size: number;
}

/** Bytes of a body, the first and the one after the last. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export class Bodies {
  readonly #directory: string | undefined;
  #temporary: string | undefined;

  /** @param directory absent: one in the system's temporary directory, made with the first file and removed by `close` */
  constructor(directory?: string) {
    this.#directory = directory;
  }

  /**
   * Writes a body under a name that `newFile` gave, and waits for the disk where it is to last.
   *
   * @throws Error the disk is full, or the file is there already
   */
  async write(file: string, body: Uint8Array, key: ContentKey): Promise<void> {
    const path = this.#pathOf(file);
    await mkdir(join(path, ".."), { recursive: true, mode: 0o700 });
    const sealing = key.forFile(file);
    const handle = await open(path, "wx", 0o600);
    try {
      const chunks = chunksOf(body.length);
      for (let index = 0; index < chunks; index += 1) {
        const chunk = body.subarray(index * CONTENT_CHUNK_BYTES, (index + 1) * CONTENT_CHUNK_BYTES);
        await handle.write(sealing.seal(index, index === chunks - 1, chunk));
      }
      if (this.#directory !== undefined) await handle.datasync();
    } finally {
      await handle.close();
    }
  }

  /** The name of a file to be written. */
  newFile(): string {
    return newContentFile();
  }

  /**
   * Opens the files of a body's parts, so that what is read is whole even if the object is deleted meanwhile, and gives the bytes of a span.
   *
   * @throws Error a file is gone, or was altered
   */
  async *read(parts: readonly Part[], key: ContentKey, { from, to }: Span): AsyncGenerator<Uint8Array> {
    let start = 0;
    for (const part of parts) {
      const span = { from: Math.max(from - start, 0), to: Math.min(to - start, part.size) };
      if (span.from < span.to) yield* this.#readPart(part, key, span);
      start += part.size;
    }
  }

  /** Removes a file; one that is gone is no harm. */
  async remove(file: string): Promise<void> {
    await rm(this.#pathOf(file), { force: true });
  }

  /** Removes what was temporary. */
  async close(): Promise<void> {
    if (this.#temporary !== undefined) await rm(this.#temporary, { recursive: true, force: true });
  }

  async *#readPart({ file, size }: Part, key: ContentKey, { from, to }: Span): AsyncGenerator<Uint8Array> {
    const opening = key.forFile(file);
    const last = chunksOf(size) - 1;
    const handle = await open(this.#pathOf(file), "r");
    try {
      const end = Math.ceil(to / CONTENT_CHUNK_BYTES);
      for (let index = Math.floor(from / CONTENT_CHUNK_BYTES); index < end; ) {
        const count = Math.min(CHUNKS_AT_ONCE, end - index);
        const sealed = await readAt(handle, index * SEALED_CONTENT_CHUNK_BYTES, count * SEALED_CONTENT_CHUNK_BYTES);
        for (let at = 0; at < count; at += 1, index += 1) {
          const chunk = sealed.subarray(at * SEALED_CONTENT_CHUNK_BYTES, (at + 1) * SEALED_CONTENT_CHUNK_BYTES);
          const opened = opening.open(index, index === last, chunk);
          if (opened === undefined) throw new Error(`The file ${file} of an object's body was altered.`);
          const first = index * CONTENT_CHUNK_BYTES;
          yield opened.subarray(Math.max(from - first, 0), Math.min(to - first, opened.length));
        }
        await nextTurn();
      }
    } finally {
      await handle.close();
    }
  }

  #pathOf(file: string): string {
    if (!FILE.test(file)) throw new Error("No name of a file of a body.");
    return join(this.#root(), file.slice(0, 2), file);
  }

  #root(): string {
    if (this.#directory !== undefined) return this.#directory;
    this.#temporary ??= mkdtempSync(join(tmpdir(), "keystead-objects-"));
    return this.#temporary;
  }
}

/** An empty body has one empty chunk: that nothing is there is authenticated, too. */
function chunksOf(size: number): number {
  return Math.max(1, Math.ceil(size / CONTENT_CHUNK_BYTES));
}

async function readAt(handle: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}
