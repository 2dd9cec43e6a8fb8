/** The CloudHSM API as far as KMS and its users need it: DescribeClusters, answered from what the operator says of clusters. */

import { coded, UnsupportedOperationException } from "../../base/errors.ts";
import type { Custody } from "../../custody/custody.ts";
import type { CloudHsmCluster, Clusters } from "../../kms/key-stores/clusters.ts";
import type { Operation, RunContext, Service, Target } from "../../pipeline/operation.ts";
import { pageOf } from "../../pipeline/pages.ts";
import { cloudHsmModel } from "../../wire/models.ts";

class CloudHsmInternalFailureException extends coded("CloudHsmInternalFailureException", 500, "Message") {}
class CloudHsmInvalidRequestException extends coded("CloudHsmInvalidRequestException", 400, "Message") {}

interface Environment {
  readonly custody: Custody;
  readonly clusters: Clusters;
}

interface DescribeClustersInput {
  readonly Filters?: Readonly<Record<string, readonly string[]>>;
  readonly MaxResults?: number;
  readonly NextToken?: string;
}

const BODY_BYTES_MAX = 65_536;

/** The most that a page has; as many when nothing is asked for (models/cloudhsmv2.json). */
const PAGE_MAX = 25;

/** What the values of a filter are compared with (API reference of CloudHSM, DescribeClusters). */
const filters: ReadonlyMap<string, (cluster: CloudHsmCluster) => string | undefined> = new Map<
  string,
  (cluster: CloudHsmCluster) => string | undefined
>([
  ["clusterIds", ({ id }) => id],
  ["states", ({ state }) => state],
  ["vpcIds", ({ vpcId }) => vpcId],
]);

/** The permission is on no cluster: the list is the account's. */
const everyCluster: Target = {
  as: "everyCluster",
  action: "cloudhsm:DescribeClusters",
  resolve: (_input, { principal: { account } }) => ({ kind: "found", resource: { arn: "*", account } }),
};

/**
 * The clusters of the account and Region (API reference of CloudHSM, DescribeClusters).
 *
 * @throws CloudHsmInvalidRequestException a filter or a token is none
 */
const describeClusters: Operation = {
  name: "DescribeClusters",
  kind: "read",
  targets: [everyCluster],
  record: {
    readOnly: true,
    request: (input) => (Object.keys(input as object).length === 0 ? null : { ...(input as object) }),
    resources: undefined,
  },
  validate(input) {
    const unknown = Object.keys((input as DescribeClustersInput).Filters ?? {}).find((name) => !filters.has(name));
    if (unknown !== undefined) throw new CloudHsmInvalidRequestException(`Invalid filter key: ${unknown}`);
  },
  async run(input, context) {
    const { Filters = {}, MaxResults: limit = PAGE_MAX, NextToken: marker } = input as DescribeClustersInput;
    const { call, clusters, custody } = context as RunContext & Environment;
    const wanted = clusters
      .list({ account: call.principal.account, region: call.region })
      .filter((cluster) => passes(cluster, Filters))
      .toSorted((left, right) => (left.id < right.id ? -1 : 1));
    const { items, next } = await pageOf(
      {
        marker,
        limit,
        filter: JSON.stringify(Filters),
        list: (after = "", count) => wanted.filter(({ id }) => id > after).slice(0, count),
        nameOf: ({ id }) => id,
        invalidMarker: () => new CloudHsmInvalidRequestException("Invalid NextToken"),
      },
      { call, custody },
    );
    return { Clusters: items.map(describe), ...(next !== undefined && { NextToken: next }) };
  },
};

function passes(cluster: CloudHsmCluster, asked: Readonly<Record<string, readonly string[]>>): boolean {
  return Object.entries(asked).every(([name, values]) => {
    const value = filters.get(name)?.(cluster);
    return value !== undefined && values.includes(value);
  });
}

function describe(cluster: CloudHsmCluster) {
  const { id, hsms, subnets } = cluster;
  return {
    BackupPolicy: "DEFAULT",
    ClusterId: id,
    ...(cluster.createdAt !== 0 && { CreateTimestamp: new Date(cluster.createdAt) }),
    Hsms: hsms.map(({ id: HsmId, availabilityZone, state, ip }) => ({
      AvailabilityZone: availabilityZone,
      ClusterId: id,
      ...(subnets.has(availabilityZone) && { SubnetId: subnets.get(availabilityZone) }),
      ...(ip !== undefined && { EniIp: ip }),
      HsmId,
      State: state,
    })),
    HsmType: cluster.hsmType,
    ...(cluster.securityGroup !== undefined && { SecurityGroup: cluster.securityGroup }),
    State: cluster.state,
    ...(cluster.stateMessage !== undefined && { StateMessage: cluster.stateMessage }),
    SubnetMapping: Object.fromEntries(subnets),
    ...(cluster.vpcId !== undefined && { VpcId: cluster.vpcId }),
    Certificates: { ClusterCertificate: cluster.certificate },
    Mode: cluster.mode,
  };
}

/** The CloudHSM API over what the operator says. */
export function cloudHsmService(environment: Environment): Service {
  return {
    model: cloudHsmModel(),
    operations: new Map([[describeClusters.name, describeClusters]]),
    environment: { ...environment },
    bodyBytesMax: BODY_BYTES_MAX,
    invalid: ({ message }) => new CloudHsmInvalidRequestException(message),
    unsupported: (operation) => new UnsupportedOperationException(`Keystead does not support ${operation} yet.`),
    internal: (cause) => new CloudHsmInternalFailureException("", { cause }),
  };
}
