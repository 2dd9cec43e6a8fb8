/** Blobs of keys in external key stores: two layers, neither of which is ever left out. */

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, describe, it } from "node:test";
import fc from "fast-check";
import { InvalidCiphertextException } from "../../src/base/errors.ts";
import { encodeExternal, parseExternal } from "../../src/custody/external-blob.ts";
import { externalLayer } from "./external-layer.ts";
import { ascii, flipped, newCustody, owner } from "./fixtures.ts";

const { custody } = await newCustody();
after(() => custody.close());
const material = await custody.createMaterial({ ...owner, origin: "EXTERNAL_KEY_STORE" });
const external = randomBytes(32);
const twice = { ...material, outer: externalLayer(external) };
const plaintext = ascii("Attack at dawn");
const context = { stage: "é" };

describe("a blob of a key in an external key store", () => {
  it("opens with both keys, and names its key and material as every blob does", async () => {
    const blob = await custody.encrypt(twice, plaintext, context);
    assert.deepEqual([blob[0], blob[1]], [1, 3]);
    assert.deepEqual(custody.parseBlob(blob), { keyId: owner.keyId, materialId: material.materialId });
    assert.deepEqual(await custody.decrypt(twice, blob, context), plaintext);
  });

  it("is neither made nor opened without its external key", async () => {
    const blob = await custody.encrypt(twice, plaintext, context);
    for (const use of [
      () => custody.encrypt(material, plaintext, context),
      () => custody.decrypt(material, blob, context),
      () => custody.generateDataKey(material, 32, context),
      () => custody.generateDataKeyWithoutPlaintext(material, 32, context),
    ]) {
      await assert.rejects(use(), /without its external key/);
    }
  });

  it("does not open after any bit of it was turned", async () => {
    const blob = await custody.encrypt(twice, plaintext, context);
    for (let index = 0; index < blob.length; index += 1) {
      await assert.rejects(custody.decrypt(twice, flipped(blob, index), context), `byte ${index}`);
    }
  });

  it("does not open with another context, external key, key or material of ours", async () => {
    const blob = await custody.encrypt(twice, plaintext, context);
    await assert.rejects(custody.decrypt(twice, blob, {}));
    await assert.rejects(custody.decrypt({ ...material, outer: externalLayer(randomBytes(32)) }, blob, context));
    const other = await custody.createMaterial({ ...owner, origin: "EXTERNAL_KEY_STORE" });
    await assert.rejects(custody.decrypt({ ...other, outer: twice.outer }, blob, context), InvalidCiphertextException);
    const plain = await custody.createMaterial(owner);
    await assert.rejects(custody.decrypt(plain, blob, context), InvalidCiphertextException);
    const single = await custody.encrypt(plain, plaintext, context);
    await assert.rejects(custody.decrypt(twice, single, context), InvalidCiphertextException);
  });

  it("has an inner layer that is checked though the outer one opens", async () => {
    const blob = await custody.encrypt(twice, plaintext, context);
    const lying = {
      ...twice.outer,
      decrypt: async (...input: Parameters<typeof twice.outer.decrypt>) =>
        flipped(await twice.outer.decrypt(...input), 50),
    };
    await assert.rejects(custody.decrypt({ ...material, outer: lying }, blob, context), /inner layer does not open/);
  });

  it("takes every layer that a proxy may answer, and gives it back as it was", () => {
    const parts = fc.record({
      iv: fc.constantFrom(12, 16).chain((length) => fc.uint8Array({ minLength: length, maxLength: length })),
      tag: fc.uint8Array({ minLength: 16, maxLength: 16 }),
      metadata: fc.uint8Array({ maxLength: 20 }),
      ciphertext: fc.uint8Array({ minLength: 44, maxLength: 80 }),
    });
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 51, maxLength: 51 }), parts, (prefix, layer) => {
        assert.deepEqual(parseExternal(encodeExternal(prefix, layer)), { ...layer });
      }),
    );
  });

  it("gives a layer or nothing for any bytes, and the layer gives the same bytes again", () => {
    const shaped = fc.tuple(
      fc.uint8Array({ minLength: 51, maxLength: 51 }),
      fc.constantFrom(12, 16, 13),
      fc.uint8Array({ minLength: 70, maxLength: 120 }),
    );
    fc.assert(
      fc.property(shaped, ([prefix, ivBytes, rest]) => {
        const blob = Uint8Array.from([...prefix, ivBytes, ...rest]);
        const layer = parseExternal(blob);
        if (layer !== undefined) assert.deepEqual(encodeExternal(prefix, layer), blob);
      }),
    );
  });
});
