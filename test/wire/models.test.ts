/** Every operation of every model compiles. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ServiceError } from "../../src/base/errors.ts";
import { compileModel, type ServiceModel } from "../../src/wire/model.ts";
import iamJson from "../../src/wire/models/iam.json" with { type: "json" };
import kmsJson from "../../src/wire/models/kms.json" with { type: "json" };
import organizationsJson from "../../src/wire/models/organizations.json" with { type: "json" };
import stsJson from "../../src/wire/models/sts.json" with { type: "json" };
import { iamModel, kmsModel, organizationsModel, stsModel } from "../../src/wire/models.ts";
import { formRequest, jsonRequest } from "./requests.ts";

interface Definition {
  readonly input?: { readonly shape: string };
  readonly output?: { readonly shape: string };
}

interface Json {
  readonly operations: Readonly<Record<string, Definition>>;
  readonly shapes: object;
}

function walk(model: ServiceModel, { operations, shapes }: Json): void {
  assert.deepEqual([...model.operations.keys()], Object.keys(operations));
  for (const [name, definition] of Object.entries(operations)) {
    const operation = model.operations.get(name);
    assert.ok(operation !== undefined && operation.name === name);
    assert.equal(operation.output?.name, definition.output?.shape, name);
    const needed = requiredCount(shapes, definition.input?.shape);
    assert.equal(operation.input.members.filter((member) => member.required).length, needed, name);
    const request = model.id === "kms" || model.id === "organizations" ? jsonRequest({}) : formRequest("");
    try {
      model.codec.decode(operation, request);
      assert.equal(needed, 0, name);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      assert.match(error.message, new RegExp(`^${needed} validation errors? detected: `), name);
    }
    assert.equal(model.codec.encode(operation, {}, "id").status, 200);
  }
}

function requiredCount(shapes: object, name: string | undefined): number {
  const shape: unknown = name === undefined ? undefined : Reflect.get(shapes, name);
  const required: unknown = typeof shape === "object" && shape !== null && "required" in shape ? shape.required : [];
  return Array.isArray(required) ? required.length : 0;
}

describe("the model of", () => {
  it("KMS compiles, with each of its 56 operations", () => {
    walk(kmsModel(), kmsJson);
    assert.equal(kmsModel().operations.size, 56);
    assert.equal(kmsModel().id, "kms");
  });

  it("Organizations compiles, with each of its 25 operations", () => {
    walk(organizationsModel(), organizationsJson);
    assert.equal(organizationsModel().operations.size, 25);
    assert.equal(organizationsModel().id, "organizations");
  });

  it("STS compiles, with each of its operations", () => {
    walk(stsModel(), stsJson);
    assert.equal(stsModel().id, "sts");
  });

  it("IAM compiles, with each of its 100 operations", () => {
    walk(iamModel(), iamJson);
    assert.equal(iamModel().operations.size, 100);
    assert.equal(iamModel().id, "iam");
  });

  it("KMS allows the same values in the order that was recorded as in its own", () => {
    const plain = compileModel(kmsJson);
    for (const [name, { input }] of kmsModel().operations) {
      const own = plain.operations.get(name)?.input;
      for (const [index, { shape, name: member }] of input.members.entries()) {
        const ownShape = own?.members[index]?.shape;
        if (shape.kind !== "string" || ownShape?.kind !== "string") continue;
        const values = (texts: readonly { readonly text: string }[]) =>
          texts.flatMap(({ text }) => /enum value set: \[(.*)\]/.exec(text)?.[1]?.split(", ") ?? []).sort();
        assert.deepEqual(values(shape.constraints), values(ownShape.constraints), `${name}.${member}`);
      }
    }
  });

  it("a service is compiled once", () => assert.equal(kmsModel(), kmsModel()));

  it("a signing name other than the endpoint's has that as its id", () => {
    const metadata = { ...kmsJson.metadata, signingName: "signed" };
    assert.equal(compileModel({ ...kmsJson, metadata }).id, "signed");
  });
});

describe("a model that does not hold together is refused:", () => {
  const { metadata } = kmsJson;
  const operations = { Do: { input: { shape: "In" } } };
  for (const { title, json, message } of [
    { title: "no object", json: null, message: /Not a service model/ },
    { title: "no shapes", json: { metadata, operations }, message: /Not a service model/ },
    { title: "a shape that is not there", json: { metadata, operations, shapes: {} }, message: /no shape In/ },
    {
      title: "an input that is no structure",
      json: { metadata, operations, shapes: { In: { type: "string" } } },
      message: /In is no structure/,
    },
    {
      title: "a type that is none",
      json: {
        metadata,
        operations,
        shapes: { In: { type: "structure", members: { A: { shape: "A" } } }, A: { type: "tuple" } },
      },
      message: /A has the unknown type tuple/,
    },
    {
      title: "a protocol that is none of ours",
      json: { metadata: { ...metadata, protocol: "smithy" }, operations: {}, shapes: {} },
      message: /No codec for the protocol smithy/,
    },
  ]) {
    it(title, () =>
      assert.throws(() => {
        // Shapes are compiled with the first request that meets them.
        for (const { input, output } of compileModel(json).operations.values()) assert.ok(input || output);
      }, message),
    );
  }
});
