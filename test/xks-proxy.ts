/** A proxy of external key stores as the XKS proxy API specification (1.0.3) has it, with its keys, for tests. */

import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";

/** The credential that the proxy knows. */
export const PROXY_CREDENTIAL = {
  AccessKeyId: "QRSTUV234567WXYZABCD",
  RawSecretAccessKey: "orchardTestSecret0123456789abcdefghijklmnoPQ+/=",
} as const;

/** The path under which it answers. */
export const PROXY_PATH = "/team-a/kms/xks/v1";

/** A `--key-stores` file with a VPC endpoint service behind which nobody is: its stores can be made, and fail to connect. */
export const IDLE_KEY_STORES = `vpcEndpointServices:
  com.amazonaws.vpce.us-east-1.vpce-svc-0a1b2c3d:
    { owner: "111122223333", address: 127.0.0.1, port: 9, privateDnsName: idle.example.net,
      availabilityZones: [us-east-1a, us-east-1b], allowedPrincipals: [cks.kms.us-east-1.amazonaws.com] }
  com.amazonaws.vpce.us-east-1.vpce-svc-0a1b2c3e:
    { owner: "111122223333", address: 127.0.0.1, port: 9, privateDnsName: other.example.net,
      availabilityZones: [us-east-1a, us-east-1b], allowedPrincipals: [cks.kms.us-east-1.amazonaws.com] }
`;

/** A store of that service. */
export const IDLE_STORE = {
  CustomKeyStoreName: "idle",
  CustomKeyStoreType: "EXTERNAL_KEY_STORE",
  XksProxyConnectivity: "VPC_ENDPOINT_SERVICE",
  XksProxyUriEndpoint: "https://idle.example.net",
  XksProxyUriPath: PROXY_PATH,
  XksProxyVpcEndpointServiceName: "com.amazonaws.vpce.us-east-1.vpce-svc-0a1b2c3d",
  XksProxyAuthenticationCredential: PROXY_CREDENTIAL,
} as const;

type Members = Readonly<Record<string, unknown>>;

/** A request as the proxy got it, signature and all. */
export interface ProxyRequest {
  /** After the path of the proxy, such as `/keys/k1/encrypt`. */
  readonly api: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly body: Members;
}

export interface ProxyAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** An external key. */
export interface ExternalKeyOfProxy {
  readonly key: Uint8Array;
  readonly keySpec: string;
  readonly keyUsage: readonly string[];
  readonly keyStatus: string;
}

/** What is put in place of an answer: undefined leaves it, `silent` never answers. */
export type Disturbance = (request: ProxyRequest, answer: () => ProxyAnswer) => ProxyAnswer | "silent" | undefined;

class Refused extends Error {
  readonly status: number;
  constructor(status: number, errorName: string) {
    super(errorName);
    this.status = status;
  }
}

/** A new external key, enabled, for both directions. */
export function newExternalKey(changes: Partial<ExternalKeyOfProxy> = {}): ExternalKeyOfProxy {
  return {
    key: randomBytes(32),
    keySpec: "AES_256",
    keyUsage: ["ENCRYPT", "DECRYPT", "WRAP"],
    keyStatus: "ENABLED",
    ...changes,
  };
}

/** A running proxy; `requests` are those whose signature was right. */
export class XksProxy implements AsyncDisposable {
  readonly keys = new Map<string, ExternalKeyOfProxy>();
  readonly credentials = new Map<string, string>([[PROXY_CREDENTIAL.AccessKeyId, PROXY_CREDENTIAL.RawSecretAccessKey]]);
  readonly requests: ProxyRequest[] = [];
  /** Requests that came, whatever became of them. */
  seen = 0;
  health: readonly string[] = ["ACTIVE", "DEGRADED"];
  disturb: Disturbance | undefined;
  /** `ciphertextMetadata` of what it encrypts. */
  metadata: Uint8Array = new TextEncoder().encode("ver=7");
  ivBytes: 12 | 16 = 12;
  readonly #server: ReturnType<typeof createServer>;

  private constructor(tls: { readonly cert: string; readonly key: string } | undefined) {
    const listener = (request: IncomingMessage, response: ServerResponse): void =>
      void this.#serve(request, response).catch(() => response.destroy());
    this.#server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  }

  static async start(tls?: { readonly cert: string; readonly key: string }): Promise<XksProxy> {
    const proxy = new XksProxy(tls);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The requests of one API since the last call of this, such as `encrypt`. */
  taken(api: string): readonly ProxyRequest[] {
    const found = this.requests.filter((request) => request.api.endsWith(`/${api}`));
    this.requests.length = 0;
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    this.seen += 1;
    const answer = this.#answer(request, Buffer.concat(chunks));
    if (answer === "silent") return;
    const body = typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body);
    response.writeHead(answer.status, { "content-type": "application/json" }).end(body);
  }

  #answer(request: IncomingMessage, body: Buffer): ProxyAnswer | "silent" {
    try {
      if (request.method !== "POST") throw new Refused(405, "MethodNotAllowed");
      const url = request.url ?? "";
      if (!url.startsWith(`${PROXY_PATH}/`)) throw new Refused(404, "InvalidUriPathException");
      this.#authenticate(request, body);
      const members = JSON.parse(body.toString("utf8")) as Members;
      const metadata = (members["requestMetadata"] ?? {}) as ProxyRequest["metadata"];
      const parsed = { api: url.slice(PROXY_PATH.length), metadata, body: members };
      this.requests.push(parsed);
      const plain = (): ProxyAnswer => ({ status: 200, body: this.#perform(parsed) });
      return this.disturb?.(parsed, plain) ?? plain();
    } catch (cause) {
      if (!(cause instanceof Refused)) throw cause;
      return {
        status: cause.status,
        body: { errorName: cause.message, errorMessage: "a text that no caller may see" },
      };
    }
  }

  /** SigV4 with the service `kms-xks-proxy`; the secret is the text that it is. */
  #authenticate({ headers, url = "" }: IncomingMessage, body: Buffer): void {
    const form =
      /^AWS4-HMAC-SHA256 Credential=([A-Z2-7]+)\/(\d{8})\/([a-z0-9-]+)\/kms-xks-proxy\/aws4_request, SignedHeaders=([a-z;-]+), Signature=([0-9a-f]{64})$/;
    const [, id = "", date = "", region = "", names = "", signature] = form.exec(headers.authorization ?? "") ?? [];
    const secret = this.credentials.get(id);
    const stamp = String(headers["x-amz-date"]);
    const age =
      Date.now() - Date.parse(stamp.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
    if (secret === undefined || !(Math.abs(age) < 300_000)) throw new Refused(401, "AuthenticationFailedException");
    const hash = (data: string | Buffer): string => createHash("sha256").update(data).digest("hex");
    const lines = names.split(";").map((name) => `${name}:${String(headers[name]).trim()}\n`);
    const canonical = `POST\n${url}\n\n${lines.join("")}\n${names}\n${hash(body)}`;
    const scope = `${date}/${region}/kms-xks-proxy/aws4_request`;
    const mac = (key: string | Buffer, text: string): Buffer => createHmac("sha256", key).update(text).digest();
    const key = scope.split("/").reduce<string | Buffer>((previous, part) => mac(previous, part), `AWS4${secret}`);
    const expected = mac(key, `AWS4-HMAC-SHA256\n${stamp}\n${scope}\n${hash(canonical)}`).toString("hex");
    if (expected !== signature) throw new Refused(401, "AuthenticationFailedException");
  }

  #perform({ api, metadata, body }: ProxyRequest): unknown {
    const required =
      api === "/health" ? ["kmsRequestId", "kmsOperation"] : ["kmsRequestId", "kmsOperation", "awsPrincipalArn"];
    if (!required.every((name) => typeof metadata[name] === "string")) throw new Refused(400, "ValidationException");
    if (api === "/health") return this.#health();
    const [, id = "", operation = ""] = /^\/keys\/([A-Za-z0-9._-]+)\/(metadata|encrypt|decrypt)$/.exec(api) ?? [];
    if (operation === "") throw new Refused(404, "InvalidUriPathException");
    const key = this.keys.get(id);
    if (key === undefined) throw new Refused(404, "KeyNotFoundException");
    const { keySpec, keyUsage, keyStatus } = key;
    if (operation === "metadata") return { keySpec, keyUsage, keyStatus, more: "is ignored" };
    if (keyStatus !== "ENABLED") throw new Refused(400, "InvalidStateException");
    if (!keyUsage.includes(operation.toUpperCase())) throw new Refused(400, "InvalidKeyUsageException");
    if (body["encryptionAlgorithm"] !== "AES_GCM") throw new Refused(400, "ValidationException");
    return operation === "encrypt" ? this.#encrypt(key, body) : decrypt(key, body);
  }

  #health(): unknown {
    const instance = (healthStatus: string, index: number) => ({ id: `hsm-${index}`, model: "m", healthStatus });
    return {
      xksProxyFleetSize: 1,
      xksProxyVendor: "Orchard",
      xksProxyModel: "P 1",
      ekmVendor: "Orchard",
      ekmFleetDetails: this.health.map(instance),
    };
  }

  #encrypt({ key }: ExternalKeyOfProxy, body: Members): unknown {
    const plaintext = bytesIn(body, "plaintext");
    const aad = bytesIn(body, "additionalAuthenticatedData");
    if (plaintext.length === 0 || plaintext.length > 4_300 || aad.length > 8_192)
      throw new Refused(400, "ValidationException");
    const { metadata } = this;
    const iv = randomBytes(this.ivBytes);
    const cipher = createCipheriv("aes-256-gcm", key, iv, { authTagLength: 16 }).setAAD(aadOf(aad, metadata));
    const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
    const tag = cipher.getAuthTag();
    const integrity = createHash("sha256")
      .update(Buffer.concat([aad, metadata, iv, ciphertext, tag]))
      .digest("base64");
    return {
      ciphertext: ciphertext.toString("base64"),
      initializationVector: iv.toString("base64"),
      authenticationTag: tag.toString("base64"),
      ...(metadata.length > 0 && { ciphertextMetadata: Buffer.from(metadata).toString("base64") }),
      ...(body["ciphertextDataIntegrityValueAlgorithm"] === "SHA_256" && { ciphertextDataIntegrityValue: integrity }),
    };
  }
}

function decrypt({ key }: ExternalKeyOfProxy, body: Members): unknown {
  const aad = aadOf(bytesIn(body, "additionalAuthenticatedData"), bytesIn(body, "ciphertextMetadata"));
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, bytesIn(body, "initializationVector"), { authTagLength: 16 });
    decipher.setAAD(aad).setAuthTag(bytesIn(body, "authenticationTag"));
    const plaintext = Buffer.concat([decipher.update(bytesIn(body, "ciphertext")), decipher.final()]);
    return { plaintext: plaintext.toString("base64") };
  } catch {
    throw new Refused(400, "InvalidCiphertextException");
  }
}

/** What the external key authenticates: both parts with their lengths. */
export function aadOf(aad: Uint8Array, metadata: Uint8Array): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(aad.length);
  return Buffer.concat([length, aad, Buffer.of(metadata.length), metadata]);
}

function bytesIn(members: Members, name: string): Buffer {
  return Buffer.from(String(members[name] ?? ""), "base64");
}
