/** Users, roles, managed policies and identity providers of seed files: what they look like, and how they are planted. */

import { z } from "zod";
import { findNamedPrincipals, type NamedPrincipals, printPrincipalIds } from "../access/principals.ts";
import { newUniqueId } from "../identity/credentials.ts";
import { type PolicyKind, PolicySyntaxError, parsePolicy } from "../policy/document.ts";
import { requireIdentityPolicy } from "../policy/identity-policies.ts";
import { compilePolicy } from "../policy/policy.ts";
import { insertIdentity, nameKeyOf, updateIdentity } from "../storage/identities.ts";
import { attachPolicy, insertIamTags, putInlinePolicy } from "../storage/identity-policies.ts";
import type { IdentityRow } from "../storage/identity-schema.ts";
import { insertManagedPolicy } from "../storage/managed-policies.ts";
import { insertOidcProvider } from "../storage/oidc-providers.ts";
import type { Reader, Tx } from "../storage/store.ts";
import { type AccessKey, ensureUserKey } from "./accounts.ts";
import { UsageError } from "./options.ts";
import type { ServerParts } from "./parts.ts";

/** Seeded identities are written in the `aws` partition. */
const IAM = "arn:aws:iam::";

/** A policy as JSON text or as YAML, good for what it is put on. */
export function policyOf(kind: PolicyKind) {
  return z
    .union([z.string(), z.looseObject({})])
    .transform((policy) => (typeof policy === "string" ? policy : JSON.stringify(policy)))
    .superRefine((text, context) => {
      try {
        if (kind === "identity") requireIdentityPolicy(text, "inline");
        else compilePolicy(text, kind);
      } catch (cause) {
        if (!(cause instanceof PolicySyntaxError)) throw cause;
        context.addIssue({ code: "custom", message: cause.message });
      }
    });
}

const name = z.string().regex(/^[\w+=,.@-]{1,64}$/, "a name has up to 64 letters, digits and + = , . @ _ -");
const path = z.string().regex(/^\/(?:[!-~]*\/)?$/, "a path begins and ends with /");
const policyArn = z.string().regex(/^arn:aws:iam::(?:[0-9]{12}|aws):policy\/\S+$/, "no ARN of a managed policy");

/** An access key of a seed file. */
export const seedAccessKey = z.strictObject({
  accessKeyId: z.string().min(1).max(128),
  secretAccessKey: z.string().min(1).max(128),
});

const common = {
  name,
  path: path.default("/"),
  inline: z.record(name, policyOf("identity")).default({}),
  managed: z.array(policyArn).default([]),
  boundary: policyArn.optional(),
  tags: z.record(z.string().min(1).max(128), z.string().max(256)).default({}),
};

/** What an account of a seed file may hold beside its root user's access keys. */
export const seedIdentities = {
  policies: z.array(z.strictObject({ name, path: path.default("/"), document: policyOf("identity") })).default([]),
  users: z.array(z.strictObject({ ...common, accessKeys: z.array(seedAccessKey).default([]) })).default([]),
  roles: z
    .array(
      z.strictObject({
        ...common,
        trust: policyOf("trust"),
        maxSessionSeconds: z.number().int().min(3_600).max(43_200).default(3_600),
      }),
    )
    .default([]),
  identityProviders: z
    .array(
      z.strictObject({
        url: z.string().regex(/^https?:\/\/[^/\s?#]+(?:\/[^\s?#]*)?$/, "an issuer's URL begins with https://"),
        clientIds: z.array(z.string().min(1).max(255)).min(1),
      }),
    )
    .default([]),
};

const seedAccount = z.object({ id: z.string(), ...seedIdentities });
type SeedAccount = z.output<typeof seedAccount>;
type SeedIdentity = SeedAccount["users"][number] | SeedAccount["roles"][number];

/**
 * Plants the users, roles, policies and providers of accounts that are there; those that are there already are left alone,
 * but for the secrets of access keys. Trust policies may name users and roles that stand further down in the file.
 *
 * @throws UsageError a trust policy names somebody who is not here
 */
export async function plantIdentities(
  accounts: readonly SeedAccount[],
  parts: ServerParts,
  now: number,
): Promise<void> {
  const { store } = parts;
  const planted: { readonly id: string; readonly trust: string }[] = [];
  await store.transaction(async (tx) => {
    for (const account of accounts) {
      for (const policy of account.policies) await plantPolicy(tx, account.id, policy, now);
      for (const user of account.users) await plantIdentity(tx, newRow("user", account.id, user, now), user);
      for (const role of account.roles) {
        const row = newRow("role", account.id, role, now);
        if (await plantIdentity(tx, row, role)) planted.push({ id: row.unique_id, trust: role.trust });
      }
      for (const provider of account.identityProviders) await plantProvider(tx, account.id, provider, now);
    }
    for (const { id, trust } of planted) {
      const { ids, unknown } = await tx.settle((reader) => principalsOf(trust, "trust", reader));
      if (unknown.length > 0) throw new UsageError(`The seed file has a role for ${unknown[0]}, who is not here.`);
      const trust_principals = printPrincipalIds(ids);
      await updateIdentity(tx, id, { trust_policy: trust, trust_principals });
    }
  });
  for (const { id: account, users } of accounts) {
    for (const user of users) {
      for (const key of user.accessKeys) await plantKeyOfUser(parts, { account, name: user.name, key }, now);
    }
  }
}

/** Whom a policy names: the unique ids of users and roles that are here, and who is not. */
export function principalsOf(text: string, kind: PolicyKind, reader: Reader): NamedPrincipals {
  const { statements } = parsePolicy(text, kind);
  const names = statements.flatMap(({ principals }) => [...(principals?.aws ?? [])]);
  return findNamedPrincipals(names, reader, undefined);
}

function newRow(kind: "user" | "role", account: string, identity: SeedIdentity, now: number): IdentityRow {
  return {
    unique_id: newUniqueId(kind === "user" ? "AIDA" : "AROA"),
    account,
    kind,
    name: identity.name,
    name_key: nameKeyOf(identity.name),
    path: identity.path,
    created_at: now,
    boundary: identity.boundary ?? null,
    trust_policy: null,
    trust_principals: "{}",
    description: null,
    max_session_seconds: "maxSessionSeconds" in identity ? identity.maxSessionSeconds : null,
    linked_service: null,
  };
}

async function plantIdentity(tx: Tx, row: IdentityRow, { inline, managed, tags }: SeedIdentity): Promise<boolean> {
  if (!(await insertIdentity(tx, row))) return false;
  const id = row.unique_id;
  for (const [policyName, document] of Object.entries(inline)) {
    await putInlinePolicy(tx, id, { name: policyName, document });
  }
  for (const arn of managed) await attachPolicy(tx, id, arn);
  await insertIamTags(
    tx,
    id,
    Object.entries(tags).map(([key, value]) => ({ key, value })),
  );
  return true;
}

async function plantPolicy(
  tx: Tx,
  account: string,
  policy: SeedAccount["policies"][number],
  now: number,
): Promise<void> {
  const row = {
    arn: `${IAM}${account}:policy${policy.path}${policy.name}`,
    account,
    policy_id: newUniqueId("ANPA"),
    name: policy.name,
    name_key: nameKeyOf(policy.name),
    path: policy.path,
    description: null,
    default_version: 1,
    newest_version: 1,
    created_at: now,
    updated_at: now,
  };
  await insertManagedPolicy(tx, row, { document: policy.document, tags: [] });
}

async function plantProvider(
  tx: Tx,
  account: string,
  { url, clientIds }: SeedAccount["identityProviders"][number],
  now: number,
): Promise<void> {
  const bare = url.replace(/^https?:\/\//, "");
  const lists = { client_ids: JSON.stringify(clientIds), thumbprints: "[]" };
  const row = { arn: `${IAM}${account}:oidc-provider/${bare}`, account, url: bare, ...lists, created_at: now };
  await insertOidcProvider(tx, row, []);
}

async function plantKeyOfUser(
  parts: ServerParts,
  { account, name: userName, key }: { readonly account: string; readonly name: string; readonly key: AccessKey },
  now: number,
): Promise<void> {
  const user = await parts.store.settle((reader) => {
    const entry = reader.find("identityName", account, "user", nameKeyOf(userName));
    return entry && reader.find("identity", entry.unique_id);
  });
  if (user === undefined) throw new Error("A user that was planted is not there.");
  await ensureUserKey(parts, user, key, now);
}
