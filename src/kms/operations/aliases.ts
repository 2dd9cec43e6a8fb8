/** CreateAlias, UpdateAlias, DeleteAlias and ListAliases. */

import {
  AlreadyExistsException,
  InvalidAliasNameException,
  LimitExceededException,
  NotAuthorizedException,
  ValidationException,
} from "../../base/errors.ts";
import type { Call } from "../../pipeline/operation.ts";
import {
  countAliasesOfKey,
  deleteAlias as deleteAliasRow,
  insertAlias,
  listAliases as listAliasRows,
  updateAlias as updateAliasRow,
} from "../../storage/aliases.ts";
import type { AliasRow } from "../../storage/schema.ts";
import type { Tx } from "../../storage/store.ts";
import { predefinedAliases, RESERVED_PREFIX } from "../aws-managed.ts";
import { aliasArn, keyIdOrArn, targetOfAlias } from "../identifiers.ts";
import { findAlgorithms } from "../key-specs.ts";
import { anyState, manageable } from "../key-states.ts";
import { change, read } from "../operation.ts";
import { page, requireLimit } from "../pages.ts";
import { holdLabels } from "../propagation.ts";
import { limitOf } from "../quotas/limits.ts";
import { aliasesQuota } from "../quotas/resource-quotas.ts";
import { account, alias, type Key, key, keyOfAlias, newAlias } from "../resources.ts";

/**
 * Gives a key of the same account and Region a name (API reference, CreateAlias).
 *
 * @throws AlreadyExistsException the account has that alias in that Region
 * @throws NotAuthorizedException the name is reserved for AWS managed keys
 */
export const createAlias = change("CreateAlias", {
  targets: [
    { as: "alias", action: "kms:CreateAlias", resource: newAlias("AliasName") },
    { as: "key", action: "kms:CreateAlias", resource: key("TargetKeyId", targetOfAlias), states: manageable },
  ],
  record: {
    readOnly: false,
    request: ["AliasName", "TargetKeyId"],
    response: (_output, { key }) => ({ KeyId: key.arn }),
    resources: ["key", "alias"],
  },
  validate: ({ AliasName }) => requireAliasName(AliasName),
  async run({ AliasName }, { call, key, alias, tx }) {
    requireOwnKey(key, call.principal.account);
    await holdLabels(tx, key.row, call);
    const row = aliasRow(AliasName, key, call.now);
    if (!(await insertAlias(tx, row))) {
      throw new AlreadyExistsException(`An alias with the name ${alias.arn} already exists`);
    }
    await requireAliasCount(tx, key, call);
    return {};
  },
});

/**
 * Points an alias to another key of the same kind and usage (API reference, UpdateAlias).
 *
 * @throws ValidationException the keys differ in kind (symmetric, asymmetric, HMAC) or usage
 */
export const updateAlias = change("UpdateAlias", {
  targets: [
    { as: "alias", action: "kms:UpdateAlias", resource: alias("AliasName") },
    { as: "current", action: "kms:UpdateAlias", resource: keyOfAlias("AliasName"), states: anyState },
    { as: "key", action: "kms:UpdateAlias", resource: key("TargetKeyId", targetOfAlias), states: manageable },
  ],
  record: {
    readOnly: false,
    request: ["AliasName", "TargetKeyId"],
    response: (_output, { key }) => ({ KeyId: key.arn }),
    resources: ["alias", "key"],
  },
  validate: ({ AliasName }) => requireAliasName(AliasName),
  async run({ AliasName }, { call, current, key, tx }) {
    requireOwnKey(key, call.principal.account);
    requireSameKind(current, key);
    for (const { row } of [current, key]) await holdLabels(tx, row, call);
    const { region, account } = key.row;
    await updateAliasRow(tx, { region, account, name: AliasName }, { key_id: key.id, updated_at: call.now });
    await requireAliasCount(tx, key, call);
    return {};
  },
});

/** Removes a name; the key is not touched (API reference, DeleteAlias). */
export const deleteAlias = change("DeleteAlias", {
  targets: [
    { as: "alias", action: "kms:DeleteAlias", resource: alias("AliasName") },
    { as: "key", action: "kms:DeleteAlias", resource: keyOfAlias("AliasName"), states: anyState },
  ],
  record: {
    readOnly: false,
    request: ["AliasName"],
    response: (_output, { key }) => ({ KeyId: key.arn }),
    resources: ["alias", "key"],
  },
  validate: ({ AliasName }) => requireAliasName(AliasName),
  async run({ AliasName }, { call, key, tx }) {
    await holdLabels(tx, key.row, call);
    const { region, account } = key.row;
    await deleteAliasRow(tx, { region, account, name: AliasName });
    return {};
  },
});

const sizes = { initial: 50, max: 100 };

/** The aliases of the account and Region, predefined AWS ones included, or those of one key (API reference, ListAliases). */
export const listAliases = read("ListAliases", {
  targets: [
    { as: "account", action: "kms:ListAliases", resource: account },
    {
      as: "key",
      action: undefined,
      resource: key("KeyId", keyIdOrArn),
      when: ({ KeyId }: { readonly KeyId?: string }) => KeyId !== undefined,
    },
  ],
  record: { readOnly: true, request: ["KeyId", "Limit", "Marker"], resources: [] },
  validate: (input) => requireLimit(input, sizes),
  async run(input, context) {
    const { partition, region, principal } = context.call;
    const owner = { region, account: principal.account };
    const keyId = input.KeyId === undefined ? undefined : context.key.id;
    const { items, ...rest } = await page(input, context, {
      sizes,
      filter: keyId ?? "",
      async list(after, count) {
        const rows = await listAliasRows(
          context.store.db,
          { ...owner, ...(keyId !== undefined && { keyId }) },
          { after, count },
        );
        return keyId === undefined ? withPredefined(rows, after).slice(0, count) : rows;
      },
      nameOf: ({ name }) => name,
    });
    return { Aliases: items.map((item) => entryOf(item, aliasArn({ partition, ...owner, name: item.name }))), ...rest };
  },
});

type ListedAlias = AliasRow | { readonly name: string };

/** Merges the predefined aliases that have no key yet into a page of rows, in the order of names. */
function withPredefined(rows: readonly AliasRow[], after = ""): readonly ListedAlias[] {
  const taken = new Set(rows.map(({ name }) => name));
  const missing = predefinedAliases.filter((name) => name > after && !taken.has(name)).map((name) => ({ name }));
  return [...rows, ...missing].sort((left, right) => (left.name < right.name ? -1 : 1));
}

function entryOf(item: ListedAlias, AliasArn: string) {
  if (!("key_id" in item)) return { AliasName: item.name, AliasArn };
  return {
    AliasName: item.name,
    AliasArn,
    TargetKeyId: item.key_id,
    CreationDate: new Date(item.created_at),
    LastUpdatedDate: new Date(item.updated_at),
  };
}

function aliasRow(name: string, { row, id }: Key, now: number): AliasRow {
  return { region: row.region, account: row.account, name, key_id: id, created_at: now, updated_at: now };
}

/**
 * The first text is recorded on AWS (spec 09), the second by badmintoncryer/cdk-preflight (rules/kms, real deployments of
 * September 2026); the model's pattern also lets `:` through, which AWS refuses in the words of hashicorp/terraform-provider-aws,
 * issue 12891.
 */
function requireAliasName(name: string): void {
  if (!name.startsWith("alias/")) {
    throw new ValidationException(
      'Alias must start with the prefix "alias/". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html',
    );
  }
  if (name.startsWith(RESERVED_PREFIX)) {
    throw new NotAuthorizedException("The alias name for a customer managed CMK cannot begin with alias/aws/.");
  }
  if (name.includes(":")) throw new ValidationException(`${name} contains invalid characters for an alias`);
  if (name === "alias/") throw new InvalidAliasNameException();
}

/** An alias and its key are of one account. */
function requireOwnKey({ account, arn }: Key, callerAccount: string): void {
  if (account !== callerAccount) throw new ValidationException(`${arn} is not in account ${callerAccount}.`);
}

function requireSameKind(current: Key, next: Key): void {
  if (kindOf(current) === kindOf(next) && current.row.usage === next.row.usage) return;
  throw new ValidationException(
    `Alias cannot be updated from a key of usage ${current.row.usage} and spec ${current.row.spec} to one of usage ${next.row.usage} and spec ${next.row.spec}.`,
  );
}

function kindOf({ row: { spec, usage } }: Key): "symmetric" | "asymmetric" | "hmac" {
  if (findAlgorithms(spec, usage)?.MacAlgorithms !== undefined) return "hmac";
  return spec === "SYMMETRIC_DEFAULT" ? "symmetric" : "asymmetric";
}

/** Counted once the alias is there, as keys are; the text is one that users report (scylladb/scylla-cluster-tests, pull request 7634). */
async function requireAliasCount(tx: Tx, { row, id }: Key, call: Call): Promise<void> {
  const most = await tx.settle((reader) => limitOf(aliasesQuota, row, call, reader));
  const count = await countAliasesOfKey(tx, { region: row.region, keyId: id });
  if (count <= most) return;
  throw new LimitExceededException(
    `Aliases per key quota for this account in this region is ${most}, current usage is ${count - 1}.`,
  );
}
