/** Mutations behind the signature: the requests are signed as they are sent, and what they say is wrong. */

import { type GoodCall, goodCalls, type MutationKind, type MutationSubject } from "./mutations.ts";
import type { RandomChoices } from "./random-choices.ts";
import { bytesOf, callerIdentityDraft, type Draft, kmsDraft, sign } from "./signed-requests.ts";

const SERIALIZATION = ["SerializationException"];
const VALIDATION = ["ValidationException"];
const MALFORMED = [...SERIALIZATION, ...VALIDATION];
const UNKNOWN = ["UnknownOperationException", "UnsupportedOperationException"];

/** A kind whose request differs from a good one in its draft alone. */
function drafted(
  name: string,
  codes: readonly string[],
  draft: (subject: MutationSubject, random: RandomChoices) => Draft,
  service = "kms",
): MutationKind {
  return {
    name,
    async make(subject, random) {
      const signed = await sign(subject.server, draft(subject, random), { service });
      return { parts: [bytesOf(signed)], allowed: { codes } };
    },
  };
}

const randomCall = (subject: MutationSubject, random: RandomChoices): GoodCall => random.pick(goodCalls(subject));

/** JSON that ends too early, never so that what is left is whole. */
function truncated(text: string, random: RandomChoices): string {
  return text.slice(0, random.integer(1, text.length - 1));
}

/** A good call with one member replaced by a value of another JSON type. */
function mistyped({ operation, input }: GoodCall, random: RandomChoices): Draft {
  const member = random.pick(Object.keys(input));
  const isText = typeof input[member] === "string";
  const wrong: readonly unknown[] = isText ? [7, true, [], {}, ["x"], { a: "b" }] : ["text", true, { a: { b: 1 } }];
  return kmsDraft(operation, { ...input, [member]: random.pick(wrong) });
}

const HUGE = ["1e400", "-1e400", "1e308", "9007199254740993", "99999999999999999999999", "-2147483649", "2147483648"];

function hugeNumber({ keyArn }: MutationSubject, random: RandomChoices): Draft {
  const id = JSON.stringify(keyArn);
  const number = random.pick([...HUGE, random.text(random.integer(20, 300), "123456789")]);
  const call = random.pick<readonly [string, string]>([
    ["ScheduleKeyDeletion", `{"KeyId":${id},"PendingWindowInDays":${number}}`],
    ["GenerateDataKey", `{"KeyId":${id},"NumberOfBytes":${number}}`],
    ["GenerateRandom", `{"NumberOfBytes":${number}}`],
    ["ListKeys", `{"Limit":${number}}`],
    ["EnableKeyRotation", `{"KeyId":${id},"RotationPeriodInDays":${number}}`],
  ]);
  return kmsDraft(...call);
}

const BAD_BASE64 = [
  "****",
  "A",
  "AAAAA",
  "AA==AA==",
  "AA-_",
  "AA AA",
  "AAA\n",
  "====",
  "AAA=A",
  "\u0000\u0001",
  "ééé=",
];

function badBase64({ keyArn }: MutationSubject, random: RandomChoices): Draft {
  const value = random.pick([...BAD_BASE64, `${random.text(41)}!`]);
  return random.pick([
    kmsDraft("Encrypt", { KeyId: keyArn, Plaintext: value }),
    kmsDraft("Decrypt", { CiphertextBlob: value }),
    kmsDraft("ReEncrypt", { CiphertextBlob: value, DestinationKeyId: keyArn }),
  ]);
}

/** A ciphertext that is base64 and not ours: cut, changed in one bit, or random. */
function badCiphertext({ ciphertext }: MutationSubject, random: RandomChoices): Draft {
  const blob = Buffer.from(ciphertext, "base64");
  const changed = Buffer.from(blob);
  const at = random.integer(0, blob.length - 1);
  changed[at] = (changed[at] ?? 0) ^ (1 << random.integer(0, 7));
  const cut = blob.subarray(0, random.integer(1, blob.length - 1));
  const other = Buffer.from(random.bytes(random.integer(1, 6_144)));
  return kmsDraft("Decrypt", { CiphertextBlob: random.pick([changed, cut, other]).toString("base64") });
}

const WRONG_TYPES = [
  "text/plain",
  "application/xml",
  "multipart/form-data; boundary=x",
  "application/x-amz-json-9.9",
  "*/*",
];

function wrongContentType(subject: MutationSubject, random: RandomChoices): Draft {
  const { operation, input } = randomCall(subject, random);
  const { headers, body = "" } = kmsDraft(operation, input);
  const type = random.pick([...WRONG_TYPES, "application/x-www-form-urlencoded", random.text(20)]);
  return { headers: { ...headers, "content-type": type }, body };
}

const WRONG_TARGETS = ["", "TrentService", "TrentService.", "DynamoDB_20120810.PutItem", "trentservice.CreateKey"];
const INHERITED = [
  "TrentService.constructor",
  "TrentService.__proto__",
  "TrentService.toString",
  "TrentService.Create Key",
];

function wrongTarget(subject: MutationSubject, random: RandomChoices): Draft {
  const { operation, input } = randomCall(subject, random);
  const { headers, body = "" } = kmsDraft(operation, input);
  const invented = [`TrentService.${random.text(12)}`, `TrentService.${operation}2`, random.text(3_000)];
  const target = random.pick([...WRONG_TARGETS, ...INHERITED, ...invented]);
  return { headers: { ...headers, "x-amz-target": target }, body };
}

/** Brackets and braces inside each other, ten to a hundred thousand deep. */
function nested(random: RandomChoices): string {
  const depth = random.pick([10, 1_000, 20_000, 100_000]);
  return random.pick([
    () => "[".repeat(depth) + "]".repeat(depth),
    () => '{"a":'.repeat(depth) + 1 + "}".repeat(depth),
  ])();
}

function deepNesting({ keyArn }: MutationSubject, random: RandomChoices): Draft {
  const id = JSON.stringify(keyArn);
  const deep = nested(random);
  const call = random.pick<readonly [string, string]>([
    ["Encrypt", `{"KeyId":${id},"Plaintext":"AAAA","EncryptionContext":{"a":${deep}}}`],
    ["TagResource", `{"KeyId":${id},"Tags":[${deep}]}`],
    ["DisableKey", `{"Unknown":${deep}}`],
    ["DescribeKey", deep],
    ["CreateKey", `{"Description":${deep}}`],
  ]);
  return kmsDraft(...call);
}

/** Policies that are no JSON, too deep, too long or without meaning. */
function badPolicy({ keyArn }: MutationSubject, random: RandomChoices): Draft {
  const documents = [
    "",
    "{",
    "[]",
    "null",
    '{"Version":"2012-10-17"}',
    '{"Statement":[{"Effect":"Perhaps","Principal":"*","Action":"kms:*","Resource":"*"}]}',
    "[".repeat(random.integer(100, 30_000)),
    '{"Statement":'.repeat(2_000),
    "x".repeat(131_073),
    random.text(50),
  ];
  return kmsDraft("PutKeyPolicy", {
    KeyId: keyArn,
    Policy: random.pick(documents),
    BypassPolicyLockoutSafetyCheck: true,
  });
}

/** Bytes that are no UTF-8, no JSON, or JSON that is no object. */
function badText(subject: MutationSubject, random: RandomChoices): Draft {
  const { operation, input } = randomCall(subject, random);
  const json = Buffer.from(JSON.stringify(input), "utf8");
  const spoiled = [
    Buffer.concat([json.subarray(0, 2), Buffer.from([0xff, 0xfe, 0xc0]), json.subarray(2)]),
    Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), json]),
    Buffer.concat([json, Buffer.from("\u0000")]),
    Buffer.concat([json, json]),
    Buffer.from(JSON.stringify(input), "utf16le"),
    Buffer.from(random.pick(["null", "7", '"text"', "[]", "true", "{]", "{'a':1}", "NaN", "{,}", "undefined"])),
    Buffer.from(random.bytes(random.integer(1, 400))),
  ];
  return kmsDraft(operation, new Uint8Array(random.pick(spoiled)));
}

/** Values outside the constraints of the model, and names that hide in objects. */
function badValues({ keyArn: KeyId, aliasName }: MutationSubject, random: RandomChoices): Draft {
  const context = Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`name${at}`, "v".repeat(30)]));
  const call = random.pick<readonly [string, unknown]>([
    ["DisableKey", {}],
    ["DisableKey", { KeyId: "" }],
    ["DisableKey", { KeyId: "k".repeat(random.integer(2_049, 9_000)) }],
    ["DisableKey", { KeyId: `${KeyId}x` }],
    ["DisableKey", { KeyId: "../../etc/passwd" }],
    ["DisableKey", { KeyId: "'; DROP TABLE key; --" }],
    ["DisableKey", JSON.parse('{"__proto__":{"KeyId":"x"}}')],
    ["DisableKey", `{"__proto__":{"KeyId":${JSON.stringify(KeyId)}}}`],
    ["CreateAlias", { AliasName: aliasName, TargetKeyId: KeyId }],
    ["CreateAlias", { AliasName: `alias/aws/${random.text(5)}`, TargetKeyId: KeyId }],
    ["CreateAlias", { AliasName: `alias/${"a".repeat(251)}`, TargetKeyId: KeyId }],
    ["CreateAlias", { AliasName: `alias/${random.pick(["a b", "ü", "a:b", "\u0000", "a\n"])}`, TargetKeyId: KeyId }],
    ["CreateAlias", { AliasName: random.text(8), TargetKeyId: KeyId }],
    ["TagResource", { KeyId, Tags: [{ TagKey: "", TagValue: "x" }] }],
    ["TagResource", { KeyId, Tags: [{ TagKey: "aws:x", TagValue: "x" }] }],
    ["TagResource", { KeyId, Tags: [{ TagKey: "a" }] }],
    ["TagResource", { KeyId, Tags: [null] }],
    ["TagResource", { KeyId, Tags: Array.from({ length: 60 }, (_, at) => ({ TagKey: `t${at}`, TagValue: "" })) }],
    ["Encrypt", { KeyId, Plaintext: Buffer.alloc(4_097).toString("base64") }],
    ["Encrypt", { KeyId, Plaintext: "AAAA", EncryptionContext: context }],
    ["Encrypt", { KeyId, Plaintext: "AAAA", EncryptionContext: { a: null } }],
    ["CreateKey", { KeySpec: random.text(6) }],
    ["CreateKey", { KeySpec: "constructor" }],
    ["CreateKey", { Policy: random.text(30) }],
    ["UpdateKeyDescription", { KeyId, Description: "d".repeat(8_193) }],
    ["ListKeys", { Marker: random.text(40) }],
  ]);
  return kmsDraft(...call);
}

const REFUSED_VALUES = [
  ...MALFORMED,
  "AlreadyExistsException",
  "InvalidAliasNameException",
  "InvalidArnException",
  "InvalidMarkerException",
  "LimitExceededException",
  "MalformedPolicyDocumentException",
  "NotAuthorizedException",
  "NotFoundException",
  "TagException",
];

/** Methods and paths that no call of the API has. */
function wrongMethod(subject: MutationSubject, random: RandomChoices): Draft {
  const { operation, input } = randomCall(subject, random);
  const method = random.pick(["GET", "PUT", "DELETE", "PATCH", "OPTIONS"]);
  return { ...kmsDraft(operation, input), method };
}

const FORMS = [
  "Action=GetCallerIdentity",
  "Action=GetCallerIdentity&Version=1999-01-01",
  "Action=&Version=2011-06-15",
  "Action=Nothing&Version=2011-06-15",
  "Action=%&Version=%zz",
  "&&&=&=",
  "Action=constructor&Version=2011-06-15",
];

/** Calls of the query protocol that name no operation of STS. */
function badForm(_subject: MutationSubject, random: RandomChoices): Draft {
  return callerIdentityDraft(random.pick([...FORMS, random.text(60), `a.${"1.".repeat(5_000)}b=1`]));
}

/** The kinds whose requests are signed as sent. */
export const inputMutations: readonly MutationKind[] = [
  drafted("truncated JSON", SERIALIZATION, (subject, random) => {
    const { operation, input } = randomCall(subject, random);
    return kmsDraft(operation, truncated(JSON.stringify(input), random));
  }),
  drafted("a value of the wrong JSON type", MALFORMED, (subject, random) =>
    mistyped(randomCall(subject, random), random),
  ),
  drafted("a huge number", MALFORMED, hugeNumber),
  drafted("bad base64", MALFORMED, badBase64),
  drafted("a ciphertext that was changed", ["InvalidCiphertextException", "AccessDeniedException"], badCiphertext),
  drafted("a wrong content type", UNKNOWN, wrongContentType),
  drafted("a wrong target", UNKNOWN, wrongTarget),
  drafted("deep nesting", MALFORMED, deepNesting),
  drafted("a bad policy", [...MALFORMED, "MalformedPolicyDocumentException"], badPolicy),
  drafted("bytes that are no JSON", MALFORMED, badText),
  drafted("values outside the model", REFUSED_VALUES, badValues),
  drafted("a wrong method", UNKNOWN, wrongMethod),
  drafted("a form that names no operation", ["InvalidAction", "MalformedInput", "ValidationError"], badForm, "sts"),
];
