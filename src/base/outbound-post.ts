/** POST requests to the proxies of external key stores: over kept connections, with the addresses of tenants' hosts checked. */

import { lookup } from "node:dns/promises";
import { request as requestHttps, Agent as TlsAgent } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { type PeerCertificate, rootCertificates, TLSSocket } from "node:tls";
import { isPublicAddress } from "./addresses.ts";

// An `import` would read all that node:http exports, also WebSocket and its kin, and so load undici: a fifth of a start.
const { request: requestHttp, Agent: PlainAgent } = process.getBuiltinModule("node:http");

/** Why there is no answer. Safe to log. */
export class PostError extends Error {
  override readonly name = "PostError";
  /** `tls`: no TLS connection; `late`: no answer in time; `unreachable`: anything else on the way. */
  readonly kind: "refused" | "unreachable" | "tls" | "late" | "unfit";
  readonly elapsedMs: number;

  constructor(kind: PostError["kind"], elapsedMs: number, options?: ErrorOptions) {
    super(`No answer: ${kind}`, options);
    this.kind = kind;
    this.elapsedMs = elapsedMs;
  }
}

/** Where a host is reached that is not on port 443 of the public internet, as the operator says. */
export interface Place {
  readonly address: string;
  readonly port: number;
  readonly tls: boolean;
}

export interface Post {
  /** `https:`, without credentials. */
  readonly url: string;
  /** In place of what the URL's name and scheme come to. */
  readonly place?: Place;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** For all of it: connecting, TLS, the answer. */
  readonly timeoutMs: number;
}

export interface PostAnswer {
  readonly status: number;
  readonly body: Uint8Array;
  readonly elapsedMs: number;
  /** Of the server, over TLS. */
  readonly certificate?: { readonly name: string; readonly validTo: number };
}

const TLS_PORT = 443;
const ANSWER_BYTES_MAX = 65_536;
/** Connections to one host. */
const SOCKETS_MAX = 256;
/** Requests under way at a time, in all and to one host, so that a slow one does not take every place; further ones fail at once. */
const CONCURRENT_MAX = 4_096;
const CONCURRENT_OF_HOST_MAX = 512;

/** What an external key store's proxy has one of, at least (XKS proxy API specification, TLS). */
const CIPHERS = [
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
].join(":");

/** Errors of OpenSSL and of Node's look at a certificate. */
const TLS_ERROR = /^(?:ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|HOSTNAME_MISMATCH|INVALID_CA|EPROTO)/;

/** Posts JSON texts. */
export class PostClient {
  readonly #tls: TlsAgent;
  readonly #plain: InstanceType<typeof PlainAgent>;
  readonly #allowed: ReadonlySet<string>;
  #underWay = 0;
  readonly #underWayOf = new Map<string, number>();

  /**
   * @param options.certificates PEM of further authorities than those that Node trusts
   * @param options.allowed hosts, as `HOST` or `HOST:PORT`, that may have an address that is not on the public internet
   */
  constructor({
    certificates = [],
    allowed = [],
  }: {
    readonly certificates?: readonly string[];
    readonly allowed?: Iterable<string>;
  }) {
    this.#allowed = new Set([...allowed].map((host) => host.toLowerCase()));
    const kept = { keepAlive: true, maxSockets: SOCKETS_MAX };
    this.#plain = new PlainAgent(kept);
    this.#tls = new TlsAgent({
      ...kept,
      minVersion: "TLSv1.2",
      ciphers: CIPHERS,
      ...(certificates.length > 0 && { ca: [...rootCertificates, ...certificates] }),
    });
  }

  /** @throws PostError */
  async post(post: Post): Promise<PostAnswer> {
    const url = URL.parse(post.url);
    if (url === null || url.protocol !== "https:" || url.username !== "" || url.password !== "") {
      throw new PostError("refused", 0);
    }
    const { host } = url;
    const ofHost = this.#underWayOf.get(host) ?? 0;
    if (this.#underWay >= CONCURRENT_MAX || ofHost >= CONCURRENT_OF_HOST_MAX) throw new PostError("unreachable", 0);
    this.#underWay += 1;
    this.#underWayOf.set(host, ofHost + 1);
    try {
      return await this.#send(url, post);
    } finally {
      this.#underWay -= 1;
      const left = (this.#underWayOf.get(host) ?? 0) - 1;
      if (left > 0) this.#underWayOf.set(host, left);
      else this.#underWayOf.delete(host);
    }
  }

  /** Lets go of kept connections. */
  close(): void {
    this.#plain.destroy();
    this.#tls.destroy();
  }

  async #send(url: URL, post: Post): Promise<PostAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<PostAnswer>();
    const start = performance.now();
    const elapsed = (): number => performance.now() - start;
    const signal = AbortSignal.timeout(post.timeoutMs);
    const fail = (cause: unknown): void => reject(asPostError(cause, signal, elapsed()));
    const { place } = post;
    if (place === undefined && !this.#mayConnect(url.hostname)) throw new PostError("refused", elapsed());
    const outgoing = (place?.tls === false ? requestHttp : requestHttps)({
      method: "POST",
      host: place?.address ?? url.hostname,
      port: place?.port ?? TLS_PORT,
      path: post.url.slice(url.origin.length), // as it is: the signature is over these characters
      headers: { ...post.headers, "content-length": String(Buffer.byteLength(post.body)) },
      agent: place?.tls === false ? this.#plain : this.#tls,
      signal,
      ...(place?.tls !== false && isIP(url.hostname) === 0 && { servername: url.hostname }),
      ...(place === undefined && { lookup: this.#lookup }),
    });
    outgoing.on("error", fail);
    outgoing.on("response", (incoming) => {
      const chunks: Buffer[] = [];
      let lengthBytes = 0;
      const certificate = incoming.socket instanceof TLSSocket ? certificateOf(incoming.socket) : undefined;
      incoming.on("error", fail);
      incoming.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        lengthBytes += chunk.length;
        if (lengthBytes > ANSWER_BYTES_MAX) outgoing.destroy(new PostError("unfit", elapsed()));
      });
      incoming.on("end", () =>
        resolve({
          status: incoming.statusCode ?? 0,
          body: new Uint8Array(Buffer.concat(chunks)),
          elapsedMs: elapsed(),
          ...(certificate && { certificate }),
        }),
      );
    });
    outgoing.end(post.body);
    return await promise;
  }

  #mayConnect(host: string): boolean {
    return isIP(host) === 0 || this.#isListed(host) || isPublicAddress(host);
  }

  /** The addresses that are connected to are those that were checked, so that a name can't mean another one a moment later. */
  readonly #lookup: LookupFunction = (host, { all }, callback) => {
    this.#addressesOf(host).then(
      ([first, ...more]) => {
        if (first === undefined) callback(new PostError("refused", 0), "", 4);
        else if (all === true) callback(null, [first, ...more]);
        else callback(null, first.address, first.family);
      },
      (cause: NodeJS.ErrnoException) => callback(cause, "", 4),
    );
  };

  async #addressesOf(host: string) {
    const found = await lookup(host, { all: true, verbatim: true });
    return this.#isListed(host) ? found : found.filter(({ address }) => isPublicAddress(address));
  }

  #isListed(host: string): boolean {
    const name = host.toLowerCase();
    return this.#allowed.has(name) || this.#allowed.has(`${name}:${TLS_PORT}`);
  }
}

function asPostError(cause: unknown, signal: AbortSignal, elapsedMs: number): PostError {
  if (cause instanceof PostError) return cause;
  if (signal.aborted) return new PostError("late", elapsedMs, { cause });
  const { code = "" } = cause as NodeJS.ErrnoException;
  if (code === "ETIMEDOUT") return new PostError("late", elapsedMs, { cause });
  return new PostError(TLS_ERROR.test(code) ? "tls" : "unreachable", elapsedMs, { cause });
}

/** Undefined where a kept session was resumed without one. */
function certificateOf(socket: TLSSocket): PostAnswer["certificate"] {
  const certificate: Partial<PeerCertificate> = socket.getPeerCertificate();
  if (certificate.valid_to === undefined) return undefined;
  const name = [certificate.subject?.CN ?? ""].flat()[0] ?? "";
  return { name, validTo: Date.parse(certificate.valid_to) };
}
