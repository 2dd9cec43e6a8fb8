/** The one client for URLs that tenants or operators name: it reaches the public internet over HTTPS, and what the operator lists. */

import { lookup } from "node:dns/promises";
import { request as requestHttps } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { isPublicAddress } from "./addresses.ts";

// An `import` would read all that node:http exports, also WebSocket and its kin, and so load undici: a fifth of a start.
const { request: requestHttp } = process.getBuiltinModule("node:http");

/** Why nothing was fetched; safe to log, and nothing of it is told to the tenant. */
export class OutboundError extends Error {
  override readonly name = "OutboundError";
  /** `unreachable`: the network or the other side failed, and a later try may succeed. */
  readonly kind: "refused" | "unreachable" | "unfit";

  constructor(kind: OutboundError["kind"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** Limits of one fetch. */
const TIME_MS_MAX = 5_000;
const ANSWER_BYTES_MAX = 262_144;
const URL_CHARACTERS_MAX = 2_048;
/** Fetches under way at a time; further ones fail at once. */
const CONCURRENT_MAX = 32;

interface Address {
  readonly address: string;
  readonly family: number;
}

/** What resolves a name; tests bring their own. */
export type Resolve = (host: string) => Promise<readonly Address[]>;

const resolveByDns: Resolve = (host) => lookup(host, { all: true, verbatim: true });

/**
 * Fetches JSON from URLs that tenants name.
 *
 * Only `https:` URLs without credentials are fetched, and every address is checked before it is connected to: the connection
 * goes to the address that was checked, so that a name can't mean another one a moment later. Hosts that the operator lists
 * may have any address, and `http:`. Redirects are not followed; time, size and number are limited.
 */
export class OutboundClient {
  readonly #allowed: ReadonlySet<string>;
  readonly #resolve: Resolve;
  #underWay = 0;

  /** @param allowed hosts as `HOST` (every port) or `HOST:PORT`, names or addresses */
  constructor(allowed: Iterable<string> = [], resolve: Resolve = resolveByDns) {
    this.#allowed = new Set([...allowed].map((host) => host.toLowerCase()));
    this.#resolve = resolve;
  }

  /** Whether a URL is one that would be tried: its form and scheme, not yet its addresses. */
  mayFetch(text: string): boolean {
    const url = parseUrl(text);
    return url !== undefined && (url.protocol === "https:" || this.#isListed(url));
  }

  /**
   * Fetches one JSON document.
   *
   * @throws OutboundError
   */
  async fetchJson(text: string): Promise<unknown> {
    return parseJson(await this.#exchange(text));
  }

  /**
   * Posts one JSON document; any answer from 200 to 299 means that it was taken.
   *
   * @throws OutboundError
   */
  async postJson(text: string, json: string): Promise<void> {
    await this.#exchange(text, json);
  }

  async #exchange(text: string, json?: string): Promise<Buffer> {
    const url = parseUrl(text);
    if (url === undefined || !this.mayFetch(text)) throw new OutboundError("refused", "The URL may not be fetched.");
    if (this.#underWay >= CONCURRENT_MAX) throw new OutboundError("unreachable", "Too many fetches are under way.");
    this.#underWay += 1;
    try {
      const signal = AbortSignal.timeout(TIME_MS_MAX);
      return await exchange(url, { address: await this.#checkedAddress(url, signal), signal, json });
    } finally {
      this.#underWay -= 1;
    }
  }

  async #checkedAddress(url: URL, signal: AbortSignal): Promise<Address> {
    const host = hostOf(url);
    const family = isIP(host);
    const found = family === 0 ? await this.#resolved(host, signal) : [{ address: host, family }];
    const address = this.#isListed(url) ? found[0] : found.find((one) => isPublicAddress(one.address));
    if (address === undefined) throw new OutboundError("refused", `${host} has no address that may be connected to.`);
    return address;
  }

  async #resolved(host: string, signal: AbortSignal): Promise<readonly Address[]> {
    const late = new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(new Error("It took too long.")), { once: true });
    });
    try {
      return await Promise.race([this.#resolve(host), late]);
    } catch (cause) {
      throw new OutboundError("unreachable", `${host} can't be resolved.`, { cause });
    }
  }

  #isListed(url: URL): boolean {
    const host = hostOf(url);
    return this.#allowed.has(host) || this.#allowed.has(`${host}:${portOf(url)}`);
  }
}

function parseUrl(text: string): URL | undefined {
  const url = text.length > URL_CHARACTERS_MAX ? null : URL.parse(text);
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) return undefined;
  return url.username === "" && url.password === "" && url.hostname !== "" ? url : undefined;
}

/** Without the brackets of an IPv6 address. */
function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, "$1").toLowerCase();
}

function portOf({ port, protocol }: URL): string {
  return port === "" ? (protocol === "https:" ? "443" : "80") : port;
}

interface Exchange {
  readonly address: Address;
  readonly signal: AbortSignal;
  /** What is posted; nothing: a document is fetched. */
  readonly json: string | undefined;
}

/** Talks to the one address that was checked, whatever the name means by then. */
function exchange(url: URL, { address: { address, family }, signal, json }: Exchange): Promise<Buffer> {
  const pinned: LookupFunction = (_host, { all }, callback) => {
    if (all === true) callback(null, [{ address, family }]);
    else callback(null, address, family);
  };
  const start = url.protocol === "https:" ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const fail = (kind: OutboundError["kind"], message: string, cause?: unknown): void => {
      reject(new OutboundError(kind, `${hostOf(url)}: ${message}`, { cause }));
      outgoing.destroy();
    };
    const headers = {
      accept: "application/json",
      ...(json !== undefined && { "content-type": "application/json", "content-length": Buffer.byteLength(json) }),
    };
    const method = json === undefined ? "GET" : "POST";
    const outgoing = start(url, { method, lookup: pinned, agent: false, signal, headers });
    outgoing.on("error", (cause) => fail("unreachable", "the connection failed.", cause));
    outgoing.on("response", (incoming) => {
      const { statusCode = 0 } = incoming;
      const isTaken = json === undefined ? statusCode === 200 : statusCode >= 200 && statusCode < 300;
      if (!isTaken) return fail("unfit", `it answered ${statusCode}.`);
      const chunks: Buffer[] = [];
      let lengthBytes = 0;
      incoming.on("error", (cause) => fail("unreachable", "the answer was cut.", cause));
      incoming.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        lengthBytes += chunk.length;
        if (lengthBytes > ANSWER_BYTES_MAX) fail("unfit", "the answer is too large.");
      });
      incoming.on("end", () => resolve(Buffer.concat(chunks)));
    });
    outgoing.end(json);
  });
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as unknown;
  } catch (cause) {
    throw new OutboundError("unfit", "The answer is no JSON.", { cause });
  }
}
