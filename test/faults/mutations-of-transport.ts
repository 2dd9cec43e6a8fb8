/** Mutations below the API: sizes, framing, headers and connections that are not what HTTP or our limits allow. */

import { goodCalls, type Mutation, type MutationKind, type MutationSubject } from "./mutations.ts";
import type { RandomChoices } from "./random-choices.ts";
import { bytesOf, kmsDraft, type SignedRequest, sign } from "./signed-requests.ts";

const BODY_BYTES_MAX = 1_048_576;
const INVALID = ["InvalidSignatureException", "IncompleteSignatureException"];
const CRLF = "\r\n";

/** A good request, signed, as its head and its body. */
interface Wire {
  readonly request: SignedRequest;
  /** Without the empty line that ends it. */
  readonly head: string;
  readonly body: Buffer;
}

async function goodWire(subject: MutationSubject, random: RandomChoices): Promise<Wire> {
  const { operation, input } = random.pick(goodCalls(subject));
  const request = await sign(subject.server, kmsDraft(operation, input));
  const bytes = bytesOf(request);
  const headEnd = bytes.indexOf("\r\n\r\n");
  return { request, head: bytes.subarray(0, headEnd).toString("latin1"), body: bytes.subarray(headEnd + 4) };
}

function wire(head: string, body: string | Uint8Array = ""): Buffer {
  return Buffer.concat([Buffer.from(`${head}${CRLF}${CRLF}`, "latin1"), Buffer.from(body)]);
}

/** A kind made from a good request. */
function kind(name: string, make: (good: Wire, random: RandomChoices) => Mutation): MutationKind {
  return { name, make: async (subject, random) => make(await goodWire(subject, random), random) };
}

const oversizedBody: MutationKind = {
  name: "an oversized body",
  async make({ server, keyArn }, random) {
    const filler = "x".repeat(BODY_BYTES_MAX + random.integer(1, 200_000));
    const signed = await sign(server, kmsDraft("UpdateKeyDescription", { KeyId: keyArn, Description: filler }));
    const isChunked = random.integer(0, 3) === 0;
    const parts = isChunked ? chunkedParts(signed, 64 * 1024) : [bytesOf(signed)];
    return { parts, allowed: { codes: ["RequestEntityTooLargeException"], closed: true } };
  },
};

/** A request whose body goes in chunks of a size. */
function chunkedParts(request: SignedRequest, chunkBytes: number): readonly Buffer[] {
  const { "content-length": _, ...headers } = request.headers;
  const head = bytesOf({ ...request, headers: { ...headers, "transfer-encoding": "chunked" }, body: new Uint8Array() });
  const parts: Buffer[] = [head];
  for (let offset = 0; offset < request.body.length; offset += chunkBytes) {
    const piece = request.body.subarray(offset, offset + chunkBytes);
    parts.push(Buffer.concat([Buffer.from(`${piece.length.toString(16)}${CRLF}`), piece, Buffer.from(CRLF)]));
  }
  return [...parts, Buffer.from(`0${CRLF}${CRLF}`)];
}

const oversizedHeaders = kind("oversized headers", ({ head, body }, random) => {
  const filler = random.pick([
    () => `x-filler: ${"h".repeat(random.integer(17_000, 60_000))}`,
    () => Array.from({ length: 2_000 }, (_, at) => `x-filler-${at}: ${random.text(10)}`).join(CRLF),
    () => `${"n".repeat(20_000)}: value`,
  ])();
  const longPath = random.integer(0, 3) === 0;
  const text = longPath ? head.replace("POST / ", `POST /${"p".repeat(20_000)} `) : `${head}${CRLF}${filler}`;
  return { parts: [wire(text, body)], allowed: { statuses: [431], closed: true } };
});

/** Bytes that stop in the middle; then the connection is ended or torn down. */
const halfOpen = kind("a half-open socket", ({ head, body }, random) => {
  const whole = wire(head, body);
  const parts = [whole.subarray(0, random.integer(0, whole.length - 1))];
  const ending = random.pick(["fin", "rst"] as const);
  return { parts, ending, allowed: { statuses: [400], closed: true } };
});

const garbage = kind("garbage", (_good, random) => {
  const bytes = random.pick([
    () => random.bytes(random.integer(1, 2_000)),
    () => Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03, ...random.bytes(64)]),
    () => Buffer.from(`${random.text(20)}${CRLF}${CRLF}`),
    () => Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    () => Buffer.from(`POST / HTTP/${random.pick(["0.9", "1.2", "3.0", "x"])}${CRLF}Host: a${CRLF}${CRLF}`),
    () => Buffer.from(`POST / HTTP/1.1${CRLF}${CRLF}`),
    () => Buffer.from(`POST / HTTP/1.1${CRLF}Host: a${CRLF} folded: b${CRLF}No colon${CRLF}${CRLF}`),
  ])();
  return {
    parts: [bytes],
    ending: "fin",
    allowed: { statuses: [400], closed: true, codes: ["MissingAuthenticationTokenException"] },
  };
});

/** A header that is there twice, so that who reads the first and who reads the last would differ. */
const duplicates = kind("duplicate headers", ({ request, head, body }, random) => {
  const name = random.pick(["host", "authorization", "x-amz-date", "x-amz-target", "content-type", "content-length"]);
  const other: Readonly<Record<string, string>> = {
    host: "kms.example.internal",
    authorization: (request.headers["authorization"] ?? "").replace(/Signature=.{8}/, "Signature=00000000"),
    "x-amz-date": "20200101T000000Z",
    "x-amz-target": "TrentService.CancelKeyDeletion",
    "content-type": "text/plain",
    "content-length": String(body.length + 1),
  };
  const [requestLine = "", ...lines] = head.split(CRLF);
  const line = `${name}: ${other[name]}`;
  const doubled = random.integer(0, 1) === 0 ? [requestLine, line, ...lines] : [requestLine, ...lines, line];
  const codes = [...INVALID, "UnknownOperationException", "MissingAuthenticationTokenException"];
  return { parts: [wire(doubled.join(CRLF), body)], allowed: { codes, statuses: [400], closed: true } };
});

const chunked = kind("a spoiled chunked body", ({ request, body }, random) => {
  const whole = Buffer.concat(chunkedParts(request, random.integer(10, 100)));
  const headEnd = whole.indexOf("\r\n\r\n") + 4;
  const head = whole.subarray(0, headEnd);
  const bodies: readonly Uint8Array[] = [
    Buffer.from(`zz${CRLF}${body.toString("latin1")}${CRLF}0${CRLF}${CRLF}`),
    Buffer.from(`-1${CRLF}${CRLF}`),
    Buffer.from(`fffffffffffffffff${CRLF}x`),
    Buffer.from(`5${CRLF}{"a":1}${CRLF}0${CRLF}${CRLF}`),
    Buffer.from(`5;${"e".repeat(20_000)}${CRLF}abcde${CRLF}0${CRLF}${CRLF}`),
    whole.subarray(headEnd, whole.length - random.integer(3, 20)),
    Buffer.concat([
      whole.subarray(headEnd, whole.length - 2),
      Buffer.from(`x-trailer: ${"t".repeat(20_000)}${CRLF}${CRLF}`),
    ]),
  ];
  return {
    parts: [Buffer.concat([head, random.pick(bodies)])],
    ending: "fin",
    allowed: { codes: INVALID, statuses: [400, 413, 431], closed: true },
  };
});

/** Two lengths for one body: what one server takes for the end, another takes for the middle. */
const smuggled = kind("two lengths for one body", ({ head, body }, random) => {
  const lines = random.pick([
    "transfer-encoding: chunked",
    "transfer-encoding: identity",
    "transfer-encoding: chunked, identity",
    "transfer-encoding: xchunked",
    "transfer-encoding : chunked",
    `content-length: ${body.length - 1}`,
  ]);
  const parts = [wire(`${head}${CRLF}${lines}`, body)];
  return { parts, ending: "fin", allowed: { statuses: [400, 501], closed: true } };
});

const lyingLength = kind("a Content-Length that lies", ({ head, body }, random) => {
  const lies = [
    String(body.length + random.integer(1, 1_000)),
    String(random.integer(0, body.length - 1)),
    "-1",
    "+5",
    "0x10",
    "5, 6",
    "",
    "1e3",
    "9".repeat(random.integer(7, 40)),
  ];
  const text = head.replace(/content-length: \d+/, `content-length: ${random.pick(lies)}`);
  return {
    parts: [wire(text, body)],
    ending: "fin",
    allowed: { codes: [...INVALID, "RequestEntityTooLargeException"], statuses: [400, 413], closed: true },
  };
});

const unsigned: MutationKind = {
  name: "no signature at all",
  async make({ server }, random) {
    const { host } = new URL(server.endpoint);
    const path = random.pick([
      "/",
      `/${random.text(8)}`,
      "/_keystead/",
      "/_keystead/clock/",
      "/../etc/passwd",
      "/%00",
      "//",
      "*",
    ]);
    const method = random.pick(["GET", "POST", "PUT", "DELETE", "HEAD"]);
    const text = `${method} ${path} HTTP/1.1${CRLF}host: ${host}`;
    const codes = ["MissingAuthenticationTokenException", "MissingAuthenticationToken", "UnknownOperationException"];
    return { parts: [wire(text)], ending: "fin", allowed: { codes, statuses: [400], closed: true } };
  },
};

/** The kinds that are wrong below the API. */
export const transportMutations: readonly MutationKind[] = [
  oversizedBody,
  oversizedHeaders,
  halfOpen,
  garbage,
  duplicates,
  chunked,
  smuggled,
  lyingLength,
  unsigned,
];
