/** Signatures: AWS's own vectors, AWS's own signer, and everything that must be refused. */

import assert from "node:assert/strict";
import { createHmac, createSecretKey, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { Sha256 } from "@aws-crypto/sha256-js";
import { SignatureV4 } from "@smithy/signature-v4";
import fc from "fast-check";
import { ServiceError } from "../../src/base/errors.ts";
import { parseSignature, verifySignature } from "../../src/identity/sigv4.ts";
import type { WireRequest } from "../../src/wire/protocol.ts";

const CREDENTIALS = {
  accessKeyId: "AKIAIOSFODNN7EXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
};
const NOW = Date.UTC(2026, 0, 31, 12, 0, 0);
const MISMATCH =
  "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.";

interface Draft {
  readonly method?: string;
  readonly path?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const kmsCall: Draft = {
  headers: { "content-type": "application/x-amz-json-1.1", "x-amz-target": "TrentService.Encrypt" },
  body: '{"KeyId":"alias/mine","Plaintext":"AAAA"}',
};

function signerFor(service = "kms"): SignatureV4 {
  return new SignatureV4({ credentials: CREDENTIALS, region: "us-east-1", service, sha256: Sha256 });
}

function unsigned({ method = "POST", path = "/", query = {}, headers = {}, body = "" }: Draft) {
  const host = "kms.example.com:4599";
  return { method, protocol: "http:", hostname: host, path, query, headers: { host, ...headers }, body };
}

function wire(draft: Draft, headers: Readonly<Record<string, string>>, query: Readonly<Record<string, unknown>> = {}) {
  const pairs = Object.entries(query).map(
    ([name, value]) => `${percentEncoded(name)}=${percentEncoded(String(value))}`,
  );
  const target = `${draft.path ?? "/"}${pairs.length === 0 ? "" : `?${pairs.join("&")}`}`;
  const lowered = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  const body = new TextEncoder().encode(draft.body ?? "");
  return { method: draft.method ?? "POST", target, headers: Object.fromEntries(lowered), body } satisfies WireRequest;
}

function percentEncoded(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

async function sign(draft: Draft, atMs = NOW): Promise<WireRequest> {
  const { headers } = await signerFor().sign(unsigned(draft), { signingDate: new Date(atMs) });
  return wire(draft, headers, draft.query);
}

async function presign(draft: Draft, expiresIn: number, atMs = NOW): Promise<WireRequest> {
  const signed = await signerFor().presign(unsigned(draft), { signingDate: new Date(atMs), expiresIn });
  return wire(draft, signed.headers, signed.query ?? {});
}

/** The key derivation of the specification, written out: custody's is not what is tested here. */
function signingKey(secret: string, scope: string): KeyObject {
  let key: Uint8Array = Buffer.from(`AWS4${secret}`);
  for (const part of scope.split("/")) key = createHmac("sha256", key).update(part).digest();
  return createSecretKey(key);
}

const KEY = signingKey(CREDENTIALS.secretAccessKey, "20260131/us-east-1/kms/aws4_request");

function accept(request: WireRequest, nowMs = NOW) {
  const signed = parseSignature(request);
  verifySignature(signed, request, { signingKey: KEY, nowMs });
  return signed;
}

function refusal(request: WireRequest, nowMs = NOW): string {
  try {
    accept(request, nowMs);
  } catch (error) {
    if (error instanceof ServiceError) return `${error.status} ${error.code}: ${error.message}`;
    throw error;
  }
  return "accepted";
}

const withHeaders = (request: WireRequest, headers: WireRequest["headers"]): WireRequest => ({
  ...request,
  headers: { ...request.headers, ...headers },
});
const without = (request: WireRequest, name: string): WireRequest => ({
  ...request,
  headers: Object.fromEntries(Object.entries(request.headers).filter(([header]) => header !== name)),
});
const editAuthorization = (request: WireRequest, edit: (text: string) => string): WireRequest =>
  withHeaders(request, { authorization: edit(request.headers["authorization"] ?? "") });

interface Vector {
  readonly name: string;
  readonly method?: string;
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signature: string;
}
const suite = JSON.parse(readFileSync(new URL("../vectors/sigv4.json", import.meta.url), "utf8")) as {
  accessKeyId: string;
  secretAccessKey: string;
  host: string;
  timestamp: string;
  scope: string;
  header: Vector[];
  presigned: Vector[];
};
const suiteKey = signingKey(suite.secretAccessKey, suite.scope);
const suiteNow = Date.UTC(2015, 7, 30, 12, 36, 0);
/** As node:http reads it: a character for each byte. */
const received = (text: string): string => Buffer.from(text, "utf8").toString("latin1");

function headerVector({ method = "GET", target, headers = {}, body = "", signature }: Vector): WireRequest {
  const all: Record<string, string> = { host: suite.host, "x-amz-date": suite.timestamp, ...headers };
  const names = Object.keys(all).sort().join(";");
  const credential = `${suite.accessKeyId}/${suite.scope}`;
  const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`;
  return { method, target: received(target), headers: { ...all, authorization }, body: Buffer.from(body) };
}

function presignedVector({ method = "GET", target, signature }: Vector): WireRequest {
  const credential = percentEncoded(`${suite.accessKeyId}/${suite.scope}`);
  const query = `X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${credential}&X-Amz-Date=${suite.timestamp}&X-Amz-SignedHeaders=host&X-Amz-Expires=3600&X-Amz-Signature=${signature}`;
  const full = `${received(target)}${target.includes("?") ? "&" : "?"}${query}`;
  return { method, target: full, headers: { host: suite.host }, body: new Uint8Array(0) };
}

describe("AWS's test suite", () => {
  it("is here as far as it concerns us", () => {
    assert.deepEqual([suite.header.length, suite.presigned.length], [21, 4]);
  });
  for (const [form, vectors, requestOf] of [
    ["signed in a header", suite.header, headerVector],
    ["presigned", suite.presigned, presignedVector],
  ] as const) {
    for (const vector of vectors) {
      it(`accepts ${vector.name} ${form}, and no other signature of it`, () => {
        const verify = (signature: string): void => {
          const request = requestOf({ ...vector, signature });
          verifySignature(parseSignature(request), request, { signingKey: suiteKey, nowMs: suiteNow });
        };
        verify(vector.signature);
        assert.throws(() => verify(vector.signature.replace(/^./, (digit) => (digit === "0" ? "1" : "0"))), {
          message: MISMATCH,
        });
      });
    }
  }
});

describe("a request of AWS's signer", () => {
  const drafts: readonly { readonly title: string; readonly draft: Draft }[] = [
    { title: "a call of KMS", draft: kmsCall },
    { title: "an empty body", draft: {} },
    { title: "a GET with a query", draft: { method: "GET", query: { Action: "GetCallerIdentity", Version: "2011" } } },
    {
      title: "query names that sort apart from their pairs",
      draft: { query: { a: "2", "a-b": "1", A: "3", "a=": "&" } },
    },
    { title: "a query that needs every escape", draft: { query: { "k y/é": "a+b %2F*'()!~ü€𝄞" } } },
    { title: "a path that is encoded already", draft: { path: "/a%20b/%E1%88%B4/c+d" } },
    { title: "dots, double slashes and a slash at the end", draft: { path: "/a/./b//../c/" } },
    { title: "a path above the root", draft: { path: "/../../x" } },
    { title: "header values with odd spacing", draft: { headers: { "x-amz-meta": "  a \t  b   c  ", accept: "*/*" } } },
    { title: "a body that is no ASCII", draft: { ...kmsCall, body: '{"Description":"Schlüssel 🔑"}' } },
  ];
  for (const { title, draft } of drafts) {
    it(`with ${title} is accepted in its header form`, async () => {
      const { accessKeyId, date, region, service, securityToken } = accept(await sign(draft));
      assert.deepEqual(
        { accessKeyId, date, region, service, securityToken },
        {
          accessKeyId: CREDENTIALS.accessKeyId,
          date: "20260131",
          region: "us-east-1",
          service: "kms",
          securityToken: undefined,
        },
      );
    });
    it(`with ${title} is accepted in its query form`, async () => {
      assert.equal(accept(await presign(draft, 900)).accessKeyId, CREDENTIALS.accessKeyId);
    });
  }

  it("is accepted with a Date header in place of X-Amz-Date, in either format", () => {
    for (const date of ["Sat, 31 Jan 2026 12:00:00 GMT", "20260131T120000Z"]) {
      const request = signByHand({ date });
      assert.equal(refusal(request), "accepted", date);
    }
  });

  it("tells its security token, whichever form has it", async () => {
    const signer = new SignatureV4({
      credentials: { ...CREDENTIALS, sessionToken: "token" },
      region: "us-east-1",
      service: "kms",
      sha256: Sha256,
    });
    const { headers } = await signer.sign(unsigned(kmsCall), { signingDate: new Date(NOW) });
    assert.equal(accept(wire(kmsCall, headers)).securityToken, "token");
    const presigned = await signer.presign(unsigned(kmsCall), { signingDate: new Date(NOW), expiresIn: 60 });
    assert.equal(accept(wire(kmsCall, presigned.headers, presigned.query ?? {})).securityToken, "token");
  });

  it("may carry a security token that is not signed, as AWS allows", async () => {
    assert.equal(accept(withHeaders(await sign(kmsCall), { "x-amz-security-token": "t" })).securityToken, "t");
  });

  it("is accepted when its payload hash is right, and refused when it is another or UNSIGNED-PAYLOAD", async () => {
    const hashed = await sign({
      ...kmsCall,
      headers: { ...kmsCall.headers, "x-amz-content-sha256": EMPTY_HASH },
      body: "",
    });
    assert.equal(refusal(hashed), "accepted");
    for (const value of ["UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", EMPTY_HASH]) {
      const request = await sign({ ...kmsCall, headers: { ...kmsCall.headers, "x-amz-content-sha256": value } });
      assert.equal(refusal(request), `400 InvalidSignatureException: ${MISMATCH}`, value);
    }
  });
});

const EMPTY_HASH = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/** A GET of `/` without a body, signed with the headers given and the host, step by step as the specification has it. */
function signByHand(headers: Readonly<Record<string, string>>, signedHeaders?: string): WireRequest {
  const all: Record<string, string> = { host: "h", ...headers };
  const names = signedHeaders ?? Object.keys(all).sort().join(";");
  const lines = names.split(";").map((name) => `${name}:${all[name]}\n`);
  const canonical = `GET\n/\n\n${lines.join("")}\n${names}\n${EMPTY_HASH}`;
  const scope = "20260131/us-east-1/kms/aws4_request";
  const digest = Buffer.from(new Uint8Array(sha256(Buffer.from(canonical, "latin1")))).toString("hex");
  const text = `AWS4-HMAC-SHA256\n20260131T120000Z\n${scope}\n${digest}`;
  const signature = createHmac("sha256", KEY).update(text).digest("hex");
  const authorization = `AWS4-HMAC-SHA256 Credential=AKID/${scope}, SignedHeaders=${names}, Signature=${signature}`;
  return { method: "GET", target: "/", headers: { ...all, authorization }, body: new Uint8Array(0) };
}

function sha256(bytes: Uint8Array): Uint8Array {
  const hash = new Sha256();
  hash.update(bytes);
  return hash.digestSync();
}

describe("freshness", () => {
  const minutes = (count: number): number => count * 60_000;
  for (const { title, at, message } of [
    { title: "five minutes old is accepted", at: NOW + minutes(5) + 999, message: "accepted" },
    {
      title: "five minutes and a second old has expired",
      at: NOW + minutes(5) + 1000,
      message:
        "400 InvalidSignatureException: Signature expired: 20260131T120000Z is now earlier than 20260131T120001Z (20260131T120501Z - 5 min.)",
    },
    { title: "five minutes ahead is accepted", at: NOW - minutes(5), message: "accepted" },
    {
      title: "five minutes and a second ahead is not yet current",
      at: NOW - minutes(5) - 1,
      message:
        "400 InvalidSignatureException: Signature not yet current: 20260131T120000Z is still later than 20260131T115959Z (20260131T115459Z + 5 min.)",
    },
  ]) {
    it(`of a request that is ${title}`, async () => assert.equal(refusal(await sign(kmsCall), at), message));
  }

  for (const { title, expiresIn, at, message } of [
    { title: "lives as long as it says", expiresIn: 3600, at: NOW + 3_600_000, message: "accepted" },
    {
      title: "has expired after that",
      expiresIn: 3600,
      at: NOW + 3_601_000,
      message:
        "400 InvalidSignatureException: Signature expired: 20260131T120000Z is now earlier than 20260131T120001Z (20260131T130001Z - 60 min.)",
    },
    {
      title: "may live for less than five minutes",
      expiresIn: 90,
      at: NOW + 91_000,
      message:
        "400 InvalidSignatureException: Signature expired: 20260131T120000Z is now earlier than 20260131T120001Z (20260131T120131Z - 90 sec.)",
    },
    { title: "may live for a week", expiresIn: 604_800, at: NOW + 604_800_000, message: "accepted" },
  ]) {
    it(`of a presigned request, which ${title}`, async () => {
      assert.equal(refusal(await presign(kmsCall, expiresIn), at), message);
    });
  }

  it("of a presigned request without X-Amz-Expires is five minutes", async () => {
    const { target } = await presign(kmsCall, 900);
    const request = { ...(await presign(kmsCall, 900)), target: target.replace(/&?X-Amz-Expires=900/, "") };
    assert.match(refusal(request, NOW + minutes(6)), /Signature expired/);
    assert.match(refusal(request), /does not match/);
  });
});

describe("a request is refused", () => {
  const INCOMPLETE = "400 IncompleteSignatureException: ";
  const INVALID = "400 InvalidSignatureException: ";
  const cases: readonly {
    readonly title: string;
    readonly spoil: (request: WireRequest) => WireRequest;
    readonly message: string | RegExp;
  }[] = [
    {
      title: "without a signature",
      spoil: (request) => without(request, "authorization"),
      message: "400 MissingAuthenticationTokenException: Missing Authentication Token",
    },
    {
      title: "with an empty Authorization header",
      spoil: (request) => editAuthorization(request, () => ""),
      message: "400 MissingAuthenticationTokenException: Missing Authentication Token",
    },
    {
      title: "with a bearer token, which is not repeated",
      spoil: (request) => editAuthorization(request, () => "Bearer abc"),
      message: `${INCOMPLETE}Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): 'w1Xc6WwWEogNEZQP/dkBTThsJT4MNlKmzQanIm970rY='.`,
    },
    {
      title: "with nothing of what belongs into the header",
      spoil: (request) =>
        without(
          editAuthorization(request, () => "AWS4-HMAC-SHA256 Foo=Bar"),
          "x-amz-date",
        ),
      message:
        /^400 IncompleteSignatureException: Authorization header requires 'Credential' parameter\. Authorization header requires 'Signature' parameter\. Authorization header requires 'SignedHeaders' parameter\. Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header\. \(Hashed with SHA-256 and encoded with Base64\) Authorization=[A-Za-z0-9+/]{43}=$/,
    },
    {
      title: "with two signatures",
      spoil: (request) => editAuthorization(request, (text) => `${text}, Signature=${"0".repeat(64)}`),
      message: `${INVALID}${MISMATCH}`,
    },
    {
      title: "with the same signature twice",
      spoil: (request) => editAuthorization(request, (text) => `${text}, ${/Signature=.*/.exec(text)?.[0]}`),
      message: `${INVALID}${MISMATCH}`,
    },
    {
      title: "with a sixth part in its credential",
      spoil: (request) => editAuthorization(request, (text) => text.replace("aws4_request", "aws4_request/x")),
      message: `${INCOMPLETE}Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'AKIAIOSFODNN7EXAMPLE/20260131/us-east-1/kms/aws4_request/x'`,
    },
    {
      title: "with a signature in the query that its header does not cover",
      spoil: (request) => ({ ...request, target: "/?X-Amz-Signature=x" }),
      message: `${INVALID}${MISMATCH}`,
    },
    {
      title: "with another algorithm",
      spoil: (request) => editAuthorization(request, (text) => text.replace("SHA256", "SHA512")),
      message: `${INCOMPLETE}Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA512'.`,
    },
    {
      title: "with a date that is none",
      spoil: (request) => withHeaders(request, { "x-amz-date": "2026-01-31T12:00:00Z" }),
      message: `${INCOMPLETE}Date must be in ISO-8601 'basic format'. Got '2026-01-31T12:00:00Z'. See http://en.wikipedia.org/wiki/ISO_8601`,
    },
    {
      title: "with a 31 February",
      spoil: (request) => withHeaders(request, { "x-amz-date": "20260231T120000Z" }),
      message: /^400 IncompleteSignatureException: Date must be in ISO-8601/,
    },
    {
      title: "with four parts in its credential",
      spoil: (request) => editAuthorization(request, (text) => text.replace("/aws4_request", "")),
      message: `${INCOMPLETE}Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'AKIAIOSFODNN7EXAMPLE/20260131/us-east-1/kms'`,
    },
    {
      title: "with another terminator and day",
      spoil: (request) =>
        editAuthorization(request, (text) =>
          text.replace("aws4_request", "aws5_request").replace("20260131", "20260130"),
        ),
      message: `${INVALID}Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'. Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20260130' != '20260131', from '20260131T120000Z'.`,
    },
    {
      title: "when the host is not signed",
      spoil: (request) => editAuthorization(request, (text) => text.replace("host;", "")),
      message: `${INVALID}'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.`,
    },
    {
      title: "when its target is not signed",
      spoil: (request) => editAuthorization(request, (text) => text.replace(";x-amz-target", "")),
      message: `${INVALID}'x-amz-target' must be a 'SignedHeader' in the AWS Authorization.`,
    },
    {
      title: "when an x-amz- header was added",
      spoil: (request) => withHeaders(request, { "x-amz-source-account": "111122223333" }),
      message: `${INVALID}'x-amz-source-account' must be a 'SignedHeader' in the AWS Authorization.`,
    },
    {
      title: "when a header that was signed is gone",
      spoil: (request) => without(request, "content-type"),
      message: `${INVALID}${MISMATCH}`,
    },
    {
      title: "when it is presigned and has an Authorization header",
      spoil: (request) => ({ ...request, target: "/?X-Amz-Algorithm=AWS4-HMAC-SHA256" }),
      message: `${INVALID}Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.`,
    },
  ];
  for (const { title, spoil, message } of cases) {
    it(title, async () => {
      const told = refusal(spoil(await sign(kmsCall)));
      if (typeof message === "string") assert.equal(told, message);
      else assert.match(told, message);
    });
  }

  it("when only the Date header dates it and that is not signed", () => {
    const request = withHeaders(signByHand({}), { date: "Sat, 31 Jan 2026 12:00:00 GMT" });
    assert.equal(refusal(request), `${INVALID}'Date' must be a 'SignedHeader' in the AWS Authorization.`);
  });

  it("when it declares a payload hash that is signed, and so is the body, but they differ", () => {
    const headers = { "x-amz-date": "20260131T120000Z", "x-amz-content-sha256": "UNSIGNED-PAYLOAD" };
    assert.equal(refusal(signByHand(headers)), `${INVALID}${MISMATCH}`);
    assert.equal(refusal(signByHand({ ...headers, "x-amz-content-sha256": EMPTY_HASH })), "accepted");
  });

  it("when it names signed headers out of order, twice, or ones that every object has", () => {
    const headers = { "x-amz-date": "20260131T120000Z" };
    for (const names of ["x-amz-date;host", "host;host;x-amz-date", "constructor;host;x-amz-date"]) {
      assert.equal(refusal(signByHand(headers, names)), `${INVALID}${MISMATCH}`, names);
    }
  });

  for (const { title, spoil, message } of [
    {
      title: "without all that belongs into the query",
      spoil: () => "/?X-Amz-Algorithm=",
      message: `${INCOMPLETE}AWS query-string parameters must include 'X-Amz-Algorithm'. AWS query-string parameters must include 'X-Amz-Credential'. AWS query-string parameters must include 'X-Amz-Signature'. AWS query-string parameters must include 'X-Amz-SignedHeaders'. AWS query-string parameters must include 'X-Amz-Date'. Re-examine the query-string parameters.`,
    },
    {
      title: "with more than a week to live",
      spoil: (target: string) => target.replace("X-Amz-Expires=900", "X-Amz-Expires=604801"),
      message: `${INCOMPLETE}X-Amz-Expires must be between 1 and 604800 seconds.`,
    },
    {
      title: "with no time to live",
      spoil: (target: string) => target.replace("X-Amz-Expires=900", "X-Amz-Expires=0"),
      message: `${INCOMPLETE}X-Amz-Expires must be between 1 and 604800 seconds.`,
    },
    {
      title: "with a lifetime that is no number",
      spoil: (target: string) => target.replace("X-Amz-Expires=900", "X-Amz-Expires=9e2"),
      message: `${INCOMPLETE}X-Amz-Expires should be a number.`,
    },
    {
      title: "with a longer life than was signed",
      spoil: (target: string) => target.replace("X-Amz-Expires=900", "X-Amz-Expires=901"),
      message: `${INVALID}${MISMATCH}`,
    },
    {
      title: "with a parameter twice",
      spoil: (target: string) => `${target}&X-Amz-Expires=900`,
      message: `${INVALID}${MISMATCH}`,
    },
    {
      title: "with its signature twice, which no signature covers",
      spoil: (target: string) => `${target}&${/X-Amz-Signature=[0-9a-f]+/.exec(target)?.[0]}`,
      message: `${INVALID}${MISMATCH}`,
    },
    {
      title: "with a parameter more",
      spoil: (target: string) => `${target}&Action=Other`,
      message: `${INVALID}${MISMATCH}`,
    },
    {
      title: "with a broken escape, which makes its query unreadable",
      spoil: (target: string) => `${target}&a=%zz`,
      message: "400 MissingAuthenticationTokenException: Missing Authentication Token",
    },
  ]) {
    it(`when presigned ${title}`, async () => {
      const request = await presign(kmsCall, 900);
      assert.equal(refusal({ ...request, target: spoil(request.target) }), message);
    });
  }

  it("when presigned and sent with another body", async () => {
    const request = await presign(kmsCall, 900);
    assert.equal(refusal({ ...request, body: Buffer.from("{}") }), `${INVALID}${MISMATCH}`);
  });
});

describe("a signature covers every byte", () => {
  /** Replaces the character at `index` by another one that is no blank. */
  const changed = (text: string, index: number, by: number): string => {
    const at = index % text.length;
    const code = 0x21 + ((text.charCodeAt(at) - 0x21 + 1 + (by % 93)) % 94);
    return `${text.slice(0, at)}${String.fromCharCode(code)}${text.slice(at + 1)}`;
  };
  const place = fc.tuple(fc.nat(), fc.nat());

  it("of the headers that were signed, of the Authorization header and of the target", async () => {
    const request = await sign({ ...kmsCall, path: "/some/path", query: { name: "value" } });
    const names = ["host", "x-amz-date", "x-amz-target", "content-type", "authorization"];
    fc.assert(
      fc.property(fc.constantFrom(...names), place, (name, [index, by]) => {
        const value = changed(request.headers[name] ?? "", index, by);
        fc.pre(value !== request.headers[name]);
        const isSeparator = name === "authorization" && sameParts(value, request.headers[name] ?? "");
        assert.equal(refusalOrScope(withHeaders(request, { [name]: value })), isSeparator ? "accepted" : "refused");
      }),
      { numRuns: 400 },
    );
    fc.assert(
      fc.property(place, ([index, by]) => {
        const target = changed(request.target.slice(1), index, by);
        fc.pre(target !== request.target.slice(1));
        assert.equal(refusalOrScope({ ...request, target: `/${target}` }), "refused");
      }),
      { numRuns: 400 },
    );
  });

  it("of the signature, letter case included", async () => {
    const request = await sign(kmsCall);
    assert.equal(
      refusal(editAuthorization(request, (text) => text.replace(/[0-9a-f]{64}$/, (hex) => hex.toUpperCase()))),
      `400 InvalidSignatureException: ${MISMATCH}`,
    );
  });

  it("of the body", async () => {
    const request = await sign(kmsCall);
    fc.assert(
      fc.property(fc.nat({ max: request.body.length - 1 }), fc.integer({ min: 1, max: 255 }), (index, change) => {
        const body = request.body.slice();
        body[index] = (body[index] ?? 0) ^ change;
        assert.equal(refusal({ ...request, body }), `400 InvalidSignatureException: ${MISMATCH}`);
      }),
    );
  });

  it("of header values that are no ASCII, as they came over the wire", () => {
    const request = signByHand({ "x-amz-date": "20260131T120000Z", "x-amz-meta": "sch\u00fcssel" });
    assert.equal(refusal(request), "accepted");
    assert.match(refusal(withHeaders(request, { "x-amz-meta": "sch\u00fbssel" })), /does not match/);
    assert.match(refusal(withHeaders(request, { "x-amz-meta": "sch\u00fcssel\u00a0" })), /does not match/);
  });

  function refusalOrScope(request: WireRequest): "accepted" | "refused" {
    try {
      const { accessKeyId, region, service } = accept(request);
      const isKnown = accessKeyId === CREDENTIALS.accessKeyId && region === "us-east-1" && service === "kms";
      return isKnown ? "accepted" : "refused"; // the gateway finds no such key, Region or service
    } catch (error) {
      if (error instanceof ServiceError) return "refused";
      throw error;
    }
  }
  /** The names and values are what counts; how many commas and blanks stand between them is not. */
  function sameParts(left: string, right: string): boolean {
    const partsOf = (text: string): string => {
      const space = text.indexOf(" ");
      return JSON.stringify([text.slice(0, space), ...text.slice(space + 1).split(/[, ]+/)]);
    };
    return partsOf(left) === partsOf(right);
  }
});

describe("any text whatever", () => {
  it("in the place of a signature is refused with an error of ours", () => {
    const parts = [
      "AWS4-HMAC-SHA256 ",
      "Credential=",
      "a/20260131/r/kms/aws4_request",
      "SignedHeaders=host",
      "Signature=",
      ",",
      " ",
    ];
    const header = fc.array(fc.oneof(fc.constantFrom(...parts), fc.string({ maxLength: 8 })), { maxLength: 12 });
    const date = fc.oneof(fc.constant("20260131T120000Z"), fc.string());
    fc.assert(
      fc.property(header, date, fc.string(), (words, when, target) => {
        const headers = { host: "h", authorization: words.join(""), "x-amz-date": when };
        assert.notEqual(
          refusal({ method: "POST", target: `/${target}`, headers, body: new Uint8Array(0) }),
          "accepted",
        );
      }),
      { numRuns: 1000 },
    );
  });

  it("in a query that signs is refused with an error of ours", () => {
    const names = fc.constantFrom(
      "X-Amz-Algorithm",
      "X-Amz-Credential",
      "X-Amz-Date",
      "X-Amz-Expires",
      "X-Amz-SignedHeaders",
      "X-Amz-Signature",
    );
    const values = fc.oneof(
      fc.string(),
      fc.constantFrom("AWS4-HMAC-SHA256", "a%2Fb%2Fc%2Fd%2Fe", "20260131T120000Z", "host"),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(names, values)), (pairs) => {
        const target = `/?X-Amz-Algorithm=x&${pairs.map((pair) => pair.join("=")).join("&")}`;
        assert.notEqual(
          refusal({ method: "GET", target, headers: { host: "h" }, body: new Uint8Array(0) }),
          "accepted",
        );
      }),
      { numRuns: 1000 },
    );
  });
});
