/**
 * Names that refer to secrets of Secrets Manager: they are read there, in the caller's name (Systems Manager guide, Referencing Secrets
 * Manager secrets from Parameter Store parameters).
 */

import type { GetSecretValueResponse } from "@aws-sdk/client-secrets-manager";
import type { Parameter } from "@aws-sdk/client-ssm";
import { ServiceError, ValidationException } from "../../base/errors.ts";
import type { Call } from "../../pipeline/operation.ts";
import { ParameterNotFound } from "./errors.ts";

const PREFIX = "/aws/reference/secretsmanager/";

/** Which value of a secret is read. */
interface Wanted {
  readonly SecretId: string;
  readonly VersionId?: string;
  readonly VersionStage?: string;
}

/** What a name refers to: `/aws/reference/secretsmanager/<secret>`, and maybe a version or a label after a colon. */
export interface SecretReference {
  /** Without what is after the colon. */
  readonly name: string;
  readonly selector: string;
  readonly input: Wanted;
}

/** Reads a secret for a caller, through Secrets Manager, with a record there. */
export type ReadSecret = (input: Wanted, call: Call) => Promise<GetSecretValueResponse>;

/** Returns what a name refers to, or undefined when it is a parameter's. */
export function asSecretReference(text: string): SecretReference | undefined {
  if (!text.startsWith(PREFIX)) return undefined;
  const [name = "", ...rest] = text.split(":");
  const SecretId = name.slice(PREFIX.length);
  const selector = rest.join(":");
  if (selector === "") return { name, selector: "", input: { SecretId } };
  const isId = /^[0-9a-zA-Z-]{32,64}$/.test(selector);
  const version = isId ? { VersionId: selector } : { VersionStage: selector };
  return { name, selector: `:${selector}`, input: { SecretId, ...version } };
}

/**
 * A secret as a parameter; the members, and what the errors say, are as users and public test suites recorded them.
 *
 * @throws ValidationException without decryption
 * @throws ParameterNotFound there is no such secret, or no such version
 */
export async function readReference(
  { name, selector, input }: SecretReference,
  withDecryption: boolean | undefined,
  { call, readSecret }: { readonly call: Call; readonly readSecret: ReadSecret },
): Promise<Parameter> {
  if (withDecryption !== true) {
    throw new ValidationException("WithDecryption flag must be True for retrieving a Secret Manager secret.");
  }
  const { ARN, CreatedDate, SecretString, SecretBinary, ...secret } = await found(readSecret(input, call), name);
  const value = SecretString ?? SecretBinary?.toBase64() ?? "";
  const source = {
    ARN,
    name: secret.Name,
    versionId: secret.VersionId,
    ...(SecretString === undefined ? { secretBinary: value } : { secretString: value }),
    versionStages: secret.VersionStages,
    createdDate: CreatedDate && shownDate(CreatedDate),
  };
  return {
    Name: name,
    Type: "SecureString",
    Value: value,
    Version: 0,
    ...(selector !== "" && { Selector: selector }),
    SourceResult: JSON.stringify(source),
    LastModifiedDate: CreatedDate,
    ARN,
  };
}

async function found(reading: Promise<GetSecretValueResponse>, name: string): Promise<GetSecretValueResponse> {
  try {
    return await reading;
  } catch (cause) {
    if (!(cause instanceof ServiceError) || cause.code !== "ResourceNotFoundException") throw cause;
    throw new ParameterNotFound(
      `An error occurred (ParameterNotFound) when referencing Secrets Manager: Secret ${name} not found.`,
    );
  }
}

/** Such as `Oct 14, 2021, 10:18:47 AM`. */
function shownDate(date: Date): string {
  return new Intl.DateTimeFormat("en-US", { dateStyle: "medium", timeStyle: "medium", timeZone: "UTC" })
    .format(date)
    .replaceAll("\u202f", " ");
}
