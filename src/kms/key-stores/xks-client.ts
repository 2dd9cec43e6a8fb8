/** The client of external key store proxies: the four requests of the XKS proxy API, signed, timed and counted. */

import { createHash } from "node:crypto";
import type { Clock } from "../../base/clock.ts";
import { type PostAnswer, type PostClient, PostError } from "../../base/outbound-post.ts";
import type { Custody, ExternalCiphertext } from "../../custody/custody.ts";
import { canonicalRequest } from "../../identity/canonical-request.ts";
import { timestampOf } from "../../identity/timestamp.ts";
import type { KeyStoreRow } from "../../storage/key-store-schema.ts";
import type { Exchange, KeyStoreMeter } from "./meter.ts";
import { hostOf, type KeyStoreSettings, placeOf } from "./places.ts";
import {
  ciphertextOf,
  type ExternalKey,
  externalKeyOf,
  healthOf,
  type KeyManagerStates,
  membersOf,
  plaintextOf,
} from "./xks-answers.ts";
import { XksError } from "./xks-failures.ts";

/** `requestMetadata`: what the proxy is told of the request that it is asked for. Absent members are left out, never null. */
export interface RequestMetadata {
  readonly awsPrincipalArn?: string;
  readonly awsSourceVpc?: string;
  readonly awsSourceVpce?: string;
  readonly kmsKeyArn?: string;
  readonly kmsOperation: string;
  readonly kmsRequestId: string;
  readonly kmsViaService?: string;
}

/** An external key store as it is or is to be. */
export type ExternalStore = Omit<KeyStoreRow, "connection_error" | "connection_request" | "connection_state" | "name">;

const SIGNED_HEADERS = "host;x-amz-date";

/** On a network timeout a request is tried once more (KMS guide, Average latency). */
const TRIES = 2;

export interface XksClientOptions {
  readonly post: Pick<PostClient, "post">;
  readonly custody: Pick<Custody, "signForProxy">;
  readonly settings: KeyStoreSettings;
  readonly meter: KeyStoreMeter;
  /** The machine's: proxies compare times with their own. */
  readonly machineClock: Clock;
}

/** @throws XksError by every request that comes to nothing */
export class XksClient {
  readonly settings: KeyStoreSettings;
  readonly #options: XksClientOptions;

  constructor(options: XksClientOptions) {
    this.#options = options;
    this.settings = options.settings;
  }

  /**
   * Asks whether proxy and external key manager are well. (GetHealthStatus)
   *
   * @throws XksError also where every instance of the external key manager is unavailable
   */
  async health(store: ExternalStore, metadata: Pick<RequestMetadata, "kmsOperation" | "kmsRequestId">): Promise<void> {
    const states = await this.#ask(store, "GetHealthStatus", { metadata, path: "/health", read: healthOf });
    this.#options.meter.health(store.id, states);
    if (isUnavailable(states)) throw new XksError("unhealthy");
  }

  /** What the external key is. (GetKeyMetadata) */
  async keyMetadata(store: ExternalStore, xksKeyId: string, metadata: RequestMetadata): Promise<ExternalKey> {
    const path = `/keys/${xksKeyId}/metadata`;
    return await this.#ask(store, "GetKeyMetadata", { metadata, path, read: externalKeyOf });
  }

  /** Encrypts what is encrypted already under the external key. (Encrypt) */
  async encrypt(
    store: ExternalStore,
    xksKeyId: string,
    input: { readonly plaintext: Uint8Array; readonly aad: Uint8Array; readonly metadata: RequestMetadata },
  ): Promise<ExternalCiphertext> {
    const { plaintext, aad, metadata } = input;
    return await this.#ask(store, "Encrypt", {
      metadata,
      path: `/keys/${xksKeyId}/encrypt`,
      members: {
        plaintext: plaintext.toBase64(),
        encryptionAlgorithm: "AES_GCM",
        additionalAuthenticatedData: aad.toBase64(),
        ciphertextDataIntegrityValueAlgorithm: "SHA_256",
      },
      read: (members) => ciphertextOf(members, { plaintextBytes: plaintext.length, aad }),
    });
  }

  /** The other way. (Decrypt) */
  async decrypt(
    store: ExternalStore,
    xksKeyId: string,
    input: { readonly outer: ExternalCiphertext; readonly aad: Uint8Array; readonly metadata: RequestMetadata },
  ): Promise<Uint8Array> {
    const { outer, aad, metadata } = input;
    return await this.#ask(store, "Decrypt", {
      metadata,
      path: `/keys/${xksKeyId}/decrypt`,
      members: {
        ciphertext: outer.ciphertext.toBase64(),
        encryptionAlgorithm: "AES_GCM",
        initializationVector: outer.iv.toBase64(),
        authenticationTag: outer.tag.toBase64(),
        additionalAuthenticatedData: aad.toBase64(),
        ...(outer.metadata.length > 0 && { ciphertextMetadata: outer.metadata.toBase64() }),
      },
      read: (members) => plaintextOf(members, outer.ciphertext.length),
    });
  }

  async #ask<T>(store: ExternalStore, xksOperation: Exchange["xksOperation"], request: Asked<T>): Promise<T> {
    const { meter } = this.#options;
    const { metadata, path, members = {}, read } = request;
    const body = JSON.stringify({ requestMetadata: metadata, ...members });
    const spent = { ms: 0 };
    const note = (error?: XksError): void =>
      meter.exchanged({
        keyStoreId: store.id,
        kmsOperation: metadata.kmsOperation,
        xksOperation,
        errorType: error === undefined ? "N/A" : error.failure.retryable ? "Retryable errors" : "Non-retryable errors",
        exceptionName: error?.failure.exception ?? "None",
        latencyMs: spent.ms,
      });
    try {
      const result = read(membersOf(await this.#send(store, { path: store.path + path, body, spent })));
      note();
      return result;
    } catch (cause) {
      if (cause instanceof XksError) note(cause);
      throw cause;
    }
  }

  /** @param request.spent takes what all tries took together */
  async #send(
    store: ExternalStore,
    { path, body, spent }: { readonly path: string; readonly body: string; readonly spent: { ms: number } },
  ): Promise<PostAnswer> {
    const { post, settings, meter } = this.#options;
    const place = placeOf(store, settings);
    if (place === undefined && store.connectivity === "VPC_ENDPOINT_SERVICE") throw new XksError("unreachable");
    for (let tries = 1; ; tries += 1) {
      try {
        const answer = await post.post({
          url: store.endpoint + path,
          ...(place && { place }),
          headers: { ...(await this.#sign(store, path, body)), "content-type": "application/json" },
          body,
          timeoutMs: settings.timeoutMs,
        });
        spent.ms += answer.elapsedMs;
        if (answer.certificate !== undefined) meter.certificate(store.id, answer.certificate);
        return answer;
      } catch (cause) {
        if (!(cause instanceof PostError)) throw cause;
        spent.ms += cause.kind === "late" ? settings.timeoutMs : cause.elapsedMs;
        if (cause.kind === "late" && tries < TRIES) continue;
        throw new XksError(causes[cause.kind], { cause });
      }
    }
  }

  /** SigV4 with the proxy's credential, at the time of sending (XKS proxy API specification, Authentication). */
  async #sign(store: ExternalStore, path: string, body: string): Promise<Readonly<Record<string, string>>> {
    const { custody, machineClock } = this.#options;
    const { basic } = timestampOf(Math.floor(machineClock.now() / 1000));
    const headers = { host: hostOf(store.endpoint), "x-amz-date": basic };
    const date = basic.slice(0, 8);
    const request = { method: "POST", target: path, headers, body: new Uint8Array(0) };
    const payload = { signedHeaders: SIGNED_HEADERS, payloadHash: sha256(body), presigned: false };
    const scope = `${date}/${store.region}/kms-xks-proxy/aws4_request`;
    const stringToSign = `AWS4-HMAC-SHA256\n${basic}\n${scope}\n${sha256(canonicalRequest(request, payload) ?? "")}`;
    const signature = await custody.signForProxy(secretOf(store), { date, stringToSign });
    return {
      ...headers,
      authorization: `AWS4-HMAC-SHA256 Credential=${store.access_key_id}/${scope}, SignedHeaders=${SIGNED_HEADERS}, Signature=${signature}`,
    };
  }
}

interface Asked<T> {
  readonly metadata: RequestMetadata;
  /** After the store's own. */
  readonly path: string;
  readonly members?: Readonly<Record<string, string>>;
  read(members: Readonly<Record<string, unknown>>): T;
}

const causes = {
  refused: "unreachable",
  unreachable: "unreachable",
  tls: "tls",
  late: "late",
  unfit: "uninterpretable",
} as const;

/** The sealed secret of a key store as custody takes it. */
export function secretOf({ account, region, id, access_key_id, revision, secret }: ExternalStore) {
  return { account, region, keyStoreId: id, accessKeyId: access_key_id, revision, sealed: secret };
}

function isUnavailable({ ACTIVE, DEGRADED }: KeyManagerStates): boolean {
  return ACTIVE + DEGRADED === 0;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
