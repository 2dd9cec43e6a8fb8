/** Who sends AssumeRoleWithWebIdentity, which nobody signs: whom the token says, once it is verified. */

import { IDPRejectedClaimException, ValidationException } from "../../base/errors.ts";
import type { Principal, WebIdentityPrincipal } from "../../identity/principal.ts";
import type { ProviderKeys } from "../../identity/session.ts";
import type { UnsignedContext } from "../../pipeline/operation.ts";
import type { Store } from "../../storage/store.ts";
import type { IdentityToken, RegisteredProvider } from "../identity-tokens.ts";
import type { Environment } from "./operation.ts";
import { accountOfRole, type SessionRequestInput } from "./roles.ts";

/** As the model requires it. */
export interface WebIdentityInput {
  readonly RoleArn: string;
  readonly WebIdentityToken: string;
  readonly ProviderId?: string;
}

const TAGS_CLAIM = "https://aws.amazon.com/tags";
const SOURCE_IDENTITY_CLAIM = "https://aws.amazon.com/source_identity";

/** The model's constraints of tagListType, tagKeyType, tagValueType and sourceIdentityType, which hold for claims as well. */
const TAGS_MAX = 50;
const TAG_KEY = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/u;
const TAG_VALUE = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u;
const SOURCE_IDENTITY = /^[\w+=,.@-]{2,64}$/;

/**
 * The caller of AssumeRoleWithWebIdentity: the subject of a token whose issuer the role's account has registered.
 *
 * @throws ServiceError whatever is wrong with the token (identity-tokens.ts); the role need not exist for that
 */
export async function identify(
  { RoleArn, WebIdentityToken, ProviderId }: WebIdentityInput,
  { identityTokens, store, partition }: Environment & UnsignedContext,
): Promise<WebIdentityPrincipal> {
  const account = accountOfRole(RoleArn);
  if (ProviderId !== undefined) {
    throw new ValidationException("ProviderId is for OAuth 2.0 access tokens, which are not supported.");
  }
  const tokens = await identityTokens();
  const token = await tokens.verify(WebIdentityToken, (url) => findProvider(store, account, url));
  const { provider, subject, audience } = token;
  const principal: WebIdentityPrincipal = {
    kind: "web-identity",
    account,
    partition,
    accountArn: `arn:${partition}:iam::${account}:root`,
    arn: provider.arn,
    uniqueId: `${provider.arn}:${audience}:${subject}`,
    accessKeyId: "",
    federated: provider.arn,
    subject,
    audience,
    providerKeys: providerKeys(token),
  };
  fromTokens.set(principal, sessionOfToken(token));
  return principal;
}

/** What the token of a caller asks for its session, beside what the request says. */
const fromTokens = new WeakMap<Principal, SessionRequestInput>();

const NOTHING: SessionRequestInput = {};

/** Session tags and the source identity that a caller's token brings (IAM guide, Passing session tags using AssumeRoleWithWebIdentity). */
export function tagsOfToken(principal: Principal): SessionRequestInput {
  return fromTokens.get(principal) ?? NOTHING;
}

/** @throws IDPRejectedClaimException a tag or the source identity is not as the API would take it */
function sessionOfToken({ claims }: IdentityToken): SessionRequestInput {
  const sourceIdentity = claims[SOURCE_IDENTITY_CLAIM];
  const { principal_tags: tags, transitive_tag_keys: transitive } = asRecord(claims[TAGS_CLAIM]);
  const Tags = Object.entries(asRecord(tags)).map(([Key, value]) => ({ Key, Value: textsOf(value)[0] ?? "" }));
  if (Tags.length > TAGS_MAX || !Tags.every(({ Key, Value }) => TAG_KEY.test(Key) && TAG_VALUE.test(Value))) {
    throw new IDPRejectedClaimException(`The token's ${TAGS_CLAIM} claim does not hold.`);
  }
  if (sourceIdentity !== undefined && !SOURCE_IDENTITY.test(String(sourceIdentity))) {
    throw new IDPRejectedClaimException(`The token's ${SOURCE_IDENTITY_CLAIM} claim does not hold.`);
  }
  return {
    Tags,
    TransitiveTagKeys: textsOf(transitive),
    ...(sourceIdentity !== undefined && { SourceIdentity: String(sourceIdentity) }),
  };
}

/** The condition keys `<host and path>:aud`, `:sub` and `:amr` (IAM guide, Available keys for AWS OIDC federation). */
function providerKeys({ provider, subject, audience, claims }: IdentityToken): ProviderKeys {
  const name = provider.url.toLowerCase();
  const amr = textsOf(claims["amr"]);
  return {
    [`${name}:aud`]: audience,
    [`${name}:sub`]: subject,
    ...(amr.length > 0 && { [`${name}:amr`]: amr }),
  };
}

async function findProvider(store: Store, account: string, url: string): Promise<RegisteredProvider | undefined> {
  const query = store.db.selectFrom("oidc_provider").selectAll();
  const row = await query.where("account", "=", account).where("url", "=", url).executeTakeFirst();
  return row && { arn: row.arn, url: row.url, clientIds: textsOf(JSON.parse(row.client_ids)) };
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject ? (value as Readonly<Record<string, unknown>>) : {};
}

function textsOf(value: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.filter((item) => typeof item === "string");
}
