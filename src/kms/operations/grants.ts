/** CreateGrant, ListGrants, ListRetirableGrants, RetireGrant and RevokeGrant. */

import type { GrantListEntry } from "@aws-sdk/client-kms";
import { findNamedPrincipals } from "../../access/principals.ts";
import { LimitExceededException, ValidationException } from "../../base/errors.ts";
import { newGrantId } from "../../base/ids.ts";
import type { Call } from "../../pipeline/operation.ts";
import type { PrincipalIds } from "../../policy/policy.ts";
import {
  countGrantsOfKey,
  deleteGrant,
  findGrantsOfName,
  insertGrant,
  listGrantsOfKey,
  listGrantsOfRetirer,
} from "../../storage/grants.ts";
import type { GrantRow } from "../../storage/schema.ts";
import type { Store, Tx } from "../../storage/store.ts";
import { createGrantConditions, retireGrantConditions, serviceGrantCondition } from "../grant-conditions.ts";
import { type Constraints, constraintsOf, requireConstraints, requireConstraintsOfKey } from "../grant-constraints.ts";
import { requireGrantOperations, requireOperationsOfKey } from "../grant-operations.ts";
import { requireKnownParties, requireParties } from "../grant-principals.ts";
import {
  grantOfKey,
  requireGrantId,
  requireRetiring,
  requireTokenOrName,
  retirableGrant,
  retiringPrincipal,
} from "../grant-resources.ts";
import { newGrantToken } from "../grant-tokens.ts";
import { grantListEntry } from "../grants.ts";
import { keyIdOrArnAnywhere } from "../identifiers.ts";
import { anyState, grantable } from "../key-states.ts";
import { change, read } from "../operation.ts";
import { page, requireLimit } from "../pages.ts";
import { limitOf } from "../quotas/limits.ts";
import { grantsQuota } from "../quotas/resource-quotas.ts";
import { type Key, key } from "../resources.ts";
import type { Input } from "../shapes.ts";

/**
 * Makes a grant, or finds the one that the same request with the same name has made (API reference, CreateGrant). The token
 * is new each time.
 *
 * A caller whose permission comes from a grant can pass on what that grant has and no more: see `findGrant`.
 *
 * @throws ValidationException see grant-principals.ts, grant-operations.ts, grant-constraints.ts
 * @throws InvalidArnException the ARN of nobody who can be named in a grant
 * @throws LimitExceededException the key has as many grants as it may
 */
export const createGrant = change("CreateGrant", {
  targets: [{ as: "key", action: "kms:CreateGrant", resource: key("KeyId", keyIdOrArnAnywhere), states: grantable }],
  conditions: createGrantConditions,
  record: {
    readOnly: false,
    request: ({ KeyId, GrantTokens: _tokens, ...input }) => ({ KeyId, ...input }),
    response: ({ GrantId }, { key }) => ({ GrantId, KeyId: key.arn }),
    resources: ["key"],
  },
  dryRun: true,
  validate(input, { partition }) {
    requireParties(input, partition);
    requireGrantOperations(input.Operations);
    requireConstraints(constraintsOf(input));
  },
  async check(input, { call, key, tx, unknownPrincipals }) {
    requireConstraintsOfKey(constraintsOf(input), key);
    requireOperationsOfKey(input.Operations, key);
    const ids = await requireKnownParties(tx, input, unknownPrincipals);
    if ((await findSameGrant(tx, rowOf(input, key, call, ids))) === undefined) await requireRoom(tx, key, call);
  },
  async run(input, { call, key, tx, unknownPrincipals }) {
    const row = rowOf(input, key, call, await requireKnownParties(tx, input, unknownPrincipals));
    const same = await findSameGrant(tx, row);
    if (same === undefined) await insertGrant(tx, row);
    const GrantId = same?.grant_id ?? row.grant_id;
    return { GrantToken: newGrantToken(GrantId), GrantId };
  },
});

/** The row of a new grant. Operations keep their order; one that is named twice counts once. */
function rowOf(input: Input<"CreateGrant">, { row, id }: Key, { principal, now }: Call, ids: PrincipalIds): GrantRow {
  const { GranteePrincipal, GranteeServicePrincipal, RetiringPrincipal, RetiringServicePrincipal } = input;
  return {
    region: row.region,
    grant_id: newGrantId(),
    key_id: id,
    key_account: row.account,
    partition: row.partition,
    issuing_account: principal.account,
    grantee: GranteePrincipal ?? GranteeServicePrincipal ?? "",
    grantee_id: ids.get(GranteePrincipal ?? "") ?? null,
    grantee_is_service: GranteeServicePrincipal === undefined ? 0 : 1,
    retirer: RetiringPrincipal ?? RetiringServicePrincipal ?? null,
    retirer_id: ids.get(RetiringPrincipal ?? "") ?? null,
    retirer_is_service: RetiringServicePrincipal === undefined ? 0 : 1,
    operations: JSON.stringify([...new Set(input.Operations)]),
    constraints: constraintsText(constraintsOf(input)),
    name: input.Name ?? "",
    created_at: now,
  };
}

/** One text for constraints that mean the same: members and pairs in one order. */
function constraintsText(constraints: Constraints): string | null {
  if (constraints === undefined) return null;
  const { EncryptionContextEquals, EncryptionContextSubset, SourceArn } = constraints;
  const sorted = (context: Record<string, string> | undefined) =>
    context && Object.fromEntries(Object.entries(context).sort(([left], [right]) => (left < right ? -1 : 1)));
  const text = JSON.stringify({
    EncryptionContextEquals: sorted(EncryptionContextEquals),
    EncryptionContextSubset: sorted(EncryptionContextSubset),
    SourceArn,
  });
  return text === "{}" ? null : text;
}

/** The grant that an identical request has made; without a name none is the same as another. */
async function findSameGrant(tx: Tx, row: GrantRow): Promise<GrantRow | undefined> {
  if (row.name === "") return undefined;
  const found = await findGrantsOfName(tx, { region: row.region, keyId: row.key_id }, row.name);
  return found.find((other) => identityOf(other) === identityOf(row));
}

function identityOf({ grant_id: _id, created_at: _at, operations, ...properties }: GrantRow): string {
  const sorted = (JSON.parse(operations) as string[]).sort();
  return JSON.stringify([sorted, Object.entries(properties).sort(([left], [right]) => (left < right ? -1 : 1))]);
}

async function requireRoom(tx: Tx, { row, id }: Key, call: Call): Promise<void> {
  if (row.manager === "AWS") return;
  const most = await tx.settle((reader) => limitOf(grantsQuota, row, call, reader));
  if ((await countGrantsOfKey(tx, { region: row.region, keyId: id })) < most) return;
  throw new LimitExceededException(`A KMS key can have at most ${most} grants.`);
}

const sizes = { initial: 50, max: 100 };

/** The grants on a key: all, one, or those of one grantee (API reference, ListGrants). */
export const listGrants = read("ListGrants", {
  targets: [{ as: "key", action: "kms:ListGrants", resource: key("KeyId", keyIdOrArnAnywhere), states: anyState }],
  conditions: serviceGrantCondition,
  record: {
    readOnly: true,
    request: ["KeyId", "GrantId", "GranteePrincipal", "GranteeServicePrincipal", "Marker", "Limit"],
    resources: ["key"],
  },
  validate(input) {
    requireLimit(input, sizes);
    if (input.GrantId !== undefined) requireGrantId(input.GrantId);
    if (input.GranteePrincipal !== undefined && input.GranteeServicePrincipal !== undefined) {
      throw new ValidationException(
        "You can specify either GranteePrincipal or GranteeServicePrincipal, but not both.",
      );
    }
  },
  async run(input, context) {
    const { key, store } = context;
    const { GrantId, GranteePrincipal, GranteeServicePrincipal } = input;
    const grantee = GranteePrincipal ?? GranteeServicePrincipal;
    const filter = {
      ...(GrantId !== undefined && { grantId: GrantId }),
      ...(grantee !== undefined && {
        grantee,
        granteeId: await uniqueIdOf(grantee, store),
        isService: GranteePrincipal === undefined,
      }),
    };
    const name = { region: key.row.region, keyId: key.id };
    const { items, ...rest } = await page(input, context, {
      sizes,
      filter: JSON.stringify([key.id, filter]),
      list: (after, count) => listGrantsOfKey(store.db, { ...name, ...filter }, { after, count }),
      nameOf: ({ grant_id }) => grant_id,
    });
    return { Grants: await entriesOf(items, store), ...rest };
  },
});

/**
 * The grants of a Region that a principal of the caller's account is named to retire, on keys of every account (API
 * reference, ListRetirableGrants).
 */
export const listRetirableGrants = read("ListRetirableGrants", {
  targets: [{ as: "principal", action: "kms:ListRetirableGrants", resource: retiringPrincipal }],
  record: {
    readOnly: true,
    request: ["RetiringPrincipal", "RetiringServicePrincipal", "Marker", "Limit"],
    resources: [],
  },
  validate(input) {
    requireLimit(input, sizes);
    requireRetiring(input);
  },
  async run(input, context) {
    const { call, principal, store } = context;
    const retirer = principal.arn;
    const retirerId = await uniqueIdOf(retirer, store);
    const { items, ...rest } = await page(input, context, {
      sizes,
      filter: retirer,
      list: (after, count) =>
        listGrantsOfRetirer(store.db, { region: call.region, retirer, retirerId }, { after, count }),
      nameOf: ({ grant_id }) => grant_id,
    });
    return { Grants: await entriesOf(items, store), ...rest };
  },
});

/** The unique id of the user or role that has a name today; null where nobody has it, or one that is neither. */
async function uniqueIdOf(name: string, store: Store): Promise<string | null> {
  const { ids } = await store.settle((reader) => findNamedPrincipals([name], reader, undefined));
  return ids.get(name) ?? null;
}

async function entriesOf(rows: readonly GrantRow[], store: Store): Promise<GrantListEntry[]> {
  return await store.settle((reader) => rows.map((row) => grantListEntry(row, reader)));
}

/**
 * Deletes a grant, at the word of those that it names (API reference, RetireGrant). A key policy has no say: the key's
 * account and, by the grant, others may.
 */
export const retireGrant = change("RetireGrant", {
  targets: [{ as: "grant", action: "kms:RetireGrant", resource: retirableGrant, states: anyState }],
  conditions: retireGrantConditions,
  record: {
    readOnly: false,
    request: null,
    resources: ["grant"],
    additional: (_output, { grant }) => ({ GrantId: grant.id }),
  },
  dryRun: true,
  validate: requireTokenOrName,
  async run(_input, { grant, tx }) {
    await deleteGrant(tx, grant.row);
    return {};
  },
});

/** Deletes a grant, at the word of the key's policies (API reference, RevokeGrant). */
export const revokeGrant = change("RevokeGrant", {
  targets: [
    { as: "key", action: "kms:RevokeGrant", resource: key("KeyId", keyIdOrArnAnywhere), states: anyState },
    { as: "grant", action: undefined, resource: grantOfKey(keyIdOrArnAnywhere) },
  ],
  conditions: serviceGrantCondition,
  record: { readOnly: false, request: ["KeyId", "GrantId"], resources: ["key"] },
  dryRun: true,
  validate: ({ GrantId }) => requireGrantId(GrantId),
  async run(_input, { grant, tx }) {
    await deleteGrant(tx, grant.row);
    return {};
  },
});
