/** The shapes of the Service Quotas API, typed by AWS's own client, and how quotas and requests become them. */

import type { RequestedServiceQuotaChange, ServiceQuota, ServiceQuotas } from "@aws-sdk/client-service-quotas";
import type { InputOf, OperationsOf, OutputOf } from "../../pipeline/client-types.ts";
import type { Call } from "../../pipeline/operation.ts";
import type { Quota } from "../../pipeline/quotas.ts";
import type { QuotaRequestRow } from "../../storage/schema.ts";

/** Operations of the Service Quotas API, by their names on the wire; some of them are not served. */
export type OperationName = OperationsOf<ServiceQuotas>;
export type Input<N extends OperationName> = InputOf<ServiceQuotas, N>;
export type Output<N extends OperationName> = OutputOf<ServiceQuotas, N>;

/** Services by their codes, in the order of ListServices. */
export const SERVICE_NAMES: ReadonlyMap<string, string> = new Map([["kms", "AWS Key Management Service (AWS KMS)"]]);

/** Such as `arn:aws:servicequotas:us-east-1:111122223333:kms/L-C2F1777E`; AWS's own values are of no account. */
export function quotaArn({ partition, region }: Call, account: string, { service, code }: Named): string {
  return `arn:${partition}:servicequotas:${region}:${account}:${service}/${code}`;
}

/** What names a quota. */
type Named = Pick<Quota, "service" | "code">;

/** @param account whose value it is; empty for the one that AWS gives everybody */
export function quotaOutput(call: Call, account: string, quota: Quota, value: number): ServiceQuota {
  return {
    ServiceCode: quota.service,
    ServiceName: SERVICE_NAMES.get(quota.service),
    QuotaArn: quotaArn(call, account, quota),
    QuotaCode: quota.code,
    QuotaName: quota.name,
    Value: value,
    Unit: "None",
    Adjustable: quota.adjustable,
    GlobalQuota: false,
    ...(quota.kind === "request" && { Period: { PeriodValue: 1, PeriodUnit: "SECOND" as const } }),
    QuotaAppliedAtLevel: "ACCOUNT",
    Description: quota.description,
  };
}

/** A request, and what has become of it. */
export function requestOutput(
  call: Call,
  row: QuotaRequestRow,
  quota: Quota | undefined,
  status: QuotaRequestRow["status"],
): RequestedServiceQuotaChange {
  return {
    Id: row.id,
    ServiceCode: row.service,
    ServiceName: SERVICE_NAMES.get(row.service),
    QuotaCode: row.code,
    QuotaName: quota?.name,
    DesiredValue: row.desired,
    Status: status,
    Created: new Date(row.created_at),
    LastUpdated: new Date(row.created_at),
    Requester: JSON.stringify({ accountId: row.account, callerArn: row.requester }),
    QuotaArn: quotaArn(call, row.account, row),
    GlobalQuota: false,
    Unit: "None",
    QuotaRequestedAtLevel: "ACCOUNT",
  };
}
