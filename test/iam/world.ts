/** What tests of IAM and STS need: a server with users and roles in two accounts, clients for each, and its records. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KMS } from "@aws-sdk/client-kms";
import { type Credentials, STS } from "@aws-sdk/client-sts";
import { type DevServer, startDevServer } from "../dev-server.ts";
import { present, REGION, Records } from "../kms-client.ts";

/** Credentials as SDK clients take them. */
export interface SdkCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** An access key of a seed file, made from a name. */
export function seededKey(name: string): SdkCredentials {
  return {
    accessKeyId: `AKIASEEDED${name.toUpperCase().padStart(10, "X")}`,
    secretAccessKey: `secret/of/${name}/of/the/seed/file`,
  };
}

/** A statement of an identity policy. */
export function allow(action: string | readonly string[], more: object = {}): object {
  return { Effect: "Allow", Action: action, Resource: "*", ...more };
}

/** A policy of these statements, as seeds and requests take it. */
export function policy(...statements: readonly object[]): { Version: string; Statement: readonly object[] } {
  return { Version: "2012-10-17", Statement: statements };
}

/** A statement of a trust policy. */
export function trusts(principal: object | string, more: object = {}): object {
  return { Effect: "Allow", Principal: principal, Action: "sts:AssumeRole", ...more };
}

/** A running server with what a seed describes (JSON is YAML). */
export interface IamWorld extends AsyncDisposable {
  readonly server: DevServer;
  readonly records: Records;
  kms(credentials: SdkCredentials, region?: string): KMS;
  sts(credentials: SdkCredentials, region?: string): STS;
  stop(): Promise<void>;
}

/** Starts a server with a seed. */
export async function startIamWorld(seed: object, args: readonly string[] = []): Promise<IamWorld> {
  const folder = mkdtempSync(join(tmpdir(), "keystead-iam-"));
  const [seedFile, auditLog] = [join(folder, "seed.yaml"), join(folder, "audit.jsonl")];
  writeFileSync(seedFile, JSON.stringify(seed));
  const server = await startDevServer({ args: ["--seed", seedFile, "--audit-log", auditLog, ...args] });
  const clients: { destroy(): void }[] = [];
  const keep = <C extends { destroy(): void }>(client: C): C => {
    clients.push(client);
    return client;
  };
  const stop = async (): Promise<void> => {
    for (const client of clients) client.destroy();
    await server.stop();
    rmSync(folder, { recursive: true });
  };
  const { endpoint } = server;
  return {
    server,
    records: new Records(auditLog),
    kms: (credentials, region = REGION) => keep(new KMS({ endpoint, region, credentials, maxAttempts: 1 })),
    sts: (credentials, region = REGION) => keep(new STS({ endpoint, region, credentials, maxAttempts: 1 })),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Credentials that STS answered, for the next client. */
export function sessionOf(output: { readonly Credentials?: Credentials | undefined }): Required<SdkCredentials> {
  const { AccessKeyId, SecretAccessKey, SessionToken } = present(output.Credentials);
  return {
    accessKeyId: present(AccessKeyId),
    secretAccessKey: present(SecretAccessKey),
    sessionToken: present(SessionToken),
  };
}
