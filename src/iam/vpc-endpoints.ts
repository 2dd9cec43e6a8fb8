/** The part of the EC2 API that makes VPC endpoints: an address of its own, and a policy for what passes through it. */

import { randomBytes } from "node:crypto";
import type {
  CreateVpcEndpointRequest,
  DeleteVpcEndpointsRequest,
  DescribeVpcEndpointsRequest,
  ModifyVpcEndpointRequest,
  VpcEndpoint,
} from "@aws-sdk/client-ec2";
import { coded, DryRunOperationException } from "../base/errors.ts";
import type { Call, ChangeContext, Operation, Target } from "../pipeline/operation.ts";
import { PolicySyntaxError } from "../policy/document.ts";
import { compilePolicy } from "../policy/policy.ts";
import type { VpcEndpointRow } from "../storage/identity-schema.ts";
import { repeatedKey, type Tag } from "../storage/tags.ts";
import {
  deleteVpcEndpoint,
  insertVpcEndpoint,
  listVpcEndpoints,
  tagsOfVpcEndpoints,
  updateVpcEndpoint,
} from "../storage/vpc-endpoints.ts";

class InvalidVpcEndpointIdNotFound extends coded("InvalidVpcEndpointId.NotFound") {}
class InvalidPolicyDocument extends coded("InvalidPolicyDocument") {}
class InvalidServiceName extends coded("InvalidServiceName") {}
class InvalidParameter extends coded("InvalidParameter") {}
class InvalidParameterValue extends coded("InvalidParameterValue") {}
class MissingParameter extends coded("MissingParameter") {}

/** What an endpoint has when it was made without a policy (KMS guide, Default endpoint policy). */
const DEFAULT_POLICY = JSON.stringify(
  { Statement: [{ Action: "*", Effect: "Allow", Principal: "*", Resource: "*" }] },
  null,
  2,
);

/** Services whose endpoints mean something here; FIPS endpoints are the same. */
const SERVICES = new Set(["kms", "kms-fips", "sts"]);

/** Endpoint policy documents (PrivateLink guide, Quotas). */
const POLICY_BYTES_MAX = 20_480;

/** The endpoint that an input names, or all of them where it names none. */
function endpoint<I>(action: string, idOf: (input: I) => string = () => "*"): readonly Target<I>[] {
  return [
    {
      as: "endpoint",
      action,
      resolve(input, call, reader) {
        const id = idOf(input);
        const resource = { arn: endpointArn(call, id), account: call.principal.account };
        if (id === "*" || isOwn(reader.find("vpcEndpoint", id), call)) return { kind: "found", resource };
        return { kind: "absent", resource, error: () => notFound(id) };
      },
    },
  ];
}

function endpointArn({ partition, region, principal }: Call, id: string): string {
  return `arn:${partition}:ec2:${region}:${principal.account}:vpc-endpoint/${id}`;
}

function isOwn(row: VpcEndpointRow | undefined, { region, principal }: Call): row is VpcEndpointRow {
  return row !== undefined && row.account === principal.account && row.region === region;
}

const notFound = (id: string) => new InvalidVpcEndpointIdNotFound(`The Vpc Endpoint Id '${id}' does not exist`);

interface Declared<I> {
  readonly kind: "read" | "change";
  readonly targets: readonly Target<I>[];
  run(input: I, context: ChangeContext): Promise<object>;
}

/** An operation of EC2; its dry runs end with EC2's own text. */
function operation<I extends { readonly DryRun?: boolean | undefined }>(
  name: string,
  declared: Declared<I>,
): Operation {
  const { kind, targets, run } = declared;
  return {
    name,
    kind,
    targets: targets as readonly Target[],
    record: { readOnly: kind === "read", request: (input) => ({ ...(input as I) }), resources: [] },
    check(input) {
      if ((input as I).DryRun !== true) return;
      throw new DryRunOperationException("Request would have succeeded, but DryRun flag is set.");
    },
    run: (input, context) => run(input as I, context as ChangeContext),
  };
}

/** Makes an interface endpoint for a service that we serve; it is available at once. */
const createVpcEndpoint = operation<CreateVpcEndpointRequest>("CreateVpcEndpoint", {
  kind: "change",
  targets: endpoint("ec2:CreateVpcEndpoint"),
  async run(input, { call, tx }) {
    const { VpcId, ServiceName, VpcEndpointType = "Interface", PolicyDocument, PrivateDnsEnabled = true } = input;
    if (VpcId === undefined) throw new MissingParameter("The request must contain the parameter VpcId");
    if (VpcEndpointType !== "Interface") {
      throw new InvalidParameter(
        `Endpoint type (${VpcEndpointType}) does not match available service types ([Interface]).`,
      );
    }
    const row: VpcEndpointRow = {
      id: `vpce-0${randomBytes(8).toString("hex")}`,
      account: call.principal.account,
      region: call.region,
      vpc_id: VpcId,
      service_name: requireService(ServiceName, call.region),
      policy: requirePolicy(PolicyDocument),
      private_dns: PrivateDnsEnabled ? 1 : 0,
      subnet_ids: JSON.stringify(input.SubnetIds ?? []),
      security_group_ids: JSON.stringify(input.SecurityGroupIds ?? []),
      created_at: call.now,
    };
    const tags = (input.TagSpecifications ?? []).flatMap(({ Tags = [] }) =>
      Tags.map(({ Key = "", Value = "" }) => ({ key: Key, value: Value })),
    );
    const repeated = repeatedKey(tags);
    if (repeated !== undefined) throw new InvalidParameterValue(`Duplicate tag key '${repeated}' specified.`);
    await insertVpcEndpoint(tx, row, tags);
    return { VpcEndpoint: describe(row, tags), ClientToken: input.ClientToken };
  },
});

/** Changes the policy and the network parts of an endpoint. */
const modifyVpcEndpoint = operation<ModifyVpcEndpointRequest>("ModifyVpcEndpoint", {
  kind: "change",
  targets: endpoint("ec2:ModifyVpcEndpoint", ({ VpcEndpointId = "" }) => VpcEndpointId),
  async run(input, { tx }) {
    const { VpcEndpointId = "", ResetPolicy, PolicyDocument, PrivateDnsEnabled } = input;
    const row = await tx.settle((reader) => reader.find("vpcEndpoint", VpcEndpointId));
    if (row === undefined) throw notFound(VpcEndpointId);
    await updateVpcEndpoint(tx, VpcEndpointId, {
      ...(ResetPolicy === true && { policy: DEFAULT_POLICY }),
      ...(PolicyDocument !== undefined && { policy: requirePolicy(PolicyDocument) }),
      ...(PrivateDnsEnabled !== undefined && { private_dns: PrivateDnsEnabled ? 1 : 0 }),
      subnet_ids: edited(row.subnet_ids, input.AddSubnetIds, input.RemoveSubnetIds),
      security_group_ids: edited(row.security_group_ids, input.AddSecurityGroupIds, input.RemoveSecurityGroupIds),
    });
    return { Return: true };
  },
});

/** Removes endpoints; those that are not there are told one by one. */
const deleteVpcEndpoints = operation<DeleteVpcEndpointsRequest>("DeleteVpcEndpoints", {
  kind: "change",
  targets: endpoint("ec2:DeleteVpcEndpoints"),
  async run({ VpcEndpointIds = [] }, { call, tx }) {
    const rows = await tx.settle((reader) => VpcEndpointIds.map((id) => ({ id, row: reader.find("vpcEndpoint", id) })));
    for (const { id, row } of rows) if (isOwn(row, call)) await deleteVpcEndpoint(tx, id);
    const missing = rows.filter(({ row }) => !isOwn(row, call)).map(({ id }) => ({ id, error: notFound(id) }));
    return {
      Unsuccessful: missing.map(({ id, error }) => ({
        ResourceId: id,
        Error: { Code: error.code, Message: error.message },
      })),
    };
  },
});

const PAGE = 1000;

/** Lists the endpoints of the account in the Region. */
const describeVpcEndpoints = operation<DescribeVpcEndpointsRequest>("DescribeVpcEndpoints", {
  kind: "read",
  targets: [
    {
      as: "account",
      action: "ec2:DescribeVpcEndpoints",
      resolve: (_input, { principal }) => ({ kind: "found", resource: { arn: "*", account: principal.account } }),
    },
  ],
  async run({ VpcEndpointIds = [], Filters = [], MaxResults = PAGE, NextToken }, { call, store }) {
    const owner = { account: call.principal.account, region: call.region };
    const after = NextToken === undefined ? undefined : Buffer.from(NextToken, "base64url").toString("latin1");
    const rows = await listVpcEndpoints(store.db, owner, { after, count: PAGE + 1 });
    const there = new Set(rows.map(({ id }) => id));
    const missing = VpcEndpointIds.find((id) => !there.has(id));
    if (missing !== undefined) throw notFound(missing);
    const named = rows.filter(({ id }) => VpcEndpointIds.length === 0 || VpcEndpointIds.includes(id));
    const ids = named.map(({ id }) => id);
    const tags = await tagsOfVpcEndpoints(store.db, ids);
    const found = named
      .map((row) => describe(row, tags.get(row.id) ?? []))
      .filter((each) => Filters.every(({ Name = "", Values = [] }) => isMatch(each, Name, Values)));
    const page = found.slice(0, MaxResults);
    const last = found.length > page.length ? page.at(-1)?.VpcEndpointId : undefined;
    return { VpcEndpoints: page, NextToken: last && Buffer.from(last).toString("base64url") };
  },
});

const FILTERS: Readonly<Record<string, (endpoint: VpcEndpoint) => string | undefined>> = {
  "service-name": ({ ServiceName }) => ServiceName,
  "vpc-id": ({ VpcId }) => VpcId,
  "vpc-endpoint-id": ({ VpcEndpointId }) => VpcEndpointId,
  "vpc-endpoint-state": ({ State }) => State,
  "vpc-endpoint-type": ({ VpcEndpointType }) => VpcEndpointType,
};

function isMatch(each: VpcEndpoint, name: string, values: readonly string[]): boolean {
  const property = name.startsWith("tag:")
    ? ({ Tags = [] }: VpcEndpoint) => Tags.find(({ Key }) => Key === name.slice("tag:".length))?.Value
    : FILTERS[name];
  if (property === undefined) throw new InvalidParameter(`The filter '${name}' is invalid`);
  const value = property(each);
  return value !== undefined && values.includes(value);
}

function requireService(name: string | undefined, region: string): string {
  if (name === undefined) throw new MissingParameter("The request must contain the parameter ServiceName");
  const prefix = `com.amazonaws.${region}.`;
  if (!name.startsWith(prefix) || !SERVICES.has(name.slice(prefix.length))) {
    throw new InvalidServiceName(`The Vpc Endpoint Service '${name}' does not exist`);
  }
  return name;
}

function requirePolicy(text: string | undefined): string {
  if (text === undefined || text === "") return DEFAULT_POLICY;
  if (Buffer.byteLength(text) > POLICY_BYTES_MAX) throw new InvalidPolicyDocument("The policy document is too large.");
  try {
    compilePolicy(text, "endpoint");
  } catch (cause) {
    if (cause instanceof PolicySyntaxError) throw new InvalidPolicyDocument(cause.message);
    throw cause;
  }
  return text;
}

/** A JSON list with some of its texts added and others removed. */
function edited(json: string, add: readonly string[] = [], remove: readonly string[] = []): string {
  const before = JSON.parse(json) as string[];
  return JSON.stringify([...new Set([...before, ...add])].filter((item) => !remove.includes(item)));
}

function describe(row: VpcEndpointRow, tags: readonly Tag[]): VpcEndpoint {
  const service = row.service_name.slice(row.service_name.lastIndexOf(".") + 1);
  return {
    VpcEndpointId: row.id,
    VpcEndpointType: "Interface",
    VpcId: row.vpc_id,
    ServiceName: row.service_name,
    State: "available" as NonNullable<VpcEndpoint["State"]>, // EC2 writes states in lower case, whatever its model says
    PolicyDocument: row.policy,
    RouteTableIds: [],
    SubnetIds: JSON.parse(row.subnet_ids) as string[],
    Groups: (JSON.parse(row.security_group_ids) as string[]).map((GroupId) => ({ GroupId })),
    IpAddressType: "ipv4",
    PrivateDnsEnabled: row.private_dns === 1,
    RequesterManaged: false,
    NetworkInterfaceIds: [],
    DnsEntries: [{ DnsName: `${row.id}-${row.id.slice(-8)}.${service}.${row.region}.vpce.amazonaws.com` }],
    CreationTimestamp: new Date(row.created_at),
    Tags: tags.map(({ key, value }) => ({ Key: key, Value: value })),
    OwnerId: row.account,
    ServiceRegion: row.region,
  };
}

/** EC2's operations on VPC endpoints. */
export const vpcEndpointOperations: readonly Operation[] = [
  createVpcEndpoint,
  modifyVpcEndpoint,
  deleteVpcEndpoints,
  describeVpcEndpoints,
];
