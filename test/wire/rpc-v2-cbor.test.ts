/** The protocol RPC v2 CBOR: CBOR in and out, the operation in the path. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as cborg from "cborg";
import fc from "fast-check";
import { CborError, decodeCborDocument } from "../../src/base/cbor.ts";
import { InternalFailure, SerializationException, ServiceError, ValidationException } from "../../src/base/errors.ts";
import { CborWriter } from "../../src/wire/cbor-writer.ts";
import { compileModel, type OperationModel } from "../../src/wire/model.ts";
import type { WireRequest } from "../../src/wire/protocol.ts";

const member = (shape: string) => ({ shape });
const model = compileModel({
  metadata: {
    apiVersion: "1",
    endpointPrefix: "s",
    protocol: "smithy-rpc-v2-cbor",
    targetPrefix: "Sample",
    awsQueryCompatible: {},
  },
  operations: { Echo: { name: "Echo", input: member("All"), output: member("All") }, Quiet: { name: "Quiet" } },
  shapes: {
    All: {
      type: "structure",
      required: ["Text"],
      members: Object.fromEntries(
        ["Text", "Count", "Ratio", "Flag", "Bytes", "Time", "Texts", "Pairs", "All"].map((name) => [
          name,
          member(name),
        ]),
      ),
    },
    Text: { type: "string", min: 1 },
    Count: { type: "long" },
    Ratio: { type: "double" },
    Flag: { type: "boolean" },
    Bytes: { type: "blob" },
    Time: { type: "timestamp" },
    Texts: { type: "list", member: member("Text") },
    Pairs: { type: "map", key: member("Text"), value: member("Count") },
    Gone: { type: "structure", members: {}, error: { code: "ItIsGone", httpStatusCode: 404 }, exception: true },
  },
});
const operation = (name: string): OperationModel => model.operations.get(name) as OperationModel;
const PATH = "/service/Sample/operation/Echo";
const request = (body: Uint8Array, changed: Partial<WireRequest> = {}): WireRequest => ({
  method: "POST",
  target: PATH,
  headers: { "smithy-protocol": "rpc-v2-cbor" },
  body,
  ...changed,
});
const decode = (body: Uint8Array) => model.codec.decode(operation("Echo"), request(body));

const VALUE = {
  Text: "é",
  Count: -70_000,
  Ratio: 0.1,
  Flag: true,
  Bytes: Uint8Array.of(1, 2),
  Time: new Date(1_700_000_000_500),
  Texts: ["a", "b"],
  All: { Text: "inner", Count: 2 ** 40 },
};

describe("RPC v2 CBOR", () => {
  it("finds the operation in the path, of requests that say its name", () => {
    assert.equal(model.codec.operationName(request(new Uint8Array())), "Echo");
    for (const changed of [{ method: "GET" }, { target: "/service/Other/operation/Echo" }, { headers: {} }]) {
      assert.equal(model.codec.operationName(request(new Uint8Array(), changed)), undefined);
    }
  });

  it("reads back what it writes", () => {
    const { body, contentType, headers } = model.codec.encode(operation("Echo"), { ...VALUE, Pairs: { x: 1 } }, "id");
    assert.deepEqual([contentType, headers], ["application/cbor", { "smithy-protocol": "rpc-v2-cbor" }]);
    const { Pairs, ...rest } = decode(body as Uint8Array);
    assert.deepEqual(rest, VALUE);
    assert.deepEqual({ ...(Pairs as object) }, { x: 1 });
    assert.deepEqual(model.codec.encode(operation("Quiet"), undefined, "id").body, Uint8Array.of(0xa0));
  });

  it("reads what clients write: integers for doubles, null for nothing, any length of a time", () => {
    const body = cborg.encode({ Text: "a", Ratio: 5, Flag: null });
    assert.deepEqual(decode(body), { Text: "a", Ratio: 5 });
    const time = (hex: string) => decode(Uint8Array.fromHex(`a26454657874616164${"54696d65"}${hex}`))["Time"];
    assert.deepEqual(time("c11a6553f100"), new Date(1_700_000_000_000));
    assert.deepEqual(time("c1fb41d954fc40200000"), new Date(1_700_000_000_500));
    assert.deepEqual(decode(Uint8Array.fromHex("bf64546578746161ff")), { Text: "a" });
  });

  it("refuses what is no CBOR, of another type, or against the model", () => {
    for (const hex of [
      "ff",
      "a1",
      "80",
      "a2645465787461616454657874",
      `a164${"54657874"}01`,
      "c0a0",
      `${"c1".repeat(5000)}00`,
    ]) {
      assert.throws(() => decode(Uint8Array.fromHex(hex)), SerializationException, hex);
    }
    for (const input of [
      { Text: "a", Count: 1.5 },
      { Text: "a", Time: 5 },
      { Text: "a", Texts: {} },
      { Text: "a", Bytes: "b" },
    ]) {
      assert.throws(() => decode(cborg.encode(input)), SerializationException, JSON.stringify(input));
    }
    assert.throws(() => decode(cborg.encode({ Text: "" })), ValidationException);
    assert.throws(() => decode(new Uint8Array()), ValidationException);
  });

  it("writes errors with the codes of the query protocol beside", () => {
    class Gone extends ServiceError {
      readonly code = "Gone";
      override readonly status = 404;
    }
    const { status, body, headers } = model.codec.encodeError(new Gone("It went."), "id");
    assert.deepEqual(cborg.decode(body as Uint8Array), { __type: "Gone", message: "It went." });
    assert.deepEqual([status, headers?.["x-amzn-query-error"]], [404, "ItIsGone;Sender"]);
    const fault = model.codec.encodeError(new InternalFailure(), "id");
    assert.equal(fault.headers?.["x-amzn-query-error"], "InternalFailure;Receiver");
  });
});

describe("CBOR of documents", () => {
  it("has every safe integer, and refuses the next ones", () => {
    for (const integer of [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, -1, 0]) {
      assert.equal(decodeCborDocument(cborg.encode(integer)), integer);
    }
    for (const integer of [2n ** 53n, -(2n ** 53n)]) {
      assert.throws(() => decodeCborDocument(cborg.encode(integer)), /isn't safe/);
    }
  });

  it("is written as another implementation reads it", () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.double(), fc.string({ unit: "grapheme" }), (integer, double, text) => {
        const writer = new CborWriter();
        writer.array(3);
        writer.integer(integer);
        writer.double(double);
        writer.text(text);
        assert.deepEqual(cborg.decode(writer.bytes()), [integer, double, text]);
        assert.deepEqual(decodeCborDocument(writer.bytes()), [integer, double, text]);
      }),
    );
  });

  it("is read or refused, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          decodeCborDocument(bytes);
        } catch (cause) {
          assert.ok(cause instanceof CborError, String(cause));
        }
      }),
    );
  });
});
