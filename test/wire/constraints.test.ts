/** The constraints of the models, in AWS's words. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { compileModel } from "../../src/wire/model.ts";
import { kmsModel } from "../../src/wire/models.ts";
import { jsonRequest, operation, refusal } from "./requests.ts";

const kms = kmsModel();
const KEY = "1234abcd-12ab-34cd-56ef-1234567890ab";
const zeros = (length: number): string => new Uint8Array(length).toBase64();
const one = (text: string): string => `1 validation error detected: ${text}`;

const refuse = (name: string, body: unknown) =>
  refusal(() => kms.codec.decode(operation(kms, name), jsonRequest(body, `TrentService.${name}`)));

describe("a validation message", () => {
  const longTag = "k".repeat(129);
  const manyTokens = Array.from({ length: 11 }, (_, index) => `t${index}`);
  for (const { title, name, body, message } of [
    {
      title: "of spec 09: a tag key of 129 characters",
      name: "CreateKey",
      body: { Tags: [{ TagKey: longTag, TagValue: "" }] },
      message: one(
        `Value '${longTag}' at 'tags.1.member.tagKey' failed to satisfy constraint: Member must have length less than or equal to 128`,
      ),
    },
    {
      title: "of spec 09: a key agreement algorithm outside the enum",
      name: "DeriveSharedSecret",
      body: { KeyId: KEY, KeyAgreementAlgorithm: "INVALID", PublicKey: "AAAA" },
      message: one(
        "Value 'INVALID' at 'keyAgreementAlgorithm' failed to satisfy constraint: Member must satisfy enum value set: [ECDH]",
      ),
    },
    {
      title: "of spec 09 and S08-010: a plaintext of 4,097 bytes, its value left out",
      name: "Encrypt",
      body: { KeyId: KEY, Plaintext: zeros(4097) },
      message: one(
        "Value at 'plaintext' failed to satisfy constraint: Member must have length less than or equal to 4096",
      ),
    },
    {
      title: "of S08-010: an empty plaintext",
      name: "Encrypt",
      body: { KeyId: KEY, Plaintext: "" },
      message: one(
        "Value at 'plaintext' failed to satisfy constraint: Member must have length greater than or equal to 1",
      ),
    },
    {
      title: "of spec 09: a MAC algorithm outside the enum, in AWS's order",
      name: "GenerateMac",
      body: { KeyId: KEY, Message: "AAAA", MacAlgorithm: "INVALID" },
      message: one(
        "Value 'INVALID' at 'macAlgorithm' failed to satisfy constraint: Member must satisfy enum value set: [HMAC_SHA_384, HMAC_SHA_256, HMAC_SHA_224, HMAC_SHA_512]",
      ),
    },
    {
      title: "of spec 09: no bytes at all",
      name: "GenerateRandom",
      body: { NumberOfBytes: 0 },
      message: one(
        "Value '0' at 'numberOfBytes' failed to satisfy constraint: Member must have value greater than or equal to 1",
      ),
    },
    {
      title: "of spec 09: 1,025 bytes",
      name: "GenerateRandom",
      body: { NumberOfBytes: 1025 },
      message: one(
        "Value '1025' at 'numberOfBytes' failed to satisfy constraint: Member must have value less than or equal to 1024",
      ),
    },
    {
      title: "of S08-006: a limit above that of ListKeys",
      name: "ListKeys",
      body: { Limit: 1001 },
      message: one(
        "Value '1001' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 1000",
      ),
    },
    {
      title: "for an absent member",
      name: "DescribeKey",
      body: {},
      message: one("Value null at 'keyId' failed to satisfy constraint: Member must not be null"),
    },
    {
      title: "for a null member",
      name: "DescribeKey",
      body: { KeyId: null },
      message: one("Value null at 'keyId' failed to satisfy constraint: Member must not be null"),
    },
    {
      title: "for an absent secret, without the word null",
      name: "Encrypt",
      body: { KeyId: KEY },
      message: one("Value at 'plaintext' failed to satisfy constraint: Member must not be null"),
    },
    {
      title: "for an absent blob that is no secret",
      name: "Verify",
      body: { KeyId: KEY, Message: "AAAA", SigningAlgorithm: "ECDSA_SHA_256" },
      message: one("Value null at 'signature' failed to satisfy constraint: Member must not be null"),
    },
    {
      title: "for two failures of one member",
      name: "GetPublicKey",
      body: { KeyId: "" },
      message:
        "2 validation errors detected: Value '' at 'keyId' failed to satisfy constraint: Member must have length greater than or equal to 1; Value '' at 'keyId' failed to satisfy constraint: Member must satisfy regular expression pattern: ^\\p{ASCII}+$",
    },
    {
      title: "for failures of two members, in the model's order",
      name: "Encrypt",
      body: { Plaintext: "" },
      message:
        "2 validation errors detected: Value null at 'keyId' failed to satisfy constraint: Member must not be null; Value at 'plaintext' failed to satisfy constraint: Member must have length greater than or equal to 1",
    },
    {
      title: "for a key identifier beyond ASCII",
      name: "DescribeKey",
      body: { KeyId: "キー" },
      message: one(
        "Value 'キー' at 'keyId' failed to satisfy constraint: Member must satisfy regular expression pattern: ^\\p{ASCII}+$",
      ),
    },
    {
      title: "for a pattern that only a part of the value matches",
      name: "CreateAlias",
      body: { AliasName: "alias/a b", TargetKeyId: KEY },
      message: one(
        "Value 'alias/a b' at 'aliasName' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$",
      ),
    },
    {
      title: "for a line end after a matching value",
      name: "CreateAlias",
      body: { AliasName: "alias/a\n", TargetKeyId: KEY },
      message: one(
        "Value 'alias/a\n' at 'aliasName' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$",
      ),
    },
    {
      title: "for a list that is too long",
      name: "Decrypt",
      body: { GrantTokens: manyTokens },
      message: one(
        `Value '[${manyTokens.join(", ")}]' at 'grantTokens' failed to satisfy constraint: Member must have length less than or equal to 10`,
      ),
    },
    {
      title: "for elements of a list of texts, told once of the list",
      name: "Decrypt",
      body: { GrantTokens: ["a", "", ""] },
      message: one(
        "Value '[a, , ]' at 'grantTokens' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 8192, Member must have length greater than or equal to 1, Member must not be null]",
      ),
    },
    {
      title: "for a null in a list of texts",
      name: "UntagResource",
      body: { KeyId: KEY, TagKeys: ["a", null] },
      message: one(
        "Value '[a, null]' at 'tagKeys' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 128, Member must have length greater than or equal to 1, Member must not be null]",
      ),
    },
    {
      title: "for a null in a list of structures",
      name: "TagResource",
      body: { KeyId: KEY, Tags: [{ TagKey: "a", TagValue: "b" }, null] },
      message: one("Value null at 'tags.2.member' failed to satisfy constraint: Member must not be null"),
    },
    {
      title: "for an absent member of a structure in a list",
      name: "TagResource",
      body: { KeyId: KEY, Tags: [{ TagKey: "a", TagValue: "b" }, { TagKey: "a" }] },
      message: one("Value null at 'tags.2.member.tagValue' failed to satisfy constraint: Member must not be null"),
    },
    {
      title: "for a null value in a map",
      name: "Decrypt",
      body: { EncryptionContext: { a: "b", c: null } },
      message: one(
        "Value '{a=b, c=null}' at 'encryptionContext' failed to satisfy constraint: Map value must satisfy constraint: [Member must not be null]",
      ),
    },
    {
      title: "for a secret text, its value left out",
      name: "CreateCustomKeyStore",
      body: { CustomKeyStoreName: "a", KeyStorePassword: "hunter" },
      message: one(
        "Value at 'keyStorePassword' failed to satisfy constraint: Member must have length greater than or equal to 7",
      ),
    },
    {
      title: "for a secret inside a structure, its value left out",
      name: "CreateCustomKeyStore",
      body: {
        CustomKeyStoreName: "a",
        XksProxyAuthenticationCredential: { AccessKeyId: "ABCDEFGHIJKLMNOPQRST", RawSecretAccessKey: "s".repeat(65) },
      },
      message: one(
        "Value at 'xksProxyAuthenticationCredential.rawSecretAccessKey' failed to satisfy constraint: Member must have length less than or equal to 64",
      ),
    },
  ]) {
    it(title, () => assert.deepEqual(refuse(name, body), { code: "ValidationException", message }));
  }

  it("counts every failure but words a hundred of them", () => {
    const { code, message } = refuse("TagResource", { KeyId: KEY, Tags: Array.from({ length: 600 }, () => ({})) });
    assert.equal(code, "ValidationException");
    assert.match(message, /^1200 validation errors detected: Value null at 'tags\.1\.member\.tagKey'/);
    assert.equal(message.split("; ").length, 100);
  });
});

describe("a length", () => {
  const model = compileModel({
    metadata: { apiVersion: "1", endpointPrefix: "x", protocol: "json", jsonVersion: "1.0", targetPrefix: "X" },
    operations: { Do: { name: "Do", input: { shape: "In" } } },
    shapes: {
      In: {
        type: "structure",
        members: { Name: { shape: "Name" }, Note: { shape: "Note" }, Labels: { shape: "Labels" } },
      },
      Name: { type: "string", min: 3, max: 4 },
      Note: { type: "string", pattern: "[\\s\\w]*" },
      Label: { type: "string", min: 1, max: 2 },
      Labels: { type: "map", max: 1, key: { shape: "Label" }, value: { shape: "Label" } },
    },
  });
  const decode = (body: unknown) => model.codec.decode(operation(model, "Do"), jsonRequest(body, "X.Do"));
  const messageOf = (body: unknown) => refusal(() => decode(body)).message;

  for (const { title, name, accepted } of [
    { title: "counts letters", name: "abc", accepted: true },
    { title: "counts letters below the least", name: "ab", accepted: false },
    { title: "counts letters above the most", name: "abcde", accepted: false },
    { title: "counts a surrogate pair as one, at the most", name: "😀😀😀😀", accepted: true },
    { title: "counts a surrogate pair as one, above the most", name: "😀😀😀😀😀", accepted: false },
    { title: "counts a surrogate pair as one, below the least", name: "😀😀", accepted: false },
  ]) {
    it(title, () => {
      if (accepted) assert.deepEqual({ ...decode({ Name: name }) }, { Name: name });
      else assert.match(messageOf({ Name: name }), /^1 validation error detected: Value '.*' at 'name' failed/u);
    });
  }

  it("of a map counts its pairs, and its keys and values are told once each", () => {
    assert.equal(
      messageOf({ Labels: { abc: "d", e: "" } }),
      "3 validation errors detected: Value '{abc=d, e=}' at 'labels' failed to satisfy constraint: Member must have length less than or equal to 1; " +
        "Value '{abc=d, e=}' at 'labels' failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal to 2, Member must have length greater than or equal to 1]; " +
        "Value '{abc=d, e=}' at 'labels' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to 2, Member must have length greater than or equal to 1, Member must not be null]",
    );
  });

  it("is no matter to a pattern, whose blanks are ASCII alone as in Java", () => {
    assert.deepEqual({ ...decode({ Note: "a b\t" }) }, { Note: "a b\t" });
    assert.match(messageOf({ Note: "a\u00a0b" }), /pattern: \[\\s\\w\]\*$/);
  });
});
