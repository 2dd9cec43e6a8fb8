/** The names by which a caller may mean a key or an alias, and the only parsers that take them. */

import { asArn, formatArn } from "../base/arn.ts";
import { InvalidArnException, NotFoundException, type ServiceError, ValidationException } from "../base/errors.ts";
import { type AliasName, asKeyId, type KeyId } from "../base/ids.ts";
import type { Call } from "../pipeline/operation.ts";

/** Which forms a parameter takes (API reference; spec 01, Key identifiers). */
export interface Forms {
  readonly alias: boolean;
  /** Whether a key of another account may be meant; where not, one is as if it were absent. */
  readonly crossAccount: boolean;
  /** RetireGrant with a grant id takes the key ARN alone. */
  readonly arnOnly?: boolean;
  /** What an alias is told where none is taken; `aliasNotTaken` when not given. */
  readonly refuseAlias?: () => ServiceError;
}

/** Key id, key ARN, alias name and alias ARN: cryptographic operations, DescribeKey, GetPublicKey. */
export const anyIdentifier: Forms = { alias: true, crossAccount: true };
/** Key id and key ARN of the caller's own account: management. */
export const keyIdOrArn: Forms = { alias: false, crossAccount: false };
/** Key id and key ARN of any account: grants, GetKeyRotationStatus. */
export const keyIdOrArnAnywhere: Forms = { alias: false, crossAccount: true };
/** What an alias may stand for; the text is in getmoto/moto's tests of CreateAlias and, as of 2026, in cdk-preflight. */
export const targetOfAlias: Forms = {
  ...keyIdOrArn,
  refuseAlias: () => new ValidationException("Aliases must refer to keys. Not aliases"),
};

/** A name that a caller gave, with whose it is; a bare id or alias name is always the caller's own. */
export type KeyName = { readonly account: string; readonly region: string } & (
  | { readonly kind: "id"; readonly id: KeyId }
  | { readonly kind: "alias"; readonly alias: AliasName }
);

/**
 * Parses an identifier of one of `forms`. The texts are those that public test suites recorded on AWS.
 *
 * @throws NotFoundException it is no identifier at all, or names another Region
 * @throws InvalidArnException it is an ARN of something else, or an alias where none is taken (of `targetOfAlias`
 *   ValidationException)
 */
export function parseKeyName(text: string, forms: Forms, { region, partition, principal }: Call): KeyName {
  const own = { account: principal.account, region };
  if (text.startsWith("arn:")) return parseArn(text, forms, region, partition);
  if (text.startsWith("alias/")) {
    requireAliasForm(forms);
    return { ...own, kind: "alias", alias: text as AliasName };
  }
  const id = asKeyId(text);
  if (forms.arnOnly === true) throw invalidArn(text);
  if (id === undefined) throw new NotFoundException(`Invalid keyId '${text}'`);
  return { ...own, kind: "id", id };
}

function parseArn(text: string, forms: Forms, region: string, partition: string): KeyName {
  const arn = asArn(text);
  if (arn === undefined || arn.service !== "kms" || !/^[0-9]{12}$/.test(arn.account)) throw invalidArn(text);
  // Recorded on AWS: an ARN of another Region is answered with NotFoundException "Invalid arn <its Region>".
  if (arn.region !== region || arn.partition !== partition) throw new NotFoundException(`Invalid arn ${arn.region}`);
  const owner = { account: arn.account, region };
  if (arn.resource.startsWith("alias/")) {
    requireAliasForm(forms);
    return { ...owner, kind: "alias", alias: arn.resource as AliasName };
  }
  if (!arn.resource.startsWith("key/")) throw invalidArn(text);
  const keyId = arn.resource.slice("key/".length);
  const id = asKeyId(keyId);
  if (id === undefined) throw new NotFoundException(`Invalid keyId ${keyId}`);
  return { ...owner, kind: "id", id };
}

function requireAliasForm({ alias, refuseAlias = aliasNotTaken }: Forms): void {
  if (!alias) throw refuseAlias();
}

function aliasNotTaken(): InvalidArnException {
  return new InvalidArnException("Key Aliases are not supported for this operation.");
}

function invalidArn(text: string): InvalidArnException {
  return new InvalidArnException(`Invalid arn ${text}`);
}

/** The ARN of a key. */
export function keyArn({ partition, region, account, keyId }: KeyOwner & { keyId: string }): string {
  return formatArn({ partition, service: "kms", region, account, resource: `key/${keyId}` });
}

/** The ARN of an alias; `name` has its prefix. */
export function aliasArn({ partition, region, account, name }: KeyOwner & { name: string }): string {
  return formatArn({ partition, service: "kms", region, account, resource: name });
}

interface KeyOwner {
  readonly partition: string;
  readonly region: string;
  readonly account: string;
}
