/** Payloads of S3: AWS's own examples of signatures, and what may not pass for a payload. */

import assert from "node:assert/strict";
import { createHmac, createSecretKey, type KeyObject } from "node:crypto";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ServiceError } from "../../src/base/errors.ts";
import { s3Payloads } from "../../src/identity/s3-payload.ts";
import { parseSignature, verifySignature } from "../../src/identity/sigv4.ts";
import type { WireRequest } from "../../src/wire/protocol.ts";

// S3 API reference, Examples: Signature Calculations in AWS Signature Version 4, and its pages on chunked uploads and on query parameters.
const SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const CREDENTIAL = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request";
const NOW = Date.UTC(2013, 4, 24);
const EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

function signingKey(): KeyObject {
  const steps = ["20130524", "us-east-1", "s3", "aws4_request"];
  const start: Buffer = Buffer.from(`AWS4${SECRET}`);
  return createSecretKey(steps.reduce((key, step) => createHmac("sha256", key).update(step).digest(), start));
}
const KEY = signingKey();

function requestOf(
  method: string,
  target: string,
  { headers, signature, body = "" }: { headers: Record<string, string>; signature: string; body?: string | Uint8Array },
): WireRequest {
  const all = { host: "examplebucket.s3.amazonaws.com", "x-amz-date": "20130524T000000Z", ...headers };
  const names = Object.keys(all).sort().join(";");
  const authorization = `AWS4-HMAC-SHA256 Credential=${CREDENTIAL},SignedHeaders=${names},Signature=${signature}`;
  return { method, target, headers: { ...all, authorization }, body: Buffer.from(body) };
}

/** What the gateway does with a request. */
async function accept(request: WireRequest): Promise<WireRequest> {
  const signed = parseSignature(request);
  verifySignature(signed, request, { signingKey: KEY, nowMs: NOW, payloadHash: s3Payloads.hashOf(signed, request) });
  return await s3Payloads.read(signed, request, KEY);
}

const refused = (code: string) => (error: unknown) => error instanceof ServiceError && error.code === code;

describe("an example of AWS", () => {
  for (const { title, request } of [
    {
      title: "reads some bytes",
      request: requestOf("GET", "/test.txt", {
        headers: { range: "bytes=0-9", "x-amz-content-sha256": EMPTY },
        signature: "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
      }),
    },
    {
      title: "puts an object whose key has a dollar sign",
      request: requestOf("PUT", "/test%24file.text", {
        headers: {
          date: "Fri, 24 May 2013 00:00:00 GMT",
          "x-amz-content-sha256": "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
          "x-amz-storage-class": "REDUCED_REDUNDANCY",
        },
        signature: "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        body: "Welcome to Amazon S3.",
      }),
    },
    {
      title: "lists a bucket",
      request: requestOf("GET", "/?max-keys=2&prefix=J", {
        headers: { "x-amz-content-sha256": EMPTY },
        signature: "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
      }),
    },
  ]) {
    it(title, async () => {
      assert.equal(await accept(request), request);
      await assert.rejects(accept({ ...request, target: `${request.target}x` }), refused("InvalidSignatureException"));
      await assert.rejects(accept({ ...request, body: Buffer.from("another") }), refused("XAmzContentSHA256Mismatch"));
    });
  }

  it("is a link", async () => {
    const query = `X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${CREDENTIAL.replaceAll("/", "%2F")}&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host`;
    const signature = "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
    const link = {
      method: "GET",
      target: `/test.txt?${query}&X-Amz-Signature=${signature}`,
      headers: { host: "examplebucket.s3.amazonaws.com" },
      body: new Uint8Array(0),
    };
    assert.equal(await accept(link), link);
    await assert.rejects(accept({ ...link, method: "DELETE" }), refused("InvalidSignatureException"));
  });
});

const SIGNATURES = [
  "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
  "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
  "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
];

/** AWS's example of 66,560 letters in two chunks. */
function chunked(chunks: readonly string[], signatures = SIGNATURES): WireRequest {
  const texts = [...chunks, ""].map(
    (chunk, index) => `${chunk.length.toString(16)};chunk-signature=${signatures[index]}\r\n${chunk}\r\n`,
  );
  return requestOf("PUT", "/examplebucket/chunkObject.txt", {
    headers: {
      host: "s3.amazonaws.com",
      "content-encoding": "aws-chunked",
      "content-length": "66824",
      "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
      "x-amz-decoded-content-length": "66560",
      "x-amz-storage-class": "REDUCED_REDUNDANCY",
    },
    signature: "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
    body: texts.join(""),
  });
}

describe("a payload in signed chunks", () => {
  const [first, second] = ["a".repeat(65_536), "a".repeat(1_024)];

  it("is what AWS's example says", async () => {
    const { body, headers } = await accept(chunked([first, second]));
    assert.equal(Buffer.from(body).toString(), first + second);
    assert.deepEqual([headers["content-length"], headers["content-encoding"]], ["66560", undefined]);
  });

  for (const { title, request, code } of [
    { title: "with another byte", request: chunked([first, `${second.slice(1)}b`]), code: "InvalidSignatureException" },
    { title: "in another order", request: chunked([second, first]), code: "InvalidSignatureException" },
    { title: "cut after a chunk", request: chunked([first]), code: "IncompleteBody" },
    {
      title: "without a signature at its end",
      request: chunked([first, second], [...SIGNATURES.slice(0, 2), ""]),
      code: "InvalidSignatureException",
    },
  ]) {
    it(`is refused ${title}`, () => assert.rejects(accept(request), refused(code)));
  }

  it("is refused cut anywhere, or with more behind it", async () => {
    const whole = chunked([first, second]);
    for (const length of [0, 1, 84, 65_000, whole.body.length - 1]) {
      await assert.rejects(accept({ ...whole, body: whole.body.subarray(0, length) }), refused("IncompleteBody"));
    }
    await assert.rejects(
      accept({ ...whole, body: Buffer.concat([whole.body, Buffer.from("x")]) }),
      refused("IncompleteBody"),
    );
  });
});

describe("any bytes in the place of chunks", () => {
  it("are a payload of the length that was said, or an error of ours", async () => {
    const signed = parseSignature(chunked([]));
    const piece = fc.constantFrom("0", "3", "a", "\r\n", "abc", ";", "x-amz-checksum-crc32:AAAA", ":", "ffffffff");
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 12 }), fc.nat(6), async (pieces, length) => {
        const headers = {
          "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
          "x-amz-decoded-content-length": String(length),
          "x-amz-trailer": "x-amz-checksum-crc32",
        };
        const request = { method: "PUT", target: "/b/k", headers, body: Buffer.from(pieces.join("")) };
        try {
          assert.equal((await s3Payloads.read(signed, request, KEY)).body.length, length);
        } catch (error) {
          if (!(error instanceof ServiceError)) throw error;
        }
      }),
    );
  });

  it("give the trailers that were announced, and no others", async () => {
    const signed = parseSignature(chunked([]));
    const read = (body: string, announced: string) =>
      s3Payloads.read(
        signed,
        {
          method: "PUT",
          target: "/b/k",
          headers: {
            "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
            "x-amz-decoded-content-length": "3",
            "x-amz-trailer": announced,
          },
          body: Buffer.from(body),
        },
        KEY,
      );
    const body = "3\r\nabc\r\n0\r\nx-amz-checksum-crc32:NSRBwg==\r\n\r\n";
    const { headers } = await read(body, "x-amz-checksum-crc32");
    assert.equal(headers["x-amz-checksum-crc32"], "NSRBwg==");
    await assert.rejects(read(body, "x-amz-checksum-sha1"), refused("InvalidRequest"));
    await assert.rejects(
      read(body.replace("x-amz-checksum-crc32", "x-amz-acl"), "x-amz-acl"),
      refused("InvalidRequest"),
    );
  });
});
