/** CreateAccount, DescribeCreateAccountStatus, DescribeAccount, ListAccounts, ListAccountsForParent and MoveAccount. */

import type { Call, Recorder } from "../../../pipeline/operation.ts";
import { insertAccount } from "../../../storage/accounts.ts";
import type { AccountCreationRow, OrganizationRow } from "../../../storage/identity-schema.ts";
import {
  countNodes,
  findAccountCreation,
  hasEmail,
  insertAccountCreation,
  insertNode,
  listNodes,
  moveNode,
} from "../../../storage/organizations.ts";
import type { Tx } from "../../../storage/store.ts";
import { insertAccessRole } from "../access-role.ts";
import {
  AccountNotFoundException,
  ConstraintViolationException,
  CreateAccountStatusNotFoundException,
  DestinationParentNotFoundException,
  DuplicateAccountException,
  InvalidInputException,
  ParentNotFoundException,
  SourceParentNotFoundException,
} from "../errors.ts";
import { newAccountId, newCreationId } from "../ids.ts";
import { change, page, read, tagsOf } from "../operation.ts";
import { ACCOUNTS_MAX } from "../quotas.ts";
import { managedOrganization, node } from "../resources.ts";
import { describeAccount, describeCreation, type Input } from "../shapes.ts";
import { freeId } from "./free-id.ts";
import { attachFullAccess } from "./full-access.ts";

/**
 * Makes an account right under the root, with the role by which the management account gets in. It is there when this is
 * answered, though the answer says that it is being made, as AWS's does; how it went, DescribeCreateAccountStatus tells.
 */
export const createAccount = change("CreateAccount", {
  on: { own: managedOrganization },
  async run(input, { call, tx, recorder, own: { organization } }) {
    requireRoleName(input.RoleName);
    if ((await countNodes(tx.db, { organization: organization.id, kind: "account" })) >= ACCOUNTS_MAX) {
      throw new ConstraintViolationException(
        "ACCOUNT_NUMBER_LIMIT_EXCEEDED",
        "You have exceeded the allowed number of AWS accounts.",
      );
    }
    const taken = await hasEmail(tx.db, input.Email ?? "");
    const account = taken ? undefined : await makeAccount(tx, organization, input, call);
    const row: AccountCreationRow = {
      id: newCreationId(),
      organization: organization.id,
      account: account ?? null,
      name: input.AccountName ?? "",
      email: input.Email ?? "",
      state: taken ? "FAILED" : "SUCCEEDED",
      failure: taken ? "EMAIL_ALREADY_EXISTS" : null,
      requested_at: call.now,
      completed_at: call.now,
    };
    await insertAccountCreation(tx, row);
    await recordResult(tx, recorder, row, call);
    const begun: AccountCreationRow = {
      ...row,
      account: null,
      state: "IN_PROGRESS",
      failure: null,
      completed_at: null,
    };
    return { CreateAccountStatus: describeCreation(begun) };
  },
});

async function makeAccount(
  tx: Tx,
  organization: OrganizationRow,
  { AccountName = "", Email = "", RoleName, Tags }: Input<"CreateAccount">,
  { now, partition }: Call,
): Promise<string> {
  const id = await freeId(tx, newAccountId, (reader, free) => reader.find("account", free));
  await insertAccount(tx, { id, name: AccountName, created_at: now });
  const row = {
    id,
    organization: organization.id,
    kind: "account",
    parent: organization.root_id,
    name: AccountName,
    email: Email,
    joined_at: now,
    joined_method: "CREATED",
  } as const;
  await insertNode(tx, row, tagsOf(Tags));
  await attachFullAccess(tx, organization, id);
  const { management_account: trusted } = organization;
  await insertAccessRole(tx, { account: id, trusted, partition, now, ...(RoleName !== undefined && { RoleName }) });
  return id;
}

/** CloudTrail's event for the end of the making (Organizations user guide, Logging). */
function recordResult(tx: Tx, recorder: Recorder, row: AccountCreationRow, { principal, region, now }: Call) {
  return recorder.enlist(tx, {
    service: "organizations",
    event: "CreateAccountResult",
    account: principal.account,
    region,
    now,
    response: null,
    resources: undefined,
    invokedBy: "organizations.amazonaws.com",
    details: { createAccountStatus: { ...describeCreation(row), AccountName: "****" } },
  });
}

/** @throws InvalidInputException a name that only service-linked roles have */
function requireRoleName(name: string | undefined): void {
  if (name === undefined || !name.startsWith("AWSServiceRoleFor")) return;
  throw new InvalidInputException(
    "INVALID_ROLE_NAME",
    "You provided a role name that isn't valid. A role name can't begin with the reserved prefix AWSServiceRoleFor.",
  );
}

/** How the making of an account went. */
export const describeCreateAccountStatus = read("DescribeCreateAccountStatus", {
  on: { own: managedOrganization },
  async run({ CreateAccountRequestId = "" }, { store, own: { organization } }) {
    const row = await findAccountCreation(store.db, organization.id, CreateAccountRequestId);
    if (row === undefined) throw new CreateAccountStatusNotFoundException();
    return { CreateAccountStatus: describeCreation(row) };
  },
});

const account = node("AccountId", ["account"], () => new AccountNotFoundException());

/** Describes one account. */
export const describeOneAccount = read("DescribeAccount", {
  on: { account },
  async run(_input, { call, store, account: { organization, node: found } }) {
    const Account = await store.settle((reader) => describeAccount(call.partition, organization, found, reader));
    return { Account };
  },
});

/** Lists every account, the management account among them. */
export const listAccounts = read("ListAccounts", {
  on: { own: managedOrganization },
  async run(input, context) {
    const { call, store, own } = context;
    const { organization } = own;
    const { items, next } = await page(input, context, {
      list: (after, count) => listNodes(store.db, { organization: organization.id, kind: "account" }, { after, count }),
      nameOf: ({ id }) => id,
    });
    const Accounts = await store.settle((reader) =>
      items.map((each) => describeAccount(call.partition, organization, each, reader)),
    );
    return { Accounts, NextToken: next };
  },
});

/** Lists the accounts right under a root or unit. */
export const listAccountsForParent = read("ListAccountsForParent", {
  on: { parent: node("ParentId", ["root", "unit"], () => new ParentNotFoundException()) },
  async run(input, context) {
    const { call, store, parent } = context;
    const { organization, node: above } = parent;
    const { items, next } = await page(input, context, {
      of: above.id,
      list: (after, count) =>
        listNodes(store.db, { organization: organization.id, kind: "account", parent: above.id }, { after, count }),
      nameOf: ({ id }) => id,
    });
    const Accounts = await store.settle((reader) =>
      items.map((each) => describeAccount(call.partition, organization, each, reader)),
    );
    return { Accounts, NextToken: next };
  },
});

/** Puts an account under another root or unit; what is attached there decides from the next request on. */
export const moveAccount = change("MoveAccount", {
  on: {
    account,
    source: node("SourceParentId", ["root", "unit"], () => new SourceParentNotFoundException()),
    destination: node("DestinationParentId", ["root", "unit"], () => new DestinationParentNotFoundException()),
  },
  async run(_input, { tx, account: { node: moved }, source, destination }) {
    if (moved.parent !== source.node.id) throw new SourceParentNotFoundException();
    if (moved.parent === destination.node.id) throw new DuplicateAccountException();
    await moveNode(tx, moved.id, destination.node.id);
    return {};
  },
});
