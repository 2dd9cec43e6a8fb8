/** CreateAccessKey, UpdateAccessKey, DeleteAccessKey, ListAccessKeys and GetAccessKeyLastUsed. */

import { randomUUID } from "node:crypto";
import type { StatusType } from "@aws-sdk/client-iam";
import { NoSuchEntityException, ValidationException } from "../../base/errors.ts";
import { newAccessKeyId, newSecretAccessKey } from "../../identity/credentials.ts";
import {
  type CredentialOwner,
  deleteCredential,
  insertCredential,
  listCredentials,
  updateCredentialStatus,
} from "../../storage/credentials.ts";
import type { CredentialRow } from "../../storage/schema.ts";
import type { Tx } from "../../storage/store.ts";
import { wholeSeconds } from "../descriptions.ts";
import { change, read } from "../operation.ts";
import { pageOfAll } from "../pages.ts";
import { requireQuota } from "../quotas.ts";
import { type IamResource, ownerOfAccessKey, userOrCaller } from "../resources.ts";

function ownerOf({ account, identity }: IamResource): CredentialOwner {
  return { account, userId: identity?.unique_id ?? null };
}

/** Access keys of the root user have no user name. */
function nameOf({ identity }: IamResource): { readonly UserName?: string } {
  return identity === undefined ? {} : { UserName: identity.name };
}

/**
 * Makes an access key of a user, or of the caller itself; its secret is in this answer and nowhere else (API reference,
 * CreateAccessKey).
 *
 * @throws LimitExceededException the user has two
 */
export const createAccessKey = change("CreateAccessKey", {
  targets: [{ as: "user", action: "iam:CreateAccessKey", resource: userOrCaller }],
  recorded: ({ AccessKey }) => ({ AccessKey: { ...AccessKey, SecretAccessKey: undefined } }),
  async prepare(_input, { user: { account }, custody }) {
    const accessKeyId = newAccessKeyId();
    const secret = newSecretAccessKey();
    try {
      const sealed = await custody.sealCredential({ account, accessKeyId }, secret);
      return { accessKeyId, sealed, secretAccessKey: Buffer.from(secret).toString("latin1") };
    } finally {
      secret.fill(0);
    }
  },
  async run(_input, { user, prepared: { accessKeyId, sealed, secretAccessKey }, call, tx }) {
    const owner = ownerOf(user);
    await insertCredential(tx, {
      access_key_id: accessKeyId,
      account: owner.account,
      principal_arn: user.arn,
      user_id: owner.userId,
      secret: sealed,
      status: "Active",
      revision: randomUUID(),
      created_at: call.now,
    });
    requireQuota("AccessKeysPerUser", (await listCredentials(tx.db, owner)).length);
    return {
      AccessKey: {
        UserName: user.identity?.name,
        AccessKeyId: accessKeyId,
        Status: "Active" as const,
        SecretAccessKey: secretAccessKey,
        CreateDate: wholeSeconds(call.now),
      },
    };
  },
});

/** @throws NoSuchEntityException the user has no such access key */
async function requireOwn(tx: Tx, accessKeyId: string, { account, userId }: CredentialOwner): Promise<CredentialRow> {
  const row = await tx.settle((reader) => reader.find("credential", accessKeyId));
  if (row?.account !== account || row.user_id !== userId) {
    throw new NoSuchEntityException(`The Access Key with id ${accessKeyId} cannot be found.`);
  }
  return row;
}

/** Only AWS makes an access key expire. */
function requireSettable(status: StatusType): "Active" | "Inactive" {
  if (status !== "Expired") return status;
  throw new ValidationException(
    "1 validation error detected: Value at 'status' failed to satisfy constraint: Member must satisfy enum value set: [Active, Inactive]",
  );
}

/** Turns an access key on or off, from the next request on. */
export const updateAccessKey = change("UpdateAccessKey", {
  targets: [{ as: "user", action: "iam:UpdateAccessKey", resource: userOrCaller }],
  async run({ AccessKeyId, Status }, { user, tx }) {
    const status = requireSettable(Status);
    await requireOwn(tx, AccessKeyId, ownerOf(user));
    await updateCredentialStatus(tx, AccessKeyId, { status, revision: randomUUID() });
    return {};
  },
});

/** Removes an access key: from the next request on it signs nothing. */
export const deleteAccessKey = change("DeleteAccessKey", {
  targets: [{ as: "user", action: "iam:DeleteAccessKey", resource: userOrCaller }],
  async run({ AccessKeyId }, { user, tx }) {
    await requireOwn(tx, AccessKeyId, ownerOf(user));
    await deleteCredential(tx, AccessKeyId);
    return {};
  },
});

/** The access keys of a user, or of the caller itself. */
export const listAccessKeys = read("ListAccessKeys", {
  targets: [{ as: "user", action: "iam:ListAccessKeys", resource: userOrCaller }],
  async run(input, context) {
    const { store, user } = context;
    const owner = ownerOf(user);
    const all = await listCredentials(store.db, owner);
    const { items, end } = await pageOfAll(input, context, { filter: [owner.userId ?? "root"], all });
    const AccessKeyMetadata = items.map(({ access_key_id, status, created_at }) => ({
      ...nameOf(user),
      AccessKeyId: access_key_id,
      Status: status,
      CreateDate: wholeSeconds(created_at),
    }));
    return { AccessKeyMetadata, ...end };
  },
});

/**
 * When, where and for which service an access key was used last (API reference, GetAccessKeyLastUsed).
 *
 * @throws AccessDeniedException the account has no such access key, as recorded on IAM
 */
export const getAccessKeyLastUsed = read("GetAccessKeyLastUsed", {
  targets: [{ as: "owner", action: "iam:GetAccessKeyLastUsed", resource: ownerOfAccessKey }],
  async run({ AccessKeyId }, { owner, credentialUsages }) {
    const use = await credentialUsages.find(AccessKeyId);
    const last =
      use === undefined
        ? { Region: "N/A", ServiceName: "N/A" }
        : { LastUsedDate: wholeSeconds(use.used_at), Region: use.region, ServiceName: use.service };
    return { ...nameOf(owner), AccessKeyLastUsed: { LastUsedDate: undefined, ...last } };
  },
});
