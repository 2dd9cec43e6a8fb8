/** AWS managed keys: the predefined `alias/aws/<service>` names, and the key behind one, made when it is first described. */

import { newKeyId } from "../base/ids.ts";
import type { RunContext } from "../pipeline/operation.ts";
import { insertAlias } from "../storage/aliases.ts";
import { keyArn } from "./identifiers.ts";
import { managedKeyPolicy } from "./key-policies.ts";
import { insertKeyWithMaterial, materialOwner, newKeyRow } from "./keys.ts";
import type { Environment } from "./operation.ts";
import { scheduleRotation } from "./rotation.ts";

export const RESERVED_PREFIX = "alias/aws/";

/** Services whose alias is there before any key is (spec 01, Aliases: rules; spec 07, AWS managed key aliases). */
const PREDEFINED_SERVICES = [
  "acm",
  "backup",
  "dynamodb",
  "ebs",
  "elasticfilesystem",
  "es",
  "glue",
  "kinesis",
  "kinesisvideo",
  "lambda",
  "rds",
  "redshift",
  "s3",
  "secretsmanager",
  "ses",
  "sns",
  "sqs",
  "ssm",
  "workmail",
  "workspaces",
  "xray",
] as const;

/** Names of the predefined aliases in order. */
export const predefinedAliases: readonly string[] = PREDEFINED_SERVICES.map((service) => RESERVED_PREFIX + service);

const predefined: ReadonlySet<string> = new Set(predefinedAliases);

/** Whether `name` is an alias that AWS has in every account, with or without a key. */
export function isPredefinedAlias(name: string): boolean {
  return predefined.has(name);
}

/**
 * Makes the AWS managed key of a predefined alias, with its alias and the record of its creation, in one transaction. When
 * somebody else made it meanwhile, nothing changes.
 */
export async function makeManagedKey(alias: string, context: RunContext): Promise<void> {
  const { call, store, custody, recorder } = context as RunContext & Environment;
  const { partition, region, principal, now } = call;
  const service = alias.slice(RESERVED_PREFIX.length);
  const owner = { partition, region, account: principal.account };
  const row = newKeyRow({
    ...owner,
    keyId: newKeyId(),
    service,
    description: `Default key that protects my ${service} data when no other key is defined`,
    policy: managedKeyPolicy({ ...owner, service }),
    rotationEnabled: true,
    now,
  });
  const material = await custody.createMaterial(materialOwner(row));
  await store.transaction(async (tx) => {
    const taken = await tx.settle((reader) => reader.find("alias", region, owner.account, alias));
    if (taken !== undefined) return;
    await insertKeyWithMaterial(tx, row, material, now);
    await scheduleRotation(tx, row, now);
    const { account } = owner;
    await insertAlias(tx, { region, account, name: alias, key_id: row.key_id, created_at: now, updated_at: now });
    const arn = keyArn({ ...owner, keyId: row.key_id });
    await recorder.enlist(tx, {
      service: "kms",
      event: "CreateKey",
      account,
      region,
      now,
      response: { KeyId: arn },
      resources: [{ arn, account }],
    });
  });
}
