/** An issuer of identity tokens for tests: an HTTP server with discovery documents and key sets, good and bad ones. */

import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { SignJWT } from "jose";

/** How a path of the server behaves; each is an issuer of its own. */
const BEHAVIOURS = ["good", "elsewhere", "liar", "redirect", "large", "inside", "keyless", "broken", "weak"] as const;
export type Behaviour = (typeof BEHAVIOURS)[number];

export class Issuer implements AsyncDisposable {
  readonly #server = createServer((request, response) => this.#answer(request.url ?? "", response));
  readonly rsa = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  readonly ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
  readonly weak = generateKeyPairSync("rsa", { modulusLength: 1_024 });
  /** Requests so far. */
  readonly asked: string[] = [];

  async listen(): Promise<this> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return this;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** As an account registers it: without a scheme. */
  url(behaviour: Behaviour = "good"): string {
    return `127.0.0.1:${this.port}/${behaviour}`;
  }

  get urls(): readonly string[] {
    return BEHAVIOURS.map((behaviour) => this.url(behaviour));
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** A token that is good but for the changes. A claim that is undefined is left out. */
  async token(
    claims: Readonly<Record<string, unknown>> = {},
    {
      behaviour = "good",
      header = {},
      key,
    }: {
      readonly behaviour?: Behaviour;
      readonly header?: Readonly<Record<string, unknown>>;
      readonly key?: KeyObject | Uint8Array;
    } = {},
  ): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    const good = { iss: `http://${this.url(behaviour)}`, sub: "visitor", aud: "client", iat: now, exp: now + 600 };
    const protectedHeader = { alg: "RS256", kid: "rsa", ...header };
    const payload = Object.fromEntries(
      Object.entries({ ...good, ...claims }).filter(([, value]) => value !== undefined),
    );
    return await new SignJWT(payload).setProtectedHeader(protectedHeader).sign(key ?? this.rsa.privateKey);
  }

  #answer(path: string, response: ServerResponse): void {
    this.asked.push(path);
    const [, behaviour = "", ...rest] = path.split("/");
    const base = `http://${this.url(behaviour as Behaviour)}`;
    const status = behaviour === "redirect" ? 302 : 200;
    response.writeHead(status, { "content-type": "application/json", location: `${base}/keys` });
    const document = rest.join("/") === "keys" ? { keys: this.#keys(behaviour) } : documentOf(behaviour, base);
    response.end(behaviour === "broken" ? "{" : JSON.stringify(document));
  }

  #keys(behaviour: string): readonly object[] {
    if (behaviour === "keyless") return [];
    if (behaviour === "weak") return [{ ...this.weak.publicKey.export({ format: "jwk" }), kid: "rsa" }];
    return [
      { ...this.rsa.publicKey.export({ format: "jwk" }), kid: "rsa" },
      { ...this.ec.publicKey.export({ format: "jwk" }), kid: "ec" },
      { kty: "oct", k: Buffer.from("a secret that everybody knows, long enough").toString("base64url"), kid: "oct" },
    ];
  }
}

/** The discovery document of an issuer, good or bad. */
function documentOf(behaviour: string, base: string): object {
  return {
    issuer: behaviour === "liar" ? `${base}/other` : base,
    jwks_uri: behaviour === "inside" ? "http://169.254.169.254/latest/meta-data" : `${base}/keys`,
    ...(behaviour === "large" && { filling: "x".repeat(300_000) }),
  };
}
