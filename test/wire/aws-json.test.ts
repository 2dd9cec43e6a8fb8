/** The awsJson protocols: what they decode, validate, encode and refuse. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  AccessDeniedException,
  InvalidCiphertextException,
  KMSInternalException,
  NotFoundException,
  ServiceError,
} from "../../src/base/errors.ts";
import { compileModel } from "../../src/wire/model.ts";
import { cloudtrailModel, kmsModel } from "../../src/wire/models.ts";
import { jsonRequest, operation, refusal, text } from "./requests.ts";

const kms = kmsModel();
/** What all answers of KMS carry. */
const UNCACHED = { "Cache-Control": "no-cache, no-store, must-revalidate, private", Expires: "0", Pragma: "no-cache" };
const KEY = "1234abcd-12ab-34cd-56ef-1234567890ab";
const decode = (name: string, body: unknown) =>
  kms.codec.decode(operation(kms, name), jsonRequest(body, `TrentService.${name}`));
const refuse = (name: string, body: unknown) => refusal(() => decode(name, body));

/** Every kind of shape, in a structure that contains itself. */
const sample = compileModel({
  metadata: {
    apiVersion: "1",
    endpointPrefix: "sample",
    signingName: "signed",
    protocol: "json",
    jsonVersion: "1.0",
    targetPrefix: "S",
  },
  operations: { Echo: { name: "Echo", input: { shape: "All" }, output: { shape: "All" } }, Quiet: { name: "Quiet" } },
  shapes: {
    All: {
      type: "structure",
      members: {
        Text: { shape: "Text" },
        Count: { shape: "Count" },
        Ratio: { shape: "Ratio" },
        Flag: { shape: "Flag" },
        Bytes: { shape: "Bytes" },
        Time: { shape: "Time" },
        Texts: { shape: "Texts" },
        Pairs: { shape: "Pairs" },
        Counts: { shape: "Counts" },
        Nested: { shape: "All" },
        Trees: { shape: "Trees" },
      },
    },
    Text: { type: "string" },
    Count: { type: "integer" },
    Ratio: { type: "double" },
    Flag: { type: "boolean" },
    Bytes: { type: "blob" },
    Time: { type: "timestamp" },
    Texts: { type: "list", member: { shape: "Text" } },
    Pairs: { type: "map", key: { shape: "Text" }, value: { shape: "Text" } },
    Counts: { type: "map", key: { shape: "Text" }, value: { shape: "Count" } },
    Trees: { type: "list", member: { shape: "All" } },
  },
});
const echo = operation(sample, "Echo");
const decodeSample = (body: unknown) => sample.codec.decode(echo, jsonRequest(body, "S.Echo"));

describe("an awsJson request", () => {
  const named = jsonRequest({});
  for (const { title, request, name } of [
    { title: "names its operation in X-Amz-Target", request: named, name: "Encrypt" },
    {
      title: "may be of plain JSON with a charset",
      request: { ...named, headers: { ...named.headers, "content-type": "application/json; charset=utf-8" } },
      name: "Encrypt",
    },
    { title: "of another service's target names none", request: jsonRequest({}, "Other.Encrypt"), name: undefined },
    { title: "of the bare prefix names an empty one", request: jsonRequest({}, "TrentService."), name: "" },
    { title: "without the header names none", request: { ...named, headers: {} }, name: undefined },
    { title: "that is no POST names none", request: { ...named, method: "GET" }, name: undefined },
    {
      title: "of another media type names none",
      request: { ...named, headers: { ...named.headers, "content-type": "application/x-amz-json-1.1x" } },
      name: undefined,
    },
  ]) {
    it(title, () => assert.equal(kms.codec.operationName(request), name));
  }
});

describe("an awsJson body", () => {
  it("becomes an input whose absent and null members are absent", () => {
    const input = decode("Encrypt", {
      KeyId: KEY,
      Plaintext: "aGk=",
      DryRun: null,
      GrantTokens: [],
      Unknown: { a: [1] },
    });
    assert.deepEqual(input, { KeyId: KEY, Plaintext: new Uint8Array([104, 105]), GrantTokens: [] });
    assert.deepEqual(Object.keys(input).sort(), ["GrantTokens", "KeyId", "Plaintext"]);
  });

  it("that is empty is an input without members", () => assert.deepEqual(decode("ListKeys", ""), {}));

  it("gives the last of two members with one name", () => {
    assert.deepEqual(decode("ListKeys", '{"Limit":1,"Limit":2}'), { Limit: 2 });
  });

  it("gives bytes of their own memory, of exactly their length", () => {
    const { Plaintext } = decode("Encrypt", { KeyId: KEY, Plaintext: "AQID" });
    assert.ok(Plaintext instanceof Uint8Array && !Buffer.isBuffer(Plaintext));
    assert.equal(Plaintext.buffer.byteLength, 3);
  });

  it("gives timestamps to the millisecond", () => {
    assert.deepEqual(decodeSample({ Time: 1700000000.123 }), { Time: new Date(1700000000123) });
  });

  it("cuts fractions of integers and saturates what is beyond them", () => {
    for (const [sent, got] of [
      ["1.9", 1],
      ["-1.9", -1],
      ["-0.5", 0],
      ["1e400", 2147483647],
      ["-99999999999", -2147483648],
    ]) {
      assert.deepEqual(decodeSample(`{"Count":${sent}}`), { Count: got });
    }
  });

  it("keeps a context pair named __proto__, in an object without prototype", () => {
    const { EncryptionContext } = decode("Decrypt", '{"EncryptionContext":{"__proto__":"x","constructor":"y"}}');
    assert.equal(Object.getPrototypeOf(EncryptionContext), null);
    assert.deepEqual(Object.entries(EncryptionContext as object), [
      ["__proto__", "x"],
      ["constructor", "y"],
    ]);
  });

  it("does not take members from a __proto__ that it brings along", () => {
    assert.equal(refuse("DescribeKey", `{"__proto__":{"KeyId":"${KEY}"}}`).code, "ValidationException");
  });

  it("has numbers and booleans of an encryption context taken as their text", () => {
    const { EncryptionContext } = decode("Decrypt", {
      EncryptionContext: { a: 1, b: 1.5, c: true, d: false, e: -3, f: "g" },
    });
    assert.deepEqual(
      { ...(EncryptionContext as object) },
      { a: "1", b: "1.5", c: "true", d: "false", e: "-3", f: "g" },
    );
  });

  for (const literal of ["1.10", "1.0", "1e3", "1E+03", "-0", "9007199254740993", "1e999"]) {
    it(`has the number ${literal} of an encryption context taken as it was written`, () => {
      const { EncryptionContext } = decode("Decrypt", `{"EncryptionContext":{"a":0,"a":${literal},"b":"1.1"}}`);
      assert.deepEqual({ ...(EncryptionContext as object) }, { a: literal, b: "1.1" });
    });
  }

  it("has numbers of other members stay numbers beside one in an encryption context", () => {
    const { NumberOfBytes, EncryptionContext } = decode(
      "GenerateDataKey",
      '{"KeyId":"a","NumberOfBytes":16.9,"EncryptionContext":{"NumberOfBytes":1.50}}',
    );
    assert.equal(NumberOfBytes, 16);
    assert.deepEqual({ ...(EncryptionContext as object) }, { NumberOfBytes: "1.50" });
  });

  for (const { title, name, body, message } of [
    { title: "that is no JSON", name: "Encrypt", body: "{", message: "" },
    { title: "with a trailing comma", name: "Encrypt", body: '{"KeyId":"a",}', message: "" },
    { title: "with text after it", name: "Encrypt", body: "{} {}", message: "" },
    { title: "with a byte order mark", name: "Encrypt", body: "\ufeff{}", message: "" },
    {
      title: "that is no UTF-8",
      name: "Encrypt",
      body: new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
      message: "",
    },
    { title: "nested a million deep", name: "Encrypt", body: "[".repeat(1_000_000), message: "" },
    { title: "that is null", name: "Encrypt", body: "null", message: "" },
    { title: "that is a text", name: "Encrypt", body: '"x"', message: "" },
    { title: "that is a list", name: "Encrypt", body: "[]", message: "Start of list found where not expected" },
    {
      title: "with a number for a text",
      name: "Encrypt",
      body: { KeyId: 1 },
      message: "NUMBER_VALUE can not be converted to a String",
    },
    {
      title: "with true for a text",
      name: "Encrypt",
      body: { KeyId: true },
      message: "TRUE_VALUE can not be converted to a String",
    },
    {
      title: "with false for a text",
      name: "Encrypt",
      body: { KeyId: false },
      message: "FALSE_VALUE can not be converted to a String",
    },
    {
      title: "with a list for a text",
      name: "Encrypt",
      body: { KeyId: ["a"] },
      message: "Start of list found where not expected",
    },
    {
      title: "with a structure for a text",
      name: "Encrypt",
      body: { KeyId: {} },
      message: "Start of structure or map found where not expected.",
    },
    {
      title: "with a text for an integer",
      name: "ListKeys",
      body: { Limit: "1" },
      message: "STRING_VALUE can not be converted to an Integer",
    },
    {
      title: "with true for an integer",
      name: "ListKeys",
      body: { Limit: true },
      message: "TRUE_VALUE can not be converted to an Integer",
    },
    {
      title: "with a number for a boolean",
      name: "Encrypt",
      body: { DryRun: 1 },
      message: "NUMBER_VALUE can not be converted to a Boolean",
    },
    {
      title: "with a text for a boolean",
      name: "Encrypt",
      body: { DryRun: "true" },
      message: "STRING_VALUE can not be converted to an Boolean",
    },
    {
      title: "with a number for a blob",
      name: "Encrypt",
      body: { Plaintext: 1 },
      message: "NUMBER_VALUE can not be converted to a Blob",
    },
    { title: "with a text for a list", name: "Encrypt", body: { GrantTokens: "a" }, message: "Expected list or null" },
    {
      title: "with a structure for a list",
      name: "Encrypt",
      body: { GrantTokens: {} },
      message: "Start of structure or map found where not expected.",
    },
    {
      title: "with a number in a list of texts",
      name: "Encrypt",
      body: { GrantTokens: [1] },
      message: "NUMBER_VALUE can not be converted to a String",
    },
    {
      title: "with a text for a map",
      name: "Encrypt",
      body: { EncryptionContext: "a" },
      message: "Expected map or null",
    },
    {
      title: "with a list for a map",
      name: "Encrypt",
      body: { EncryptionContext: [] },
      message: "Start of list found where not expected",
    },
    {
      title: "with a list in an encryption context",
      name: "Encrypt",
      body: { EncryptionContext: { a: [] } },
      message: "Start of list found where not expected",
    },
    { title: "with a text for a structure", name: "CreateGrant", body: { Constraints: "a" }, message: "Expected null" },
    { title: "with half a surrogate pair in a text", name: "Encrypt", body: '{"KeyId":"\\ud800"}', message: "" },
    {
      title: "with half a surrogate pair in a context value",
      name: "Encrypt",
      body: '{"EncryptionContext":{"a":"\\udfff"}}',
      message: "",
    },
    {
      title: "with half a surrogate pair in a context name",
      name: "Encrypt",
      body: '{"EncryptionContext":{"\\ud83d":"a"}}',
      message: "",
    },
    {
      title: "with a text for a timestamp",
      name: "ImportKeyMaterial",
      body: { ValidTo: "2026-01-01" },
      message: "STRING_VALUE can not be converted to milliseconds since epoch",
    },
    { title: "with a timestamp beyond all dates", name: "ImportKeyMaterial", body: { ValidTo: 1e20 }, message: "" },
    { title: "with base64 that is short of its padding", name: "Encrypt", body: { Plaintext: "aGk" }, message: "" },
  ]) {
    it(`${title} is refused`, () => assert.deepEqual(refuse(name, body), { code: "SerializationException", message }));
  }

  it("tells a wrong type before what the model limits", () => {
    assert.equal(refuse("Encrypt", { Plaintext: "", KeyId: 1 }).code, "SerializationException");
  });

  const members = fc.record(
    {
      KeyId: fc.jsonValue(),
      Plaintext: fc.oneof(fc.base64String(), fc.jsonValue()),
      EncryptionContext: fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.jsonValue()),
      GrantTokens: fc.oneof(fc.array(fc.jsonValue()), fc.jsonValue()),
      EncryptionAlgorithm: fc.jsonValue(),
      DryRun: fc.jsonValue(),
    },
    { requiredKeys: [] },
  );
  const bodies = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.string({ unit: "binary", maxLength: 200 }).map((body) => Buffer.from(body)),
    fc.json().map((body) => Buffer.from(body)),
    members.map((body) => Buffer.from(JSON.stringify(body))),
  );
  it("of any bytes is an input or an error of ours", () => {
    fc.assert(
      fc.property(bodies, fc.constantFrom(...kms.operations.values()), (body, { name }) => {
        try {
          assert.equal(typeof decode(name, body), "object");
        } catch (error) {
          if (!(error instanceof ServiceError)) throw error;
          assert.ok(["SerializationException", "ValidationException"].includes(error.code));
          assert.equal(error.status, 400);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe("an awsJson answer", () => {
  it("of an operation without output is an empty 200 (S08-003)", () => {
    const answer = { status: 200, contentType: "application/x-amz-json-1.1", body: "", headers: UNCACHED };
    assert.deepEqual(kms.codec.encode(operation(kms, "EnableKey"), undefined, "id"), answer);
  });

  it("of an empty output is an empty object", () => {
    assert.equal(kms.codec.encode(operation(kms, "ConnectCustomKeyStore"), {}, "id").body, "{}");
  });

  it("has base64, epoch seconds with milliseconds, and the members of the model that are defined", () => {
    const output = {
      Bytes: new Uint8Array([255, 254]),
      Time: new Date(1700000000123),
      Text: undefined,
      Secret: "not in the model",
      Nested: { Count: 0, Flag: false, Other: 1 },
      Pairs: { a: "b" },
    };
    const { body } = sample.codec.encode(echo, output, "id");
    assert.equal(body, '{"Bytes":"//4=","Time":1700000000.123,"Pairs":{"a":"b"},"Nested":{"Count":0,"Flag":false}}');
  });

  it("is of the version that the model says", () => {
    assert.deepEqual(sample.codec.encode(echo, {}, "id"), {
      status: 200,
      contentType: "application/x-amz-json-1.0",
      body: "{}",
    });
  });

  for (const { title, error, status, body } of [
    {
      title: "names code and message",
      error: new NotFoundException("Gone."),
      status: 400,
      body: '{"__type":"NotFoundException","message":"Gone."}',
    },
    {
      title: "has no message member without a message",
      error: new InvalidCiphertextException(),
      status: 400,
      body: '{"__type":"InvalidCiphertextException"}',
    },
    {
      title: "of the front end writes Message",
      error: new AccessDeniedException("No."),
      status: 400,
      body: '{"__type":"AccessDeniedException","Message":"No."}',
    },
    {
      title: "has the error's status",
      error: new KMSInternalException(),
      status: 500,
      body: '{"__type":"KMSInternalException"}',
    },
  ]) {
    it(`of an error ${title}`, () => {
      const contentType = "application/x-amz-json-1.1";
      assert.deepEqual(kms.codec.encodeError(error, "id"), { status, contentType, body, headers: UNCACHED });
    });
  }

  const texts = fc.string({ unit: "binary" }).filter((value) => value.isWellFormed());
  const { all } = fc.letrec((tie) => ({
    all: fc.record(
      {
        Text: texts,
        Count: fc.integer(),
        Ratio: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
        Flag: fc.boolean(),
        Bytes: fc.uint8Array(),
        Time: fc.date({ noInvalidDate: true, min: new Date("0001-01-01"), max: new Date("9999-12-31") }),
        Texts: fc.array(texts),
        Pairs: fc.dictionary(fc.oneof(texts, fc.constant("__proto__")), texts, { noNullPrototype: false }),
        Counts: fc.dictionary(texts, fc.integer()),
        Nested: fc.option(tie("all"), { nil: undefined, depthSize: "small", depthIdentifier: "all" }),
        Trees: fc.array(tie("all"), { maxLength: 2, depthIdentifier: "all" }),
      },
      { requiredKeys: [] },
    ),
  }));
  it("decodes to what was encoded, and encodes to the same bytes again", () => {
    fc.assert(
      fc.property(all, (value) => {
        const body = text(sample.codec.encode(echo, value, "id"));
        const again = decodeSample(body);
        assert.equal(text(sample.codec.encode(echo, again, "id")), body);
        assert.deepEqual(structuredClone(again), structuredClone(stripUndefined(value)));
      }),
    );
  });
});

/** Structures without their undefined members, as decoding gives them. */
function stripUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(stripUndefined);
  if (typeof value !== "object" || value === null || value instanceof Uint8Array || value instanceof Date) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, part]) => (part === undefined ? [] : [[name, stripUndefined(part)]])),
  );
}

describe("the target of a service whose name has a package", () => {
  for (const name of ["com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101", "CloudTrail_20131101"]) {
    it(`is told by ${name}, as some clients send it`, () => {
      const { codec } = cloudtrailModel();
      assert.equal(codec.operationName(jsonRequest({}, `${name}.LookupEvents`)), "LookupEvents");
      assert.equal(codec.operationName(jsonRequest({}, `x.${name}.LookupEvents`)), undefined);
    });
  }
});
