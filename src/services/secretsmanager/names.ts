/** Names of secrets: what may be one, what a request means by one, and the ARN that it stands for. */

import { randomInt } from "node:crypto";
import { asArn, formatArn } from "../../base/arn.ts";
import { ValidationException } from "../../base/errors.ts";
import type { Call } from "../../pipeline/operation.ts";
import type { Reader, Secret } from "../../storage/store.ts";

const RESOURCE = "secret:";
const SUFFIX_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const SUFFIX_LENGTH = 6;
const WITH_SUFFIX = /^(.+)-[A-Za-z0-9]{6}$/s;
/** What stands for the six characters that nobody knows yet. */
const UNKNOWN_SUFFIX = "?".repeat(SUFFIX_LENGTH);

/** The ARN of a secret that is to be; two secrets of one name, one after the other, have different ones. */
export function newSecretArn(call: Call, name: string): string {
  const letter = () => SUFFIX_LETTERS.charAt(randomInt(SUFFIX_LETTERS.length));
  return secretArn(call, name, Array.from({ length: SUFFIX_LENGTH }, letter).join(""));
}

function secretArn({ partition, region, principal }: Call, name: string, suffix: string): string {
  const resource = `${RESOURCE}${name}-${suffix}`;
  return formatArn({ partition, service: "secretsmanager", region, account: principal.account, resource });
}

/** What a request means by a secret: whose it is, and the ARN on which it is authorized where there is none. */
export interface MeantSecret {
  readonly account: string;
  readonly arn: string;
  readonly secret: Secret | undefined;
}

/**
 * Finds the secret that a request names: by its name, by its ARN, or by its ARN without the six characters (Secrets Manager guide,
 * Finding a secret from a partial ARN). What ends like a whole ARN is taken for one (recorded by public test suites).
 */
export function findMeant(secretId: string, call: Call, reader: Reader): MeantSecret {
  const { region, principal } = call;
  const arn = asArn(secretId);
  if (arn === undefined) {
    const secret = reader.find("secret", region, principal.account, secretId);
    return { account: principal.account, arn: secret?.arn ?? secretArn(call, secretId, UNKNOWN_SUFFIX), secret };
  }
  const absent = { account: arn.account, arn: secretId, secret: undefined };
  const isHere = arn.service === "secretsmanager" && arn.region === region && arn.resource.startsWith(RESOURCE);
  if (!isHere) return absent;
  const text = arn.resource.slice(RESOURCE.length);
  const [, name] = WITH_SUFFIX.exec(text) ?? [];
  const secret = reader.find("secret", region, arn.account, name ?? text);
  const isOther = name !== undefined && secret?.arn !== secretId;
  return secret === undefined || isOther ? absent : { account: secret.account, arn: secret.arn, secret };
}

/** What is told of a secret that need not be there, by its name or ARN. */
export function absentSecret(secretId: string, call: Call): { readonly ARN: string; readonly Name: string } {
  const arn = asArn(secretId);
  if (arn === undefined) return { ARN: newSecretArn(call, secretId), Name: secretId };
  const text = arn.resource.replace(RESOURCE, "");
  return { ARN: secretId, Name: WITH_SUFFIX.exec(text)?.[1] ?? text };
}

/** The ARN on which making a secret is authorized. */
export function arnToBe(call: Call, name: string): string {
  return secretArn(call, name, UNKNOWN_SUFFIX);
}

/** @throws ValidationException what can't be the name of a secret, nor its ARN (recorded by public test suites) */
export function requireSecretId(text: string): void {
  if (/^[A-Za-z0-9/_+=.@!-]+$/.test(asArn(text)?.resource.replace(RESOURCE, "") ?? text)) return;
  throw new ValidationException(
    "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
  );
}
