/** Root key files: their mode, their form, and what is refused. */

import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import {
  createRootKeyFile,
  RootKeyFileError,
  readRootKeyFile,
  readSystemdCredential,
} from "../../src/custody/root-key-file.ts";
import { RootKeyFormatError } from "../../src/custody/root-key-text.ts";

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "keystead-root-key-"));
});
after(async () => {
  await rm(folder, { recursive: true });
});

describe("a root key file", () => {
  it("is made with mode 0600, in one line, and read back", async () => {
    const path = join(folder, "made");
    const made = await createRootKeyFile(path);
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.match(await readFile(path, "utf8"), /^keystead-root-1-[0-9a-hjkmnp-tv-z]{64}\n$/);
    const read = await readRootKeyFile(path);
    assert.equal(read.id, made.id);
    assert.equal(read.kind, "file");
  });

  it("is never written over", async () => {
    const path = join(folder, "kept");
    const made = await createRootKeyFile(path);
    await assert.rejects(createRootKeyFile(path), RootKeyFileError);
    assert.equal((await readRootKeyFile(path)).id, made.id);
  });

  for (const mode of [0o640, 0o604, 0o660, 0o610, 0o777]) {
    it(`is refused with mode ${mode.toString(8)}, with the command that helps`, async () => {
      const path = join(folder, `mode-${mode.toString(8)}`);
      await createRootKeyFile(path);
      await chmod(path, mode);
      await assert.rejects(readRootKeyFile(path), (error) => {
        assert.ok(error instanceof RootKeyFileError);
        assert.ok(error.message.includes(`mode 0${mode.toString(8)}`));
        assert.ok(error.message.endsWith(`chmod 600 ${path}`));
        return true;
      });
    });
  }

  it("is refused when it is cut off anywhere", async () => {
    const path = join(folder, "cut");
    await createRootKeyFile(path);
    const { size } = await stat(path);
    for (let length = size - 2; length >= 0; length -= 1) {
      await truncate(path, length);
      await assert.rejects(readRootKeyFile(path), RootKeyFormatError);
    }
  });

  it("must exist and be a file", async () => {
    await assert.rejects(readRootKeyFile(join(folder, "absent")), /absent does not exist$/);
    const path = join(folder, "directory");
    await mkdir(path, { mode: 0o700 });
    await assert.rejects(readRootKeyFile(path), RootKeyFileError);
  });
});

describe("a systemd credential", () => {
  it("is a root key file in the credentials directory, whatever its mode", async () => {
    const made = await createRootKeyFile(join(folder, "root-key"));
    await chmod(join(folder, "root-key"), 0o440);
    const read = await readSystemdCredential("root-key", folder);
    assert.equal(read.id, made.id);
    assert.equal(read.kind, "systemd");
  });

  it("needs the directory that systemd names", async () => {
    for (const directory of [undefined, ""]) {
      await assert.rejects(readSystemdCredential("root-key", directory), /CREDENTIALS_DIRECTORY is not set/);
    }
  });

  for (const name of ["../root-key", "a/b", "", ".", "..", "/etc/passwd"]) {
    it(`is not found by the path ${JSON.stringify(name)}`, async () => {
      await assert.rejects(readSystemdCredential(name, folder), /file name without a path/);
    });
  }

  it("is refused when it holds something else", async () => {
    await writeFile(join(folder, "other"), "hunter2hunter2");
    await assert.rejects(readSystemdCredential("other", folder), (error) => {
      assert.ok(error instanceof RootKeyFormatError);
      assert.ok(!error.message.includes("hunter2"));
      return true;
    });
  });
});
