/** The awsQuery protocol: forms in, XML out. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  AccessDeniedException,
  IncompleteSignatureException,
  InternalFailure,
  InvalidSignatureException,
  MalformedPolicyDocumentException,
  MissingAuthenticationTokenException,
  NotFoundException,
  SerializationException,
  ServiceError,
  ServiceUnavailableException,
  ThrottlingException,
  UnknownOperationException,
  UnrecognizedClientException,
  ValidationException,
} from "../../src/base/errors.ts";
import { compileModel } from "../../src/wire/model.ts";
import { stsModel } from "../../src/wire/models.ts";
import { formRequest, operation, refusal, text } from "./requests.ts";

const sts = stsModel();
const VERSION = "Version=2011-06-15";
const ROLE = "arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fdemo";
const assumeRole = operation(sts, "AssumeRole");
const decode = (form: string) => sts.codec.decode(assumeRole, formRequest(form));
const refuse = (form: string) => refusal(() => decode(form));

const member = (shape: string) => ({ shape });
const sample = compileModel({
  metadata: { apiVersion: "1", endpointPrefix: "sample", protocol: "query", xmlNamespace: "urn:sample?a&b" },
  operations: {
    Echo: { name: "Echo", input: member("All"), output: { shape: "All", resultWrapper: "EchoResult" } },
    Quiet: { name: "Quiet" },
  },
  shapes: {
    All: {
      type: "structure",
      members: {
        Text: member("Text"),
        Renamed: { shape: "Text", locationName: "Other" },
        Count: member("Count"),
        Ratio: member("Ratio"),
        Flag: member("Flag"),
        Bytes: member("Bytes"),
        Time: member("Time"),
        Texts: member("Texts"),
        Flat: member("Flat"),
        Items: member("Items"),
        Pairs: member("Pairs"),
        FlatPairs: member("FlatPairs"),
        Nested: member("All"),
      },
    },
    Text: { type: "string" },
    Count: { type: "integer" },
    Ratio: { type: "double" },
    Flag: { type: "boolean" },
    Bytes: { type: "blob" },
    Time: { type: "timestamp" },
    Texts: { type: "list", member: member("Text") },
    Flat: { type: "list", flattened: true, member: member("Text") },
    Items: { type: "list", member: { shape: "All", locationName: "item" } },
    Pairs: { type: "map", key: member("Text"), value: member("Text") },
    FlatPairs: {
      type: "map",
      flattened: true,
      key: { shape: "Text", locationName: "Name" },
      value: { shape: "Text", locationName: "Value" },
    },
  },
});
const echo = operation(sample, "Echo");
const decodeSample = (form: string) => sample.codec.decode(echo, formRequest(form));

describe("an awsQuery request", () => {
  const presigned = { method: "GET", headers: {}, body: new Uint8Array(0) };
  for (const { title, request, name } of [
    {
      title: "names its operation in the body",
      request: formRequest(`Action=GetCallerIdentity&${VERSION}`),
      name: "GetCallerIdentity",
    },
    {
      title: "names its operation in the query string when it has no body",
      request: { ...presigned, target: `/?Action=GetCallerIdentity&${VERSION}&X-Amz-Expires=60` },
      name: "GetCallerIdentity",
    },
    {
      title: "with a body does not look at the query string",
      request: { ...formRequest(VERSION), target: `/?Action=GetCallerIdentity&${VERSION}` },
      name: undefined,
    },
    {
      title: "of another version names none",
      request: formRequest("Action=GetCallerIdentity&Version=2010-01-01"),
      name: undefined,
    },
    { title: "without a version names none", request: formRequest("Action=GetCallerIdentity"), name: undefined },
    { title: "without an action names none", request: formRequest(VERSION), name: undefined },
    { title: "with a broken escape names none", request: formRequest(`Action=%zz&${VERSION}`), name: undefined },
    { title: "without anything names none", request: { ...presigned, target: "/" }, name: undefined },
  ]) {
    it(title, () => assert.equal(sts.codec.operationName(request), name));
  }
});

describe("awsQuery parameters", () => {
  it("become an input of lists, structures and scalars", () => {
    const form = `Action=AssumeRole&${VERSION}&RoleArn=${ROLE}&RoleSessionName=me&DurationSeconds=900&Unknown.a.b=c`;
    const lists =
      "&Tags.member.2.Key=b&Tags.member.2.Value=&Tags.member.1.Key=a&Tags.member.1.Value=x+y%2B&TransitiveTagKeys.member.1=a";
    assert.deepEqual(decode(form + lists), {
      RoleArn: "arn:aws:iam::111122223333:role/demo",
      RoleSessionName: "me",
      DurationSeconds: 900,
      Tags: [
        { Key: "a", Value: "x y+" },
        { Key: "b", Value: "" },
      ],
      TransitiveTagKeys: ["a"],
    });
  });

  it("come in every form that the protocol has", () => {
    const form =
      "Text=%C3%A9&Other=o&Count=-7&Ratio=1.5e2&Flag=true&Bytes=AQI%3D&Time=2026-01-02T03%3A04%3A05.678Z&Texts=&Flat.2=b&Flat.1=a" +
      "&Items.item.1.Text=i&Pairs.entry.1.key=__proto__&Pairs.entry.1.value=v&FlatPairs.1.Name=n&FlatPairs.1.Value=w&Nested.Nested.Count=1";
    const { Pairs, FlatPairs, ...rest } = decodeSample(form);
    assert.equal(Object.getPrototypeOf(Pairs), null);
    assert.deepEqual(Object.entries(Pairs as object), [["__proto__", "v"]]);
    assert.deepEqual(Object.entries(FlatPairs as object), [["n", "w"]]);
    assert.deepEqual(rest, {
      Text: "é",
      Renamed: "o",
      Count: -7,
      Ratio: 150,
      Flag: true,
      Bytes: new Uint8Array([1, 2]),
      Time: new Date("2026-01-02T03:04:05.678Z"),
      Texts: [],
      Flat: ["a", "b"],
      Items: [{ Text: "i" }],
      Nested: { Nested: { Count: 1 } },
    });
  });

  it("have the last of two with one name count", () => assert.deepEqual(decodeSample("Text=a&Text=b"), { Text: "b" }));

  it("are validated with AWS's texts", () => {
    const { code, message } = refuse("RoleSessionName=a b".replace(" ", "+"));
    assert.equal(code, "ValidationException");
    assert.equal(
      message,
      "2 validation errors detected: Value null at 'roleArn' failed to satisfy constraint: Member must not be null; " +
        "Value 'a b' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*",
    );
  });

  for (const { title, form, message } of [
    { title: "with a broken escape", form: "RoleArn=%", message: "" },
    { title: "with escapes that are no UTF-8", form: "RoleArn=%ff", message: "" },
    { title: "with bytes beyond ASCII", form: "RoleArn=é", message: "" },
    { title: "with an element of a list that has no number", form: "TransitiveTagKeys.member.x=a", message: "" },
    { title: "with an element number zero", form: "TransitiveTagKeys.member.0=a", message: "" },
    {
      title: "with a text for an integer",
      form: "DurationSeconds=x",
      message: "STRING_VALUE can not be converted to an Integer",
    },
    {
      title: "with nothing for an integer",
      form: "DurationSeconds=",
      message: "STRING_VALUE can not be converted to an Integer",
    },
    {
      title: "with a structure for a text",
      form: "RoleArn.a=b",
      message: "Start of structure or map found where not expected.",
    },
    { title: "nested deeper than any shape", form: `${"a.".repeat(16)}a=b`, message: "" },
    { title: "of more than ten thousand", form: "a&".repeat(10_001), message: "" },
  ]) {
    it(`${title} are refused`, () => assert.deepEqual(refuse(form), { code: "SerializationException", message }));
  }

  for (const { title, form } of [
    { title: "a boolean that is none", form: "Flag=yes" },
    { title: "a date without time", form: "Time=2026-01-02" },
    { title: "a date that does not exist", form: "Time=2026-13-02T03%3A04%3A05Z" },
    { title: "a number that is none", form: "Ratio=NaN" },
    { title: "base64 that is none", form: "Bytes=A" },
    { title: "a map entry without value", form: "Pairs.entry.1.key=a" },
  ]) {
    it(`with ${title} are refused`, () => {
      assert.equal(refusal(() => decodeSample(form)).code, "SerializationException");
    });
  }

  const names = fc.constantFrom(
    "Action",
    "Version",
    "RoleArn",
    "Tags.member.1.Key",
    "DurationSeconds",
    "Tags",
    "PolicyArns.member",
  );
  const forms = fc.oneof(
    fc.uint8Array({ maxLength: 100 }),
    fc
      .array(fc.tuple(names, fc.string({ unit: "binary", maxLength: 10 })))
      .map((pairs) => Buffer.from(pairs.map((pair) => pair.join("=")).join("&"))),
  );
  it("of any bytes are an input or an error of ours", () => {
    fc.assert(
      fc.property(forms, fc.constantFrom(...sts.operations.values()), (body, target) => {
        const request = { ...formRequest(""), body: new Uint8Array(body) };
        sts.codec.operationName(request);
        try {
          assert.equal(typeof sts.codec.decode(target, request), "object");
        } catch (error) {
          if (!(error instanceof ServiceError)) throw error;
          assert.ok(["SerializationException", "ValidationException"].includes(error.code));
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe("an awsQuery answer", () => {
  it("wraps the result and names the request", () => {
    const output = { UserId: "111122223333", Account: "111122223333", Arn: "arn:aws:iam::111122223333:root" };
    assert.deepEqual(sts.codec.encode(operation(sts, "GetCallerIdentity"), output, "id-1"), {
      status: 200,
      contentType: "text/xml",
      body:
        '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>' +
        "<UserId>111122223333</UserId><Account>111122223333</Account><Arn>arn:aws:iam::111122223333:root</Arn>" +
        "</GetCallerIdentityResult><ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata></GetCallerIdentityResponse>",
    });
  });

  it("writes every kind of shape", () => {
    const output = {
      Text: `<a href="x">&'\r\u0000\ud800`,
      Renamed: "o",
      Count: 1,
      Flag: false,
      Bytes: new Uint8Array([255]),
      Time: new Date("2026-01-02T03:04:05.000Z"),
      Texts: ["a", "b"],
      Flat: ["c", "d"],
      Items: [{ Count: 2 }],
      Pairs: { k: "v" },
      FlatPairs: { n: "w" },
      Nested: {},
      Unknown: 1,
    };
    assert.equal(
      text(sample.codec.encode(echo, output, "id")),
      '<EchoResponse xmlns="urn:sample?a&amp;b"><EchoResult><Text>&lt;a href=&quot;x&quot;&gt;&amp;&apos;&#xD;\ufffd\ufffd</Text><Other>o</Other>' +
        "<Count>1</Count><Flag>false</Flag><Bytes>/w==</Bytes><Time>2026-01-02T03:04:05Z</Time>" +
        "<Texts><member>a</member><member>b</member></Texts><Flat>c</Flat><Flat>d</Flat><Items><item><Count>2</Count></item></Items>" +
        "<Pairs><entry><key>k</key><value>v</value></entry></Pairs><FlatPairs><Name>n</Name><Value>w</Value></FlatPairs><Nested/></EchoResult>" +
        "<ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></EchoResponse>",
    );
  });

  it("of an operation without output holds the request id alone", () => {
    assert.equal(
      text(sample.codec.encode(operation(sample, "Quiet"), undefined, "id")),
      '<QuietResponse xmlns="urn:sample?a&amp;b"><ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></QuietResponse>',
    );
  });

  for (const { error, status, code, type } of [
    { error: new AccessDeniedException("m"), status: 403, code: "AccessDenied", type: "Sender" },
    { error: new IncompleteSignatureException("m"), status: 400, code: "IncompleteSignature", type: "Sender" },
    { error: new InternalFailure("m"), status: 500, code: "InternalFailure", type: "Receiver" },
    { error: new InvalidSignatureException("m"), status: 403, code: "SignatureDoesNotMatch", type: "Sender" },
    {
      error: new MissingAuthenticationTokenException("m"),
      status: 403,
      code: "MissingAuthenticationToken",
      type: "Sender",
    },
    { error: new SerializationException("m"), status: 400, code: "MalformedInput", type: "Sender" },
    { error: new ServiceUnavailableException("m"), status: 503, code: "ServiceUnavailable", type: "Receiver" },
    { error: new ThrottlingException("m"), status: 400, code: "Throttling", type: "Sender" },
    { error: new UnknownOperationException("m"), status: 400, code: "InvalidAction", type: "Sender" },
    { error: new UnrecognizedClientException("m"), status: 403, code: "InvalidClientTokenId", type: "Sender" },
    { error: new ValidationException("m"), status: 400, code: "ValidationError", type: "Sender" },
    { error: new MalformedPolicyDocumentException("m"), status: 400, code: "MalformedPolicyDocument", type: "Sender" },
    { error: new NotFoundException("m"), status: 400, code: "NotFoundException", type: "Sender" },
  ]) {
    it(`names ${error.code} ${code}, ${status}`, () => {
      assert.deepEqual(sts.codec.encodeError(error, "id"), {
        status,
        contentType: "text/xml",
        body:
          `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>${type}</Type><Code>${code}</Code>` +
          "<Message>m</Message></Error><RequestId>id</RequestId></ErrorResponse>",
      });
    });
  }

  it("of an error escapes its message, and leaves an empty one out", () => {
    assert.match(
      text(sts.codec.encodeError(new ValidationException("<&>"), "id")),
      /<Message>&lt;&amp;&gt;<\/Message>/,
    );
    assert.doesNotMatch(text(sts.codec.encodeError(new ValidationException(), "id")), /Message/);
  });
});
