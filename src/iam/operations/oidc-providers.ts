/** Create, get, list, change and delete OpenID Connect providers: whose tokens may be exchanged for sessions of roles. */

import type { Kysely } from "kysely";
import { formatArn } from "../../base/arn.ts";
import {
  EntityAlreadyExistsException,
  InvalidInputException,
  NoSuchEntityException,
  ValidationException,
} from "../../base/errors.ts";
import { listIamTags } from "../../storage/identity-policies.ts";
import type { OidcProviderRow } from "../../storage/identity-schema.ts";
import {
  deleteOidcProvider,
  findOidcProvider,
  insertOidcProvider,
  listOidcProviders,
  updateOidcProvider,
} from "../../storage/oidc-providers.ts";
import type { Schema } from "../../storage/schema.ts";
import { tagConditions } from "../conditions.ts";
import { describeTags, shortestFirst, wholeSeconds } from "../descriptions.ts";
import { change, type Locator, read } from "../operation.ts";
import { requireQuota } from "../quotas.ts";
import { type IamResource, oidcProvider, under } from "../resources.ts";
import { hasTags, requireTags, tagsOf } from "../tags.ts";

/** Thumbprints of one provider (API reference, CreateOpenIDConnectProvider). */
const THUMBPRINTS_MAX = 5;

/**
 * The URL of a provider without `https://`: the name in its ARN.
 *
 * @throws ValidationException without a scheme, as recorded on IAM
 * @throws InvalidInputException not `https`, or with a user, a port, a query or a fragment
 */
function providerName(text: string): string {
  const invalid = "Invalid Open ID Connect Provider URL";
  const url = URL.parse(text);
  if (url === null || !text.includes("://")) throw new ValidationException(invalid);
  if (url.protocol !== "https:" || !/^https:\/\//i.test(text)) {
    throw new InvalidInputException(`${invalid}. The URL must begin with https://.`);
  }
  const name = text.slice("https://".length).replace(/\/$/, "");
  const isPlain = url.username + url.password + url.port + url.search + url.hash === "";
  if (!isPlain || !/^[A-Za-z0-9.-]+(?:\/[\w.~/-]+)?$/.test(name)) throw new InvalidInputException(`${invalid}.`);
  return name;
}

/** Thumbprints as a row keeps them: IAM makes their letters small. */
function printThumbprints(thumbprints: readonly string[]): string {
  return JSON.stringify(thumbprints.map((thumbprint) => thumbprint.toLowerCase()));
}

/** @throws InvalidInputException more than five, as recorded on IAM */
function requireThumbprintCount(thumbprints: readonly string[]): void {
  if (thumbprints.length <= THUMBPRINTS_MAX) return;
  throw new InvalidInputException(`Thumbprint list must contain fewer than ${THUMBPRINTS_MAX} entries.`);
}

function providerArn(
  name: string,
  { account, partition }: { readonly account: string; readonly partition: string },
): string {
  return formatArn({ partition, service: "iam", region: "", account, resource: `oidc-provider/${name}` });
}

const newProvider: Locator<IamResource> = {
  resolve({ Url }, { principal: { account }, partition }) {
    const arn = providerArn(providerName(String(Url)), { account, partition });
    return { kind: "found", resource: { arn, account, tags: [] } };
  },
};

/**
 * Makes a provider known (API reference, CreateOpenIDConnectProvider). Nothing is fetched: without thumbprints its certificate
 * has to be one that the machine trusts.
 *
 * @throws EntityAlreadyExistsException the account has a provider of that URL
 */
export const createOpenIDConnectProvider = change("CreateOpenIDConnectProvider", {
  targets: [
    { as: "provider", action: "iam:CreateOpenIDConnectProvider", resource: newProvider },
    { as: "tagged", action: "iam:TagOpenIDConnectProvider", resource: newProvider, when: hasTags },
  ],
  conditions: tagConditions,
  validate({ ClientIDList = [], ThumbprintList = [], Tags }) {
    requireTags(Tags, { ignoreCase: false });
    requireThumbprintCount(ThumbprintList);
    requireQuota("ClientIdsPerOpenIdConnectProvider", ClientIDList.length);
  },
  async run({ Url, ClientIDList = [], ThumbprintList = [], Tags }, { provider: { arn, account }, call, tx }) {
    const row = {
      arn,
      account,
      url: providerName(Url),
      client_ids: JSON.stringify(ClientIDList),
      thumbprints: printThumbprints(ThumbprintList),
      created_at: call.now,
    };
    const tags = tagsOf(Tags);
    if (!(await insertOidcProvider(tx, row, tags))) {
      throw new EntityAlreadyExistsException(`Provider with url ${Url} already exists.`);
    }
    requireQuota("OpenIdConnectProvidersPerAccount", (await listOidcProviders(tx.db, account)).length);
    return { OpenIDConnectProviderArn: arn, ...(tags.length > 0 && { Tags: describeTags(tags) }) };
  },
});

/** @throws NoSuchEntityException as recorded on IAM */
async function requireProvider(db: Kysely<Schema>, arn: string): Promise<OidcProviderRow> {
  const row = await findOidcProvider(db, arn);
  if (row === undefined) throw new NoSuchEntityException(`OpenIDConnect Provider not found for arn ${arn}`);
  return row;
}

/** @throws NoSuchEntityException worded as recorded of DeleteOpenIDConnectProvider; operations on tags say the same */
export async function requireTaggedProvider(db: Kysely<Schema>, arn: string): Promise<void> {
  if ((await findOidcProvider(db, arn)) === undefined) throw noProvider(arn);
}

function noProvider(arn: string): NoSuchEntityException {
  return new NoSuchEntityException(`OpenId connect Provider ${arn} cannot be found.`);
}

/** A provider with what it was made with, and its tags. */
export const getOpenIDConnectProvider = read("GetOpenIDConnectProvider", {
  targets: [{ as: "provider", action: "iam:GetOpenIDConnectProvider", resource: oidcProvider }],
  async run(_input, { provider: { arn }, store }) {
    const row = await requireProvider(store.db, arn);
    return {
      Url: row.url,
      ClientIDList: clientIdsOf(row),
      ThumbprintList: JSON.parse(row.thumbprints) as string[],
      CreateDate: wholeSeconds(row.created_at),
      Tags: describeTags(shortestFirst(await listIamTags(store.db, arn))),
    };
  },
});

export const listOpenIDConnectProviders = read("ListOpenIDConnectProviders", {
  targets: [{ as: "providers", action: "iam:ListOpenIDConnectProviders", resource: under("oidc-provider") }],
  async run(_input, { call, store }) {
    const rows = await listOidcProviders(store.db, call.principal.account);
    return { OpenIDConnectProviderList: rows.map(({ arn }) => ({ Arn: arn })) };
  },
});

/** Replaces all thumbprints of a provider. */
export const updateOpenIDConnectProviderThumbprint = change("UpdateOpenIDConnectProviderThumbprint", {
  targets: [{ as: "provider", action: "iam:UpdateOpenIDConnectProviderThumbprint", resource: oidcProvider }],
  validate: ({ ThumbprintList }) => requireThumbprintCount(ThumbprintList),
  async run({ ThumbprintList }, { provider: { arn }, tx }) {
    await requireProvider(tx.db, arn);
    await updateOidcProvider(tx, arn, { thumbprints: printThumbprints(ThumbprintList) });
    return {};
  },
});

/** Lets tokens for one more client in; one that is let in already stays. */
export const addClientIDToOpenIDConnectProvider = change("AddClientIDToOpenIDConnectProvider", {
  targets: [{ as: "provider", action: "iam:AddClientIDToOpenIDConnectProvider", resource: oidcProvider }],
  async run({ ClientID }, { provider: { arn }, tx }) {
    const ids = clientIdsOf(await requireProvider(tx.db, arn));
    if (ids.includes(ClientID)) return {};
    requireQuota("ClientIdsPerOpenIdConnectProvider", ids.length + 1);
    await updateOidcProvider(tx, arn, { client_ids: JSON.stringify([...ids, ClientID]) });
    return {};
  },
});

/** Lets tokens for a client in no more; one that is not let in is passed over. */
export const removeClientIDFromOpenIDConnectProvider = change("RemoveClientIDFromOpenIDConnectProvider", {
  targets: [{ as: "provider", action: "iam:RemoveClientIDFromOpenIDConnectProvider", resource: oidcProvider }],
  async run({ ClientID }, { provider: { arn }, tx }) {
    const ids = clientIdsOf(await requireProvider(tx.db, arn)).filter((id) => id !== ClientID);
    await updateOidcProvider(tx, arn, { client_ids: JSON.stringify(ids) });
    return {};
  },
});

function clientIdsOf({ client_ids }: OidcProviderRow): string[] {
  return JSON.parse(client_ids) as string[];
}

/** @throws NoSuchEntityException as recorded on IAM */
export const deleteOpenIDConnectProvider = change("DeleteOpenIDConnectProvider", {
  targets: [{ as: "provider", action: "iam:DeleteOpenIDConnectProvider", resource: oidcProvider }],
  async run(_input, { provider: { arn }, tx }) {
    if (!(await deleteOidcProvider(tx, arn))) throw noProvider(arn);
    return {};
  },
});
