/** Signed requests for whole-server tests, made by AWS's own signer and sent as they are, so that tests can spoil any part. */

import { createHash, createHmac, type Hmac, type Hash as NodeHash } from "node:crypto";
import { type Agent, type IncomingHttpHeaders, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { SignatureV4 } from "@smithy/signature-v4";

export interface AccessKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of temporary credentials. */
  readonly sessionToken?: string;
}

/** What a test has to know of a server. */
export interface ServerAddress {
  /** Such as `http://127.0.0.1:40123`. */
  readonly endpoint: string;
  readonly credentials: AccessKey;
}

/** A request before it is signed. */
export interface Draft {
  /** `POST` unless given. */
  readonly method?: string;
  /** `/` unless given; a query in it is signed. */
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** A request as it goes over the wire. Header names are in lower case. */
export interface SignedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Scope {
  readonly region?: string;
  /** The signing name. */
  readonly service?: string;
  /** The machine's time unless given. */
  readonly date?: Date;
  /** The value of Host; that of the endpoint unless given. */
  readonly host?: string;
}

/** The Region of calls that name none. */
export const REGION = "us-east-1";

/** Signs a request in its headers. The Content-Length is left out of the signature. */
export async function sign(server: ServerAddress, draft: Draft, scope: Scope = {}): Promise<SignedRequest> {
  const { unsigned, body } = prepare(server, draft, scope);
  const { headers } = await signerOf(server, scope).sign(unsigned, { signingDate: scope.date ?? new Date() });
  return finish(draft, headers, draft.path ?? "/", body);
}

/** Signs a request in its query, as for a link that is given away. */
export async function presign(
  server: ServerAddress,
  draft: Draft,
  { expiresIn, ...scope }: Scope & { readonly expiresIn: number },
): Promise<SignedRequest> {
  const { unsigned, body } = prepare(server, draft, scope);
  const options = { signingDate: scope.date ?? new Date(), expiresIn };
  const { headers, query } = await signerOf(server, scope).presign(unsigned, options);
  const pairs = Object.entries(query ?? {}).map(([name, value]) => `${encode(name)}=${encode(String(value))}`);
  return finish(draft, headers, `${unsigned.path}?${pairs.join("&")}`, body);
}

/** The draft of a call of the KMS API. */
export function kmsDraft(operation: string, body: unknown): Draft {
  return {
    headers: { "content-type": "application/x-amz-json-1.1", "x-amz-target": `TrentService.${operation}` },
    body: typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body),
  };
}

/** The draft of sts:GetCallerIdentity as SDKs send it. */
export function callerIdentityDraft(body = "Action=GetCallerIdentity&Version=2011-06-15"): Draft {
  return { headers: { "content-type": "application/x-www-form-urlencoded; charset=utf-8" }, body };
}

export interface SendOptions {
  readonly agent?: Agent;
  /** For servers whose certificate is their own. */
  readonly insecureTls?: boolean;
}

/** Sends a request and reads the whole answer. Rejects when the connection ends before it. */
export function send(endpoint: string, request: SignedRequest, options: SendOptions = {}): Promise<Answer> {
  const { protocol, hostname, port } = new URL(endpoint);
  const start = protocol === "https:" ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const outgoing = start(
      {
        host: hostname.replace(/^\[(.*)\]$/, "$1"),
        port,
        method: request.method,
        path: request.path,
        headers: request.headers,
        ...(options.agent && { agent: options.agent }),
        ...(options.insecureTls === true && { rejectUnauthorized: false }),
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
        incoming.on("error", reject);
        incoming.on("end", () => {
          const body = Buffer.concat(chunks);
          if (!incoming.complete) reject(new Error("The answer was cut."));
          else resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body });
        });
      },
    );
    outgoing.on("error", reject);
    outgoing.end(request.body);
  });
}

/** The answer to a call of the KMS API, with its JSON read. */
export interface KmsAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly requestId: string;
  /** Empty for an empty body. */
  readonly output: Readonly<Record<string, unknown>>;
  /** The error's code; undefined for a success. */
  readonly code: string | undefined;
  readonly body: Buffer;
}

/** Calls the KMS API. */
export async function callKms(
  server: ServerAddress,
  operation: string,
  input: unknown,
  { agent, insecureTls, ...scope }: Scope & SendOptions = {},
): Promise<KmsAnswer> {
  const signed = await sign(server, kmsDraft(operation, input), scope);
  const options = { ...(agent && { agent }), ...(insecureTls === true && { insecureTls }) };
  const { status, headers, body } = await send(server.endpoint, signed, options);
  const output = body.length === 0 ? {} : (JSON.parse(body.toString("utf8")) as Record<string, unknown>);
  const code = output["__type"];
  return {
    status,
    headers,
    requestId: String(headers["x-amzn-requestid"] ?? ""),
    output,
    code: status === 200 ? undefined : String(code),
    body,
  };
}

/** As `callKms`, and fails when the answer is an error. */
export async function mustCallKms(
  server: ServerAddress,
  operation: string,
  input: unknown,
  options: Scope & SendOptions = {},
): Promise<KmsAnswer> {
  const answer = await callKms(server, operation, input, options);
  if (answer.status !== 200) throw new Error(`${operation} answered ${answer.status}: ${answer.body.toString("utf8")}`);
  return answer;
}

/** The member of an output that is text. */
export function textOf(output: Readonly<Record<string, unknown>>, member: string): string {
  const value = output[member];
  if (typeof value !== "string") throw new Error(`${member} is no text in the answer.`);
  return value;
}

/** The ARN in the KeyMetadata of CreateKey and DescribeKey. */
export function keyArnOf(output: Readonly<Record<string, unknown>>): string {
  return textOf(output["KeyMetadata"] as Record<string, unknown>, "Arn");
}

/** The bytes of a request on HTTP/1.1. */
export function bytesOf({ method, path, headers, body }: SignedRequest): Buffer {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n`, "latin1"), body]);
}

function prepare(server: ServerAddress, { method = "POST", path = "/", headers, body = "" }: Draft, scope: Scope) {
  const { protocol, host, hostname } = new URL(server.endpoint);
  const url = new URL(path, "http://signed");
  const bytes = new Uint8Array(typeof body === "string" ? Buffer.from(body, "utf8") : body);
  const unsigned = {
    method,
    protocol,
    hostname,
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: { host: scope.host ?? host, ...headers },
    body: bytes,
  };
  return { unsigned, body: bytes };
}

function signerOf({ credentials }: ServerAddress, { region = REGION, service = "kms" }: Scope): SignatureV4 {
  return new SignatureV4({ credentials, region, service, sha256: Sha256 });
}

function finish(
  { method = "POST" }: Draft,
  headers: Readonly<Record<string, string>>,
  path: string,
  body: Uint8Array,
): SignedRequest {
  const length: Record<string, string> =
    method === "GET" && body.length === 0 ? {} : { "content-length": String(body.length) };
  const lowered = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  return { method, path, headers: { ...Object.fromEntries(lowered), ...length }, body };
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** SHA-256 and HMAC-SHA-256 of node:crypto in the shape that the signer takes. */
class Sha256 {
  readonly #hash: NodeHash | Hmac;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash("sha256") : createHmac("sha256", asBytes(secret));
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(asBytes(data));
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {
    throw new Error("A hash is used once.");
  }
}

function asBytes(data: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof data === "string") return Buffer.from(data, "utf8");
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
