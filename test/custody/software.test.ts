/** The software custodian: material that opens only for its owner, blobs that open only as they were made. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import fc from "fast-check";
import { InvalidCiphertextException } from "../../src/base/errors.ts";
import type { MaterialOwner, SealedMaterial } from "../../src/custody/custody.ts";
import { DomainKeys } from "../../src/custody/domain-keys.ts";
import { materialFields } from "../../src/custody/handles.ts";
import { SealedRowError } from "../../src/custody/seal.ts";
import { openCustody, type SoftwareCustody } from "../../src/custody/software.ts";
import { ascii, flipped, HeldClock, newCustody, owner } from "./fixtures.ts";

/** Asserts the one error that callers see, with nothing in it that tells why. */
async function assertInvalidCiphertext(opening: Promise<Uint8Array>, title = ""): Promise<void> {
  await assert.rejects(opening, (error) => {
    assert.ok(error instanceof InvalidCiphertextException, title);
    assert.deepEqual(
      [error.code, error.status, error.message, error.cause],
      ["InvalidCiphertextException", 400, "", undefined],
    );
    return true;
  });
}

const blobOf = async (
  context: Record<string, string> = {},
): Promise<{
  custody: SoftwareCustody;
  material: SealedMaterial;
  blob: Uint8Array;
}> => {
  const { custody } = await newCustody();
  const material = await custody.createMaterial(owner);
  return { custody, material, blob: await custody.encrypt(material, ascii("Attack at dawn"), context) };
};

describe("encryption", () => {
  it("is undone by decryption for any plaintext and any context", async () => {
    const { custody } = await newCustody();
    const material = await custody.createMaterial(owner);
    const text = fc.string({ unit: "grapheme", maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 4096 }),
        fc.dictionary(text, text, { maxKeys: 6, noNullPrototype: false }),
        async (plaintext, context) => {
          const blob = await custody.encrypt(material, plaintext, context);
          const reordered = Object.fromEntries(Object.entries(context).reverse());
          assert.deepEqual(await custody.decrypt(material, blob, reordered), plaintext);
        },
      ),
    );
  });

  it("refuses a blob with any bit of any byte changed", async () => {
    const { custody, material, blob } = await blobOf({ a: "b" });
    for (let index = 0; index < blob.length; index += 1) {
      await assertInvalidCiphertext(custody.decrypt(material, flipped(blob, index), { a: "b" }), `byte ${index}`);
    }
    assert.equal((await custody.decrypt(material, blob, { a: "b" })).length, 14);
  });

  it("refuses a blob that was cut off or lengthened anywhere", async () => {
    const { custody, material, blob } = await blobOf();
    for (let length = 0; length < blob.length; length += 1) {
      await assertInvalidCiphertext(custody.decrypt(material, blob.subarray(0, length), {}), `${length} bytes`);
    }
    await assertInvalidCiphertext(custody.decrypt(material, Uint8Array.from([...blob, 0]), {}));
  });

  it("refuses any other bytes", async () => {
    const { custody, material } = await blobOf();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        await assertInvalidCiphertext(custody.decrypt(material, bytes, {}));
      }),
    );
  });

  for (const { made, given } of [
    { made: { ab: "c" }, given: { a: "bc" } },
    { made: { a: "bc" }, given: { ab: "c" } },
    { made: { a: "b" }, given: {} },
    { made: {}, given: { a: "b" } },
    { made: {}, given: { "": "" } },
    { made: { a: "b", c: "d" }, given: { a: "b" } },
    { made: { a: "b", c: "d" }, given: { a: "d", c: "b" } },
    { made: { a: "b" }, given: { A: "b" } },
    { made: { a: "é" }, given: { a: "e\u0301" } },
  ]) {
    it(`under ${JSON.stringify(made)} refuses ${JSON.stringify(given)}`, async () => {
      const { custody, material, blob } = await blobOf(made);
      await assertInvalidCiphertext(custody.decrypt(material, blob, given));
    });
  }

  it("refuses a blob of another material", async () => {
    const { custody, blob } = await blobOf();
    const other = await custody.createMaterial({ ...owner, keyId: "0987dcba-09fe-87dc-65ba-ab0987654321" });
    await assertInvalidCiphertext(custody.decrypt(other, blob, {}));
  });

  it("moves a plaintext to another key and context without showing it", async () => {
    const { custody, material, blob } = await blobOf({ a: "1" });
    const other = await custody.createMaterial({ ...owner, keyId: "0987dcba-09fe-87dc-65ba-ab0987654321" });
    const moved = await custody.reEncrypt(
      { material, blob, context: { a: "1" } },
      { material: other, context: { b: "2" } },
    );
    assert.deepEqual(await custody.decrypt(other, moved, { b: "2" }), ascii("Attack at dawn"));
    assert.equal(custody.parseBlob(moved)?.keyId, other.keyId);
    const wrong = { material, blob, context: {} };
    await assertInvalidCiphertext(custody.reEncrypt(wrong, { material: other, context: {} }));
  });

  it("makes data keys of any length, plain and encrypted", async () => {
    const { custody, material } = await blobOf();
    for (const lengthBytes of [1, 16, 32, 1024]) {
      const { plaintext, blob } = await custody.generateDataKey(material, lengthBytes, { a: "b" });
      assert.equal(plaintext.length, lengthBytes);
      assert.deepEqual(await custody.decrypt(material, blob, { a: "b" }), plaintext);
      const alone = await custody.generateDataKeyWithoutPlaintext(material, lengthBytes, {});
      assert.equal((await custody.decrypt(material, alone, {})).length, lengthBytes);
    }
  });

  it("hands out secrets in memory of their own", async () => {
    const { custody, material, blob } = await blobOf();
    const opened = await custody.decrypt(material, blob, {});
    const { plaintext } = await custody.generateDataKey(material, 32, {});
    for (const bytes of [opened, plaintext, custody.random(7)]) assert.equal(bytes.buffer.byteLength, bytes.length);
  });
});

describe("sealed material", () => {
  const changes: readonly (keyof MaterialOwner)[] = ["account", "region", "keyId", "spec", "usage", "origin"];
  const others = {
    account: "444455556666",
    region: "us-east-1",
    keyId: "0987dcba-09fe-87dc-65ba-ab0987654321",
    spec: "HMAC_256",
    usage: "GENERATE_VERIFY_MAC",
    origin: "EXTERNAL",
  };
  for (const temperature of ["cold", "warm"] as const) {
    const opened = async (): Promise<{ custody: SoftwareCustody; material: SealedMaterial }> => {
      const { custody } = await newCustody();
      const material = await custody.createMaterial(owner);
      await custody.createMaterial({ ...owner, region: others.region });
      if (temperature === "warm") await custody.encrypt(material, ascii("x"), {});
      return { custody, material };
    };

    for (const column of changes) {
      it(`does not open when its row's ${column} was changed (${temperature})`, async () => {
        const { custody, material } = await opened();
        const moved = { ...material, [column]: others[column] };
        await assert.rejects(custody.encrypt(moved, ascii("x"), {}), SealedRowError);
      });
    }

    it(`does not open when its row's material id or domain version was changed (${temperature})`, async () => {
      const { custody, material } = await opened();
      for (const moved of [{ materialId: "ab".repeat(32) }, { domainVersion: 2 }, { domainVersion: 0 }]) {
        await assert.rejects(custody.encrypt({ ...material, ...moved }, ascii("x"), {}), SealedRowError);
      }
    });
  }

  it("does not open when any byte was changed, or bytes are missing", async () => {
    const { custody } = await newCustody();
    const material = await custody.createMaterial(owner);
    assert.equal(material.sealed.length, 65);
    for (let index = 0; index < material.sealed.length; index += 1) {
      const sealed = flipped(material.sealed, index);
      await assert.rejects(custody.encrypt({ ...material, sealed }, ascii("x"), {}), SealedRowError, `byte ${index}`);
      const cut = material.sealed.slice(0, index);
      await assert.rejects(custody.encrypt({ ...material, sealed: cut }, ascii("x"), {}), SealedRowError);
    }
  });

  it("does not open in another deployment", async () => {
    const { custody } = await newCustody();
    const material = await custody.createMaterial(owner);
    const other = await newCustody();
    await other.custody.createMaterial(owner);
    await assert.rejects(other.custody.encrypt(material, ascii("x"), {}), SealedRowError);
  });

  it("has an id that only its own bytes, key id and spec give", async () => {
    const { custody, store, rootKey } = await newCustody();
    const same = (): Uint8Array => new Uint8Array(32).fill(9);
    const first = await custody.importMaterial(owner, same());
    const reopened = await openCustody({ store, rootKeys: [rootKey], clock: new HeldClock() });
    assert.match(first.materialId, /^[0-9a-f]{64}$/);
    assert.equal(
      (await reopened.importMaterial({ ...owner, account: "444455556666" }, same())).materialId,
      first.materialId,
    );
    assert.notEqual((await custody.importMaterial(owner, same().with(0, 8))).materialId, first.materialId);
    const otherKey = { ...owner, keyId: others.keyId };
    assert.notEqual((await custody.importMaterial(otherKey, same())).materialId, first.materialId);
    assert.notEqual((await (await newCustody()).custody.importMaterial(owner, same())).materialId, first.materialId);
  });

  it("wipes what it was imported from, also when it is refused", async () => {
    const { custody } = await newCustody();
    for (const { to, lengthBytes } of [
      { to: owner, lengthBytes: 32 },
      { to: owner, lengthBytes: 31 },
      { to: { ...owner, spec: "HMAC_256" }, lengthBytes: 32 },
    ]) {
      const bytes = new Uint8Array(lengthBytes).fill(5);
      await custody.importMaterial(to, bytes).catch(() => {});
      assert.ok(bytes.every((byte) => byte === 0));
    }
    await assert.rejects(custody.importMaterial(owner, new Uint8Array(31)), /32 bytes/);
    await assert.rejects(custody.createMaterial({ ...owner, spec: "SM9" }), /no material of spec SM9/);
  });

  it("shows nothing of itself in errors or when custody is printed", async () => {
    const { custody } = await newCustody();
    const bytes = ascii("0123456789abcdef0123456789abcdef");
    const material = await custody.importMaterial(owner, bytes.slice());
    await custody.encrypt(material, ascii("x"), {});
    const failed: unknown = await custody.encrypt({ ...material, usage: "x" }, ascii("x"), {}).catch((error) => error);
    for (const shown of [
      inspect(custody, { depth: null, showHidden: true }),
      inspect(failed),
      JSON.stringify(material),
    ]) {
      assert.ok(!shown.includes("0123456789abcdef0123"));
      assert.ok(!shown.includes(bytes.toHex()));
      assert.ok(!shown.includes("30 31 32 33"));
    }
  });
});

describe("a custody that is closed", () => {
  it("does nothing more", async () => {
    const { custody, material, blob } = await blobOf();
    custody.close();
    await assert.rejects(custody.decrypt(material, blob, {}), /closed/);
    await assert.rejects(custody.createMaterial(owner), /closed/);
    await assert.rejects(custody.authenticate("x", ascii("y")), /closed/);
  });
});

describe("authentication for other rooms", () => {
  it("depends on label, bytes and deployment, and on nothing else", async () => {
    const { custody, store, rootKey } = await newCustody();
    const mac = await custody.authenticate("marker", ascii("page 2"));
    assert.equal(mac.length, 32);
    const reopened = await openCustody({ store, rootKeys: [rootKey], clock: new HeldClock() });
    assert.deepEqual(await reopened.authenticate("marker", ascii("page 2")), mac);
    const different = [
      await custody.authenticate("marker", ascii("page 3")),
      await custody.authenticate("marke", ascii("rpage 2")),
      await (await newCustody()).custody.authenticate("marker", ascii("page 2")),
    ];
    for (const other of different) assert.notDeepEqual(other, mac);
  });
});

describe("material sealed for another Region", () => {
  it("keeps its id and opens what the first encrypted, and the other way round", async () => {
    const { custody, material, blob } = await blobOf({ a: "b" });
    const copy = await custody.resealMaterial(material, "eu-west-3");
    const { sealed, domainVersion, ...rest } = copy;
    const { sealed: original, domainVersion: _version, ...expected } = material;
    assert.deepEqual(rest, { ...expected, region: "eu-west-3" });
    assert.ok(domainVersion >= 1);
    assert.notDeepEqual(sealed, original);
    assert.deepEqual(await custody.decrypt(copy, blob, { a: "b" }), ascii("Attack at dawn"));
    const back = await custody.encrypt(copy, ascii("At dusk"), {});
    assert.deepEqual(await custody.decrypt(material, back, {}), ascii("At dusk"));
  });

  it("opens in its Region alone: neither row does in the other's place", async () => {
    const { custody, material, blob } = await blobOf();
    const copy = await custody.resealMaterial(material, "eu-west-3");
    custody.forget(owner.keyId);
    await assert.rejects(custody.decrypt({ ...copy, region: material.region }, blob, {}), SealedRowError);
    await assert.rejects(custody.decrypt({ ...material, region: copy.region }, blob, {}), SealedRowError);
  });

  it("is not made from a row that was altered, moved, or given another's id", async () => {
    const { custody, material } = await blobOf();
    const other = await custody.createMaterial(owner);
    for (const row of [
      { ...material, sealed: flipped(material.sealed, 40) },
      { ...material, account: "444455556666" },
      { ...material, materialId: other.materialId },
    ]) {
      await assert.rejects(custody.resealMaterial(row, "eu-west-3"), SealedRowError);
    }
  });

  it("is not made of material whose id is another's, though its seal opens", async () => {
    const { custody, store, rootKey } = await newCustody();
    const { materialId } = await custody.createMaterial(owner);
    const domainKeys = await DomainKeys.open({ store, rootKeys: [rootKey], singleRootKey: true });
    const domain = { region: owner.region, purpose: "material" } as const;
    const bytes = new Uint8Array(32).fill(3);
    const { version, sealed } = await domainKeys.seal(domain, materialFields(owner, materialId), bytes);
    const row = { ...owner, materialId, domainVersion: version, sealed };
    await assert.rejects(custody.resealMaterial(row, "eu-west-3"), /is not what its id says/);
  });

  it("is refused once custody is closed", async () => {
    const { custody, material } = await blobOf();
    custody.close();
    await assert.rejects(custody.resealMaterial(material, "eu-west-3"), /closed/);
  });
});
