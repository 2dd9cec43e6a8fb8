/** What S3 is made of: checks, ranges, XML, addresses, and the files that objects lie in. */

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import fc from "fast-check";
import { SerializationException } from "../../src/base/errors.ts";
import { ContentKey } from "../../src/custody/object-content.ts";
import { Bodies } from "../../src/services/s3/bodies.ts";
import { digestBody, joinedChecksum, UNCHOSEN } from "../../src/services/s3/checksums.ts";
import { Crc32c, Crc64Nvme } from "../../src/services/s3/crc.ts";
import { InvalidRange } from "../../src/services/s3/errors.ts";
import { parseRange } from "../../src/services/s3/preconditions.ts";
import { s3Host } from "../../src/wire/s3-dialect.ts";
import { escapeXml } from "../../src/wire/xml.ts";
import { parseXml } from "../../src/wire/xml-reader.ts";

describe("a check", () => {
  // RFC 3720, B.4; and the catalogue of parametrised CRC algorithms (reveng), CRC-32/ISCSI and CRC-64/NVME.
  const ascending = Uint8Array.from({ length: 32 }, (_, index) => index);
  for (const { name, make, bytes, wanted } of [
    { name: "CRC-32C of digits", make: () => new Crc32c(), bytes: Buffer.from("123456789"), wanted: "e3069283" },
    { name: "CRC-32C of zeros", make: () => new Crc32c(), bytes: new Uint8Array(32), wanted: "8a9136aa" },
    { name: "CRC-32C of ones", make: () => new Crc32c(), bytes: new Uint8Array(32).fill(255), wanted: "62a8ab43" },
    { name: "CRC-32C of ascending bytes", make: () => new Crc32c(), bytes: ascending, wanted: "46dd794e" },
    {
      name: "CRC-64/NVME of digits",
      make: () => new Crc64Nvme(),
      bytes: Buffer.from("123456789"),
      wanted: "ae8b14860a799888",
    },
    {
      name: "CRC-64/NVME of zeros",
      make: () => new Crc64Nvme(),
      bytes: new Uint8Array(4096),
      wanted: "6482d367eb22b64e",
    },
    {
      name: "CRC-64/NVME of ones",
      make: () => new Crc64Nvme(),
      bytes: new Uint8Array(4096).fill(255),
      wanted: "c0ddba7302eca3ac",
    },
  ]) {
    it(`${name} is the published one, at once and in pieces`, () => {
      for (const step of [bytes.length, 5]) {
        const crc = make();
        for (let at = 0; at < bytes.length; at += step) crc.update(bytes.subarray(at, at + step));
        assert.equal(crc.digest().toHex(), wanted);
      }
    });
  }

  it("of a body is that of zlib and of the hashes, and a composite one that of the parts' checks", async () => {
    const digits = Buffer.from("123456789");
    assert.equal(
      (await digestBody(digits, "CRC32")).checksum?.value,
      Buffer.from("cbf43926", "hex").toString("base64"),
    );
    assert.equal((await digestBody(digits, "MD5")).md5, "25f9e794323b453885f5181f1b624d0b");
    const part = { checksum: JSON.stringify({ algorithm: "CRC32", value: "y/Q5Jg==", type: "FULL_OBJECT" }), size: 9 };
    const composite = joinedChecksum({ algorithm: "CRC32", type: "COMPOSITE" }, [part, part]);
    const both = (await digestBody(Buffer.from("cbf43926cbf43926", "hex"), "CRC32")).checksum?.value;
    assert.deepEqual(composite, { algorithm: "CRC32", value: `${both}-2`, type: "COMPOSITE" });
    assert.equal(joinedChecksum(UNCHOSEN, [part, { ...part, checksum: null }]), undefined);
  });
});

describe("a range", () => {
  for (const [header, size, wanted] of [
    [undefined, 10, undefined],
    ["bytes=0-", 10, { from: 0, to: 10 }],
    ["bytes=3-5", 10, { from: 3, to: 6 }],
    ["bytes=9-100", 10, { from: 9, to: 10 }],
    ["bytes=-100", 10, { from: 0, to: 10 }],
    ["bytes=5-3", 10, undefined],
    ["bytes=0-1,3-4", 10, undefined],
    ["lines=0-1", 10, undefined],
    ["bytes=-", 10, undefined],
    ["bytes=10-", 10, "refused"],
    ["bytes=0-", 0, "refused"],
    ["bytes=-0", 10, "refused"],
  ] as const) {
    it(`${header} of ${size} bytes`, () => {
      if (wanted === "refused") assert.throws(() => parseRange(header, size), InvalidRange);
      else assert.deepEqual(parseRange(header, size), wanted);
    });
  }
});

describe("a document in XML", () => {
  it("is read with its escapes, comments and prefixes", () => {
    const read = parseXml(
      '<?xml version="1.0"?>\n<!-- a -- b - c --><s:A xmlns:s="x"><B c="d">1 &lt;&#x41;&amp;</B><!--x--><C/><B><![CDATA[<]]></B></s:A>\n'.replace(
        "a -- b - c",
        "a b - c",
      ),
    );
    assert.deepEqual(
      [read.name, read.children.map(({ name, text }) => [name, text])],
      [
        "A",
        [
          ["B", "1 <A&"],
          ["C", ""],
          ["B", "<"],
        ],
      ],
    );
  });

  for (const text of [
    "",
    "text",
    "<A>",
    "<A></B>",
    "<A></A><A></A>",
    "<A>&other;</A>",
    "<A>&#0;</A>",
    "<A>&#xd800;</A>",
    "<A b></A>",
    '<!DOCTYPE A [<!ENTITY x "y">]><A>&x;</A>',
    `${"<A>".repeat(17)}${"</A>".repeat(17)}`,
  ]) {
    it(`is not ${JSON.stringify(text.slice(0, 50))}`, () =>
      assert.throws(() => parseXml(text), SerializationException));
  }

  it("of any text is what was escaped, and anything else is refused with an error of ours", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("a", "<", ">", "&", "]]>", "é", "\r", "\n", '"') }), (text) => {
        assert.equal(parseXml(`<A>${escapeXml(text)}</A>`).text, text);
      }),
    );
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("<", ">", "/", "A", "&", "!", "-", "[", "]", "?", '"', " ", "=", "#") }),
        (text) => {
          try {
            parseXml(`<A>${text}`);
          } catch (error) {
            if (!(error instanceof SerializationException)) throw error;
          }
        },
      ),
    );
  });
});

describe("a Host", () => {
  for (const [host, wanted] of [
    ["127.0.0.1:4599", undefined],
    ["localhost:4599", undefined],
    ["kms.us-east-1.amazonaws.com", undefined],
    ["s3.amazonaws.com", {}],
    ["s3.eu-west-1.amazonaws.com", {}],
    ["s3.localhost:4599", {}],
    ["bucket.localhost:4599", { bucket: "bucket" }],
    ["bucket.s3.localhost", { bucket: "bucket" }],
    ["bucket.s3.eu-west-1.amazonaws.com", { bucket: "bucket" }],
    ["bucket.s3-eu-west-1.amazonaws.com", { bucket: "bucket" }],
    ["bucket.s3.dualstack.eu-west-1.amazonaws.com", { bucket: "bucket" }],
    ["with.dots.s3.amazonaws.com", { bucket: "with.dots" }],
    ["bucket.s3.keystead.example", { bucket: "bucket" }],
  ] as const) {
    it(`${host} names ${JSON.stringify(wanted)}`, () => assert.deepEqual(s3Host(host), wanted));
  }
});

describe("a body at rest", () => {
  const directory = mkdtempSync(join(tmpdir(), "keystead-bodies-"));
  after(() => rmSync(directory, { recursive: true }));
  const bodies = new Bodies(directory);
  const key = new ContentKey(randomBytes(32));
  const readAll = async (file: string, size: number, by = key): Promise<Buffer> =>
    Buffer.concat(await Array.fromAsync(bodies.read([{ file, size }], by, { from: 0, to: size })));
  const written = async (body: Uint8Array): Promise<{ file: string; path: string }> => {
    const file = bodies.newFile();
    await bodies.write(file, body, key);
    const [folder = ""] = readdirSync(directory).filter((name) => file.startsWith(name));
    return { file, path: join(directory, folder, file) };
  };

  it("shows nothing of itself, and opens whole, for its own key alone", async () => {
    const body = Buffer.alloc(200_000, "a marked text");
    const { file, path } = await written(body);
    assert.ok(!readFileSync(path).includes("marked"));
    assert.deepEqual(await readAll(file, body.length), body);
    await assert.rejects(readAll(file, body.length, new ContentKey(randomBytes(32))), /was altered/);
    await bodies.remove(file);
    await bodies.remove(file);
    await assert.rejects(readAll(file, body.length));
  });

  it("is not read altered, cut, longer, or with chunks moved", async () => {
    const body = randomBytes(3 * 65_536 + 10);
    const { file, path } = await written(body);
    const sealed = readFileSync(path);
    const chunk = 65_536 + 16;
    const altered = Buffer.from(sealed);
    altered[chunk + 20] = (altered[chunk + 20] ?? 0) ^ 1;
    const moved = Buffer.concat([
      sealed.subarray(chunk, 2 * chunk),
      sealed.subarray(0, chunk),
      sealed.subarray(2 * chunk),
    ]);
    for (const bytes of [
      altered,
      moved,
      sealed.subarray(0, 3 * chunk),
      sealed.subarray(0, sealed.length - 1),
      Buffer.concat([sealed, Buffer.of(0)]),
    ]) {
      writeFileSync(path, bytes);
      await assert.rejects(readAll(file, body.length), /was altered/);
    }
    writeFileSync(path, sealed);
    await assert.rejects(readAll(file, 3 * 65_536), /was altered/); // what says that it ends there is wrong
    const other = await written(body);
    writeFileSync(other.path, sealed);
    await assert.rejects(readAll(other.file, body.length), /was altered/);
  });

  it("in parts gives any span of them", async () => {
    const texts = [randomBytes(70_000), randomBytes(1), randomBytes(0), randomBytes(65_536)];
    const parts = await Promise.all(
      texts.map(async (text) => ({ file: (await written(text)).file, size: text.length })),
    );
    const whole = Buffer.concat(texts);
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length), fc.nat(whole.length), async (left, right) => {
        const span = { from: Math.min(left, right), to: Math.max(left, right) };
        const read = Buffer.concat(await Array.fromAsync(bodies.read(parts, key, span)));
        assert.ok(read.equals(whole.subarray(span.from, span.to)));
      }),
      { numRuns: 30 },
    );
  });
});
