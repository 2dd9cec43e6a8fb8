/** Seed files: accounts with their users and roles, keys, aliases and tags that a development server begins with; local-kms's files are read as well. */

import { parse as parseYaml } from "yaml";
import { z } from "zod";
import { printPrincipalIds } from "../access/principals.ts";
import { findPartition } from "../base/arn.ts";
import { asKeyId } from "../base/ids.ts";
import type { Custody } from "../custody/custody.ts";
import { RESERVED_PREFIX } from "../kms/aws-managed.ts";
import { defaultKeyPolicy } from "../kms/key-policies.ts";
import { insertKeyWithMaterial, materialOwner, newKeyRow } from "../kms/keys.ts";
import { copyMaterials, insertReplica } from "../kms/replicas.ts";
import { scheduleRotation } from "../kms/rotation.ts";
import { insertAlias } from "../storage/aliases.ts";
import { updateKey } from "../storage/keys.ts";
import type { KeyRow } from "../storage/schema.ts";
import type { Tx } from "../storage/store.ts";
import { upsertTags } from "../storage/tags.ts";
import { addAccount, DEV_ACCOUNT, ensureAccount } from "./accounts.ts";
import { UsageError } from "./options.ts";
import type { ServerParts } from "./parts.ts";
import { plantIdentities, policyOf, principalsOf, seedAccessKey, seedIdentities } from "./seed-identities.ts";

const accountId = z.string().regex(/^[0-9]{12}$/, "an account id has 12 digits");
const regionName = z.string().refine((region) => findPartition(region) !== undefined, "no Region of AWS");
const keyId = z.string().refine((id) => asKeyId(id) !== undefined, "a key id is a UUID, or mrk- and 32 hex digits");
const aliasName = z
  .string()
  .regex(/^alias\/[a-zA-Z0-9/_-]{1,250}$/, "an alias is alias/ and letters, digits, / _ -")
  .refine((name) => !name.startsWith(RESERVED_PREFIX), "alias/aws/ is reserved for AWS managed keys");
const tagKey = z
  .string()
  .min(1)
  .max(128)
  .refine((key) => !key.toLowerCase().startsWith("aws:"), "tags beginning with aws: are reserved");
const hexMaterial = z.string().regex(/^(?:[0-9a-fA-F]{32}){1,2}$/, "material is 32 bytes in hex");

const seedKey = z
  .strictObject({
    id: keyId,
    account: accountId.default(DEV_ACCOUNT.id),
    region: regionName.default("us-east-1"),
    spec: z.literal("SYMMETRIC_DEFAULT", "a seed file makes SYMMETRIC_DEFAULT keys only").default("SYMMETRIC_DEFAULT"),
    description: z.string().max(8192).default(""),
    policy: policyOf("resource").optional(),
    enabled: z.boolean().default(true),
    rotation: z.boolean().default(false),
    material: hexMaterial.optional(),
    aliases: z.array(aliasName).default([]),
    tags: z.record(tagKey, z.string().max(256)).default({}),
  })
  .refine(({ material, region }) => material === undefined || material.length === 2 * materialBytes(region), {
    path: ["material"],
    message: "material is 32 bytes in hex, in China Regions 16",
  });

/** Keys of China Regions are SM4. */
function materialBytes(region: string): number {
  return findPartition(region) === "aws-cn" ? 16 : 32;
}

const seedFile = z.strictObject({
  accounts: z
    .array(
      z
        .strictObject({
          id: accountId,
          name: z.string().default("seeded"),
          credentials: z.array(seedAccessKey).default([]),
          ...seedIdentities,
        })
        .superRefine(({ credentials, users, roles }, context) => {
          if (credentials.length + users.length + roles.length > 0) return;
          const message = "an account needs an access key, a user or a role";
          context.addIssue({ code: "custom", path: ["credentials"], message });
        }),
    )
    .default([]),
  keys: z
    .array(seedKey)
    .superRefine((keys, context) => {
      const names = keys.map(({ region, id }) => `${id} in ${region}`);
      const twice = names.find((name, index) => names.indexOf(name) !== index);
      if (twice !== undefined) context.addIssue({ code: "custom", message: `the key ${twice} is there twice` });
      for (const key of keys) {
        const problem = problemOfReplica(key, keys.find(({ id }) => id === key.id) ?? key);
        if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
      }
    })
    .default([]),
});

type SeedKey = z.output<typeof seedKey>;

/**
 * What is wrong with a key as the replica of the first one of its id, or undefined. A multi-Region key that is in the file again
 * in another Region is a replica of the first, and shares account, partition, material and rotation with it.
 */
function problemOfReplica(key: SeedKey, first: SeedKey): string | undefined {
  if (key === first || !isMultiRegion(key)) return undefined;
  const isEqual =
    key.account === first.account &&
    findPartition(key.region) === findPartition(first.region) &&
    key.material === first.material &&
    key.rotation === first.rotation;
  if (isEqual) return undefined;
  return `the key ${key.id} in ${key.region} must have the account, partition, material and rotation of that in ${first.region}`;
}

function isMultiRegion({ id }: SeedKey): boolean {
  return id.startsWith("mrk-");
}

/** local-kms: `Keys.Symmetric.Aes[]` with hex BackingKeys, and `Aliases[]`; account and Region are its defaults. */
const localKmsFile = z
  .strictObject({
    Keys: z
      .object({
        Symmetric: z
          .object({
            Aes: z
              .array(
                z.object({
                  Metadata: z.object({
                    Origin: z.literal("AWS_KMS", "a seed file makes keys of origin AWS_KMS only").optional(),
                    KeyId: keyId,
                    Description: z.string().optional(),
                    Enabled: z.boolean().optional(),
                  }),
                  BackingKeys: z.array(hexMaterial).min(1),
                  NextKeyRotation: z.union([z.string(), z.date()]).optional(),
                  Tags: z.array(z.object({ TagKey: z.string(), TagValue: z.string() })).optional(),
                }),
              )
              .default([]),
          })
          .optional(),
        Asymmetric: z.undefined("a seed file makes symmetric encryption keys only").optional(),
      })
      .default({}),
    Aliases: z.array(z.object({ AliasName: aliasName, TargetKeyId: keyId })).default([]),
  })
  .superRefine(({ Keys, Aliases }, context) => {
    const ids = new Set((Keys.Symmetric?.Aes ?? []).map(({ Metadata }) => Metadata.KeyId));
    Aliases.forEach(({ AliasName, TargetKeyId }, index) => {
      if (ids.has(TargetKeyId)) return;
      context.addIssue({
        code: "custom",
        path: ["Aliases", index],
        message: `${AliasName} is of a key that is not in the file`,
      });
    });
  });

/** local-kms answers in this Region unless KMS_REGION says otherwise. */
const LOCAL_KMS_REGION = "eu-west-2";

/** A seed file that was read and found good. */
export interface Seed {
  /** Puts what the file describes into a store; keys that are there already are left alone. */
  plant(parts: ServerParts, now: number): Promise<void>;
}

/**
 * Reads a seed file.
 *
 * @param environment local-kms's variables KMS_ACCOUNT_ID and KMS_REGION hold for its files
 * @throws UsageError the file is no YAML, or not of one of the two forms; names every place that is wrong
 */
export function parseSeed(text: string, environment: NodeJS.ProcessEnv = process.env): Seed {
  const document = yamlOf(text);
  const isLocalKms = typeof document === "object" && document !== null && ("Keys" in document || "Aliases" in document);
  if (isLocalKms) {
    const file = checked(localKmsFile, document);
    return seedOf({ accounts: [], keys: keysOfLocalKms(file, environment) });
  }
  return seedOf(checked(seedFile, document ?? {}));
}

function yamlOf(text: string): unknown {
  try {
    return parseYaml(text, { maxAliasCount: 100 });
  } catch (cause) {
    throw new UsageError(`The seed file is not YAML: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

function checked<T>(form: z.ZodType<T>, document: unknown): T {
  const result = form.safeParse(document);
  if (result.success) return result.data;
  const places = result.error.issues.map(({ path, message }) => `  ${path.join(".") || "(top)"}: ${message}`);
  throw new UsageError(`The seed file is not right:\n${places.join("\n")}`);
}

function keysOfLocalKms(file: z.output<typeof localKmsFile>, environment: NodeJS.ProcessEnv): SeedKey[] {
  const account = environment["KMS_ACCOUNT_ID"] ?? DEV_ACCOUNT.id;
  const region = environment["KMS_REGION"] ?? LOCAL_KMS_REGION;
  return (file.Keys.Symmetric?.Aes ?? []).map(({ Metadata, BackingKeys, NextKeyRotation, Tags = [] }) =>
    checked(seedKey, {
      id: Metadata.KeyId,
      account,
      region,
      description: Metadata.Description ?? "",
      enabled: Metadata.Enabled ?? true,
      rotation: NextKeyRotation !== undefined,
      material: BackingKeys.at(-1),
      aliases: file.Aliases.filter(({ TargetKeyId }) => TargetKeyId === Metadata.KeyId).map(
        ({ AliasName }) => AliasName,
      ),
      tags: Object.fromEntries(Tags.map(({ TagKey, TagValue }) => [TagKey, TagValue])),
    }),
  );
}

function seedOf({ accounts, keys }: z.output<typeof seedFile>): Seed {
  return {
    async plant(parts, now) {
      for (const { id, name, credentials } of accounts) {
        await parts.store.transaction((tx) => addAccount(tx, { id, name }, now));
        for (const credential of credentials) await ensureAccount(parts, { id, name, credential }, now);
      }
      await plantIdentities(accounts, parts, now);
      for (const key of keys) {
        const related = keys.filter(({ id, region }) => isMultiRegion(key) && id === key.id && region !== key.region);
        await plantKey(key, related, parts, now);
      }
    },
  };
}

/** @param related the keys in other Regions that it shares its id with: one of them that is there is what it is made from */
async function plantKey(
  key: SeedKey,
  related: readonly SeedKey[],
  { store, custody }: ServerParts,
  now: number,
): Promise<void> {
  const { id, account, region } = key;
  const there = await store.settle((reader) => ({
    account: reader.find("account", account),
    key: reader.find("key", region, id),
    // Whom a key policy names may come later: as with --unknown-principals allow, nobody can be them yet.
    named: key.policy === undefined ? undefined : principalsOf(key.policy, "resource", reader),
    related: related.map((other) => reader.find("key", other.region, id)),
  }));
  if (there.account === undefined)
    throw new UsageError(`The seed file has a key of account ${account}, but no such account.`);
  if (there.key !== undefined) return;
  const partition = findPartition(region) ?? "aws";
  const policy = key.policy ?? defaultKeyPolicy({ partition, account });
  const row = newKeyRow({
    partition,
    region,
    account,
    keyId: id,
    description: key.description,
    policy,
    ...(there.named !== undefined && { policyPrincipals: printPrincipalIds(there.named.ids) }),
    rotationEnabled: key.rotation,
    multiRegion: isMultiRegion(key),
    now,
  });
  const relative = there.related.find((found) => found !== undefined);
  const insert = await (relative === undefined
    ? newKey(key, row, custody)
    : newReplica(row, relative, { store, custody }));
  await store.transaction(async (tx) => {
    const stored = await insert(tx);
    if (!key.enabled) await updateKey(tx, stored, { state: "Disabled" });
    const tags = Object.entries(key.tags).map(([name, value]) => ({ key: name, value }));
    if (tags.length > 0) await upsertTags(tx, { region, keyId: id }, tags);
    for (const name of key.aliases) {
      if (!(await insertAlias(tx, { region, account, name, key_id: id, created_at: now, updated_at: now }))) {
        throw new UsageError(`The seed file gives ${name} to two keys of account ${account} in ${region}.`);
      }
    }
  });
}

/** What adds a key with its material; sealing comes before the transaction. */
async function newKey(key: SeedKey, row: KeyRow, custody: Custody): Promise<(tx: Tx) => Promise<KeyRow>> {
  const owner = materialOwner(row);
  const material =
    key.material === undefined
      ? await custody.createMaterial(owner)
      : await custody.importMaterial(owner, Uint8Array.fromHex(key.material));
  return async (tx) => {
    const stored = await insertKeyWithMaterial(tx, row, material, row.created_at);
    if (key.rotation) await scheduleRotation(tx, stored, row.created_at);
    return stored;
  };
}

/** What adds a replica to a set of keys, from one of them, with copies of its material. */
async function newReplica(
  { region, description, policy, policy_principals, state, created_at }: KeyRow,
  relative: KeyRow,
  { store, custody }: Pick<ServerParts, "store" | "custody">,
): Promise<(tx: Tx) => Promise<KeyRow>> {
  const materials = await copyMaterials({ db: store.db, custody }, relative, region);
  const own = { region, description, policy, policy_principals, state, created_at };
  return (tx) => insertReplica(tx, relative, { ...own, materials });
}
