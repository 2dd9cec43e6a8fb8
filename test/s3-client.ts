/** What tests of S3 need: clients, callers, raw signed requests. */

import { createHash } from "node:crypto";
import { Agent } from "node:http";
import { Sha256 } from "@aws-crypto/sha256-js";
import { S3, type S3ClientConfig } from "@aws-sdk/client-s3";
import { SignatureV4 } from "@smithy/signature-v4";
import { type AccessKey, type Answer, send } from "./faults/signed-requests.ts";
import { type IamWorld, type Person, startIamWorld } from "./iam-world.ts";
import { present, REGION } from "./kms-client.ts";

/** A user with a client of S3. */
export interface S3Person extends Person {
  readonly s3: S3;
}

/** A request that is signed as it is written here. */
export interface RawRequest {
  readonly method?: string;
  /** Path and query, encoded. */
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly key?: AccessKey;
  /** Of the signature's scope. */
  readonly region?: string;
}

/** A running server with clients of S3. */
export interface S3World extends IamWorld {
  /** The first account's root user, by paths. */
  readonly s3: S3;
  s3Client(credentials?: AccessKey, options?: S3ClientConfig): S3;
  s3Person(name: string, statements: readonly object[], account?: string): Promise<S3Person>;
  /** Signs and sends; what is signed for the payload is its hash unless a header says otherwise. */
  rawS3(request: RawRequest): Promise<Answer & { readonly text: string }>;
  /** A link that lets whoever has it send a request. */
  presignS3(request: Omit<RawRequest, "body">, expiresIn: number): Promise<string>;
}

/** Starts a server for one test file. */
export async function startS3World(args: readonly string[] = []): Promise<S3World> {
  const world = await startIamWorld(args);
  const { endpoint, credentials } = world.server;
  const made: { destroy(): void }[] = [];
  const s3Client: S3World["s3Client"] = (key = credentials, options = {}) => {
    const client = new S3({
      endpoint,
      region: REGION,
      credentials: key,
      forcePathStyle: true,
      maxAttempts: 1,
      ...options,
    });
    made.push(client);
    return client;
  };
  const stop = async (): Promise<void> => {
    for (const client of made) client.destroy();
    await world.stop();
  };
  return {
    ...world,
    s3: s3Client(),
    s3Client,
    async s3Person(name, allow, account) {
      const person = await world.person(name, { allow, ...(account !== undefined && { account }) });
      const iam = account === undefined ? world.iam : world.otherIam;
      const { AccessKey } = await iam.createAccessKey({ UserName: name });
      const { AccessKeyId = "", SecretAccessKey = "" } = present(AccessKey);
      return { ...person, s3: s3Client({ accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey }) };
    },
    async rawS3({ method = "GET", target, headers = {}, body = "", key = credentials, region }) {
      const bytes = Buffer.from(body);
      const all = {
        host: new URL(endpoint).host,
        "x-amz-content-sha256": createHash("sha256").update(bytes).digest("hex"),
        "content-length": String(bytes.length),
        ...headers,
      };
      const signed = await signerOf(key, region).sign({ ...partsOf(target), method, headers: all, body: bytes });
      const answer = await send(endpoint, { method, path: target, headers: signed.headers, body: bytes });
      return { ...answer, text: answer.body.toString("utf8") };
    },
    async presignS3({ method = "GET", target, headers = {}, key = credentials, region }, expiresIn) {
      const all = { host: new URL(endpoint).host, "x-amz-content-sha256": "UNSIGNED-PAYLOAD", ...headers };
      const { path, query = {} } = await signerOf(key, region).presign(
        { ...partsOf(target), method, headers: all },
        { expiresIn },
      );
      return `${endpoint}${path}?${new URLSearchParams(query as Record<string, string>).toString().replaceAll("+", "%20")}`;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function signerOf(credentials: AccessKey, region = REGION): SignatureV4 {
  return new SignatureV4({ service: "s3", region, credentials, sha256: Sha256, uriEscapePath: false });
}

/** A target as the signer takes it. */
function partsOf(target: string) {
  const [path = "", query = ""] = target.split("?");
  const pairs = Object.fromEntries(new URLSearchParams(query.replaceAll("+", "%2B")));
  return { protocol: "http:", hostname: "127.0.0.1", path, query: pairs };
}

/** Connects every host to this machine, as a resolver does for names under `localhost`. */
export function localAgent(): Agent {
  return new Agent({ lookup: (_host, _options, found) => found(null, [{ address: "127.0.0.1", family: 4 }]) });
}
