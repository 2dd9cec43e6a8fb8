/** Service Quotas as a service: what quotas an account has, what AWS gives everybody, and asking for more. */

import { randomBytes } from "node:crypto";
import { coded, UnsupportedOperationException } from "../../base/errors.ts";
import type { Custody } from "../../custody/custody.ts";
import type { Call, ChangeContext, Operation, RunContext, Service, Target } from "../../pipeline/operation.ts";
import { pageOf } from "../../pipeline/pages.ts";
import { defaultValue, type Quota, type Quotas } from "../../pipeline/quotas.ts";
import { findQuotaRequest, insertQuotaRequest, listQuotaRequests, putQuotaValue } from "../../storage/quotas.ts";
import type { QuotaRequestRow } from "../../storage/schema.ts";
import type { Reader } from "../../storage/store.ts";
import { serviceQuotasModel } from "../../wire/models.ts";
import {
  type Input,
  type OperationName,
  type Output,
  quotaArn,
  quotaOutput,
  requestOutput,
  SERVICE_NAMES,
} from "./shapes.ts";

class IllegalArgumentException extends coded("IllegalArgumentException", 400, "Message") {}
class InvalidPaginationTokenException extends coded("InvalidPaginationTokenException", 400, "Message") {}
class NoSuchResourceException extends coded("NoSuchResourceException", 400, "Message") {}
class ResourceAlreadyExistsException extends coded("ResourceAlreadyExistsException", 400, "Message") {}
class ServiceException extends coded("ServiceException", 500, "Message") {}

/** What every run gets. */
export interface Environment {
  readonly custody: Custody;
  readonly quotas: Quotas;
}

type Context = RunContext & Environment;
type Members = Readonly<Record<string, unknown>>;

/** Only asking for more is authorized on a quota; everything else is on `*` (Service Authorization Reference). */
function targetOf(name: string, isOnQuota: boolean): Target {
  return {
    as: "quota",
    action: `servicequotas:${name}`,
    resolve(input, call) {
      const { ServiceCode: service, QuotaCode: code } = input as { ServiceCode: string; QuotaCode: string };
      const { account } = call.principal;
      const arn = isOnQuota ? quotaArn(call, account, { service, code }) : "*";
      return { kind: "found", resource: { arn, account } };
    },
    conditions: (key, { input }) => {
      const service = (input as Members)["ServiceCode"];
      return key === "servicequotas:service" && typeof service === "string" ? [service] : undefined;
    },
  };
}

function read<N extends OperationName>(
  name: N,
  run: (input: Input<N>, context: Context) => Output<N> | Promise<Output<N>>,
): Operation {
  return {
    name,
    kind: "read",
    targets: [targetOf(name, false)],
    record: { readOnly: true, request: (input) => recorded(input as Members), resources: undefined },
    run: (input, context) => run(input as Input<N>, context as Context),
  };
}

function recorded(input: Members): Members | null {
  return Object.keys(input).length === 0 ? null : input;
}

const listServices = read("ListServices", async (input, context) => {
  const services = [...SERVICE_NAMES].map(([ServiceCode, ServiceName]) => ({ ServiceCode, ServiceName }));
  const { items, ...rest } = await page(input, context, services, ({ ServiceCode }) => ServiceCode);
  return { Services: items, ...rest };
});

const listServiceQuotas = read("ListServiceQuotas", async (input, context) => {
  const { call, quotas, store } = context;
  const { account } = call.principal;
  const listed = requireService(quotas, input.ServiceCode).filter(
    ({ code }) => input.QuotaAppliedAtLevel !== "RESOURCE" && (input.QuotaCode ?? code) === code,
  );
  const { items, ...rest } = await page(input, context, listed, ({ code }) => code);
  const values = await store.settle((reader) => items.map((quota) => appliedValue(quotas, quota, call, reader)));
  return { Quotas: items.map((quota, index) => quotaOutput(call, account, quota, values[index] ?? 0)), ...rest };
});

const getServiceQuota = read("GetServiceQuota", async ({ ServiceCode, QuotaCode }, { call, quotas, store }) => {
  const quota = requireQuota(quotas, ServiceCode, QuotaCode);
  const value = await store.settle((reader) => appliedValue(quotas, quota, call, reader));
  return { Quota: quotaOutput(call, call.principal.account, quota, value) };
});

const listDefaults = read("ListAWSDefaultServiceQuotas", async (input, context) => {
  const { call, quotas } = context;
  const { items, ...rest } = await page(input, context, requireService(quotas, input.ServiceCode), ({ code }) => code);
  return { Quotas: items.map((quota) => quotaOutput(call, "", quota, defaultValue(quota, call.region))), ...rest };
});

const getDefault = read("GetAWSDefaultServiceQuota", ({ ServiceCode, QuotaCode }, { call, quotas }) => {
  const quota = requireQuota(quotas, ServiceCode, QuotaCode);
  return { Quota: quotaOutput(call, "", quota, defaultValue(quota, call.region)) };
});

/**
 * Asks for a larger value. It is granted at once, or waits for the operator (`--quotas`).
 *
 * The texts are quoted by users of Service Quotas.
 */
const requestIncrease: Operation = {
  name: "RequestServiceQuotaIncrease",
  kind: "change",
  targets: [targetOf("RequestServiceQuotaIncrease", true)],
  record: {
    readOnly: false,
    request: (input) => recorded(input as Members),
    response: (output) => output as Members,
    resources: undefined,
  },
  run: (input, context) =>
    increase(input as Input<"RequestServiceQuotaIncrease">, context as ChangeContext & Environment),
};

async function increase(
  { ServiceCode, QuotaCode, DesiredValue: desired, ContextId }: Input<"RequestServiceQuotaIncrease">,
  { call, tx, quotas }: ChangeContext & Environment,
): Promise<Output<"RequestServiceQuotaIncrease">> {
  const quota = requireQuota(quotas, ServiceCode, QuotaCode);
  if (ContextId !== undefined) throw new IllegalArgumentException("The quota is not applied at the resource level.");
  if (!quota.adjustable) {
    throw new IllegalArgumentException("The request failed because the specified quota is not adjustable.");
  }
  const value = await tx.settle((reader) => appliedValue(quotas, quota, call, reader));
  if (desired <= value) {
    throw new IllegalArgumentException("You must provide a quota value greater than the current quota value");
  }
  const owner = { account: call.principal.account, region: call.region };
  const earlier = await listQuotaRequests(tx.db, { ...owner, service: quota.service, code: quota.code });
  if (earlier.some((row) => statusOf(row, value) === "CASE_OPENED")) {
    throw new ResourceAlreadyExistsException("Only one open service quota increase request is allowed per quota.");
  }
  const status = quotas.profile.increases === "approve" ? "APPROVED" : "CASE_OPENED";
  const row: QuotaRequestRow = {
    ...owner,
    id: newRequestId(),
    service: quota.service,
    code: quota.code,
    desired,
    status,
    requester: call.principal.arn,
    created_at: call.now,
  };
  await insertQuotaRequest(tx, row);
  if (status === "APPROVED") await putQuotaValue(tx, { ...owner, code: quota.code, value: desired });
  return { RequestedQuota: requestOutput(call, row, quota, status) };
}

const getRequest = read("GetRequestedServiceQuotaChange", async ({ RequestId }, context) => {
  const { call, store } = context;
  const owner = { account: call.principal.account, region: call.region };
  const row = await findQuotaRequest(store.db, { ...owner, id: RequestId });
  if (row === undefined) throw new NoSuchResourceException("The requested service quota change does not exist.");
  const [RequestedQuota] = await outputsOf([row], context);
  return { RequestedQuota };
});

const listRequests = read("ListRequestedServiceQuotaChangeHistory", (input, context) => {
  if (input.ServiceCode !== undefined) requireService(context.quotas, input.ServiceCode);
  return history(input, context);
});

const listRequestsOfQuota = read("ListRequestedServiceQuotaChangeHistoryByQuota", (input, context) => {
  requireQuota(context.quotas, input.ServiceCode, input.QuotaCode);
  return history(input, context);
});

/** The account's requests in the Region, the newest first. */
async function history(
  input: Paged & Partial<Input<"ListRequestedServiceQuotaChangeHistoryByQuota">>,
  context: Context,
): Promise<Output<"ListRequestedServiceQuotaChangeHistory">> {
  const { call, store } = context;
  const { ServiceCode: service, QuotaCode: code, Status, QuotaRequestedAtLevel } = input;
  const owner = { account: call.principal.account, region: call.region };
  const filter = { ...owner, ...(service !== undefined && { service }), ...(code !== undefined && { code }) };
  const rows = QuotaRequestedAtLevel === "RESOURCE" ? [] : await listQuotaRequests(store.db, filter);
  const found = (await outputsOf(rows, context)).filter((each) => (Status ?? each.Status) === each.Status);
  const { items, ...rest } = await page(input, context, found, ({ Id = "" }) => Id);
  return { RequestedQuotas: items, ...rest };
}

function outputsOf(rows: readonly QuotaRequestRow[], { call, quotas, store }: Context) {
  return store.settle((reader) =>
    rows.map((row) => {
      const quota = quotas.listed(row.service)?.find(({ code }) => code === row.code);
      const value = quota === undefined ? 0 : appliedValue(quotas, quota, call, reader);
      return requestOutput(call, row, quota, statusOf(row, value));
    }),
  );
}

/** A request that waits is approved by the operator when he raises the value. */
function statusOf({ status, desired }: QuotaRequestRow, value: number): QuotaRequestRow["status"] {
  return status === "CASE_OPENED" && value >= desired ? "APPROVED" : status;
}

function appliedValue(quotas: Quotas, quota: Quota, { principal, region }: Call, reader: Reader): number {
  return quotas.valueOf(quota, { account: principal.account, region }, reader);
}

function requireService(quotas: Quotas, service: string): readonly Quota[] {
  const listed = quotas.listed(service);
  if (listed === undefined) {
    throw new NoSuchResourceException(`The request failed because the specified service ${service} does not exist.`);
  }
  return listed;
}

function requireQuota(quotas: Quotas, service: string, quotaCode: string): Quota {
  const quota = requireService(quotas, service).find(({ code }) => code === quotaCode);
  if (quota !== undefined) return quota;
  throw new NoSuchResourceException(
    `The request failed because the specified quota ${quotaCode} does not exist for service ${service}.`,
  );
}

interface Paged {
  readonly NextToken?: string;
  readonly MaxResults?: number;
}

/** The most that a page may have, and what it has when nothing is asked. */
const PAGE_SIZE = 100;

/** One page of a list that is in memory; tokens are in the alphabet that the model has for them. */
async function page<T>(
  { NextToken, MaxResults: limit = PAGE_SIZE, ...filter }: Paged,
  context: Context,
  all: readonly T[],
  nameOf: (item: T) => string,
): Promise<{ readonly items: T[]; readonly NextToken?: string }> {
  const { items, next } = await pageOf(
    {
      marker: NextToken?.replaceAll("+", "-").replaceAll("/", "_"),
      limit,
      filter: JSON.stringify(filter),
      list(after, count) {
        const start = after === undefined ? 0 : all.findIndex((item) => nameOf(item) === after) + 1;
        return all.slice(start, start + count);
      },
      nameOf,
      invalidMarker: () => new InvalidPaginationTokenException("Invalid input was provided."),
    },
    context,
  );
  return {
    items: [...items],
    ...(next !== undefined && { NextToken: next.replaceAll("-", "+").replaceAll("_", "/") }),
  };
}

/** As long as those of AWS: 40 hex digits. */
function newRequestId(): string {
  return randomBytes(20).toString("hex");
}

const operations = [
  getDefault,
  getRequest,
  getServiceQuota,
  listDefaults,
  listRequests,
  listRequestsOfQuota,
  listServiceQuotas,
  listServices,
  requestIncrease,
];

/** Request bodies: a few short texts and a number. */
const BODY_BYTES_MAX = 65_536;

/** The Service Quotas API. */
export function serviceQuotasService(environment: Environment): Service {
  return {
    model: serviceQuotasModel(),
    operations: new Map(operations.map((each) => [each.name, each])),
    environment: { ...environment },
    bodyBytesMax: BODY_BYTES_MAX,
    unsupported: (operation) => new UnsupportedOperationException(`Keystead does not support ${operation} yet.`),
    internal: (cause) => new ServiceException("", { cause }),
  };
}
