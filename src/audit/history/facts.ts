/** What LookupEvents tells of a record, and by which attributes it is found. */

import type { LookupAttributeKey } from "@aws-sdk/client-cloudtrail";

type Members = Readonly<Record<string, unknown>>;

/** A thing that an event is about, as LookupEvents names it. */
export interface EventResource {
  readonly ResourceType: string;
  readonly ResourceName: string;
}

/** A record, read. */
export interface EventFacts {
  readonly eventId: string;
  /** Whose event history has it. */
  readonly account: string;
  readonly region: string;
  /** Milliseconds since the epoch, of a whole second. */
  readonly time: number;
  readonly name: string;
  /** Such as `kms.amazonaws.com`. */
  readonly source: string;
  readonly readOnly: boolean;
  readonly accessKeyId: string | undefined;
  readonly username: string | undefined;
  readonly resources: readonly EventResource[];
}

/** One attribute, as it is looked for. */
export interface EventAttribute {
  readonly key: LookupAttributeKey;
  readonly value: string;
}

/**
 * Reads a record.
 *
 * @param json one CloudTrail record
 */
export function factsOf(json: string): EventFacts {
  const record = JSON.parse(json) as Members;
  const identity = membersOf(record["userIdentity"]);
  const readOnly = record["readOnly"] === true;
  return {
    eventId: String(record["eventID"]),
    account: String(record["recipientAccountId"]),
    region: String(record["awsRegion"]),
    time: Date.parse(String(record["eventTime"])),
    name: String(record["eventName"]),
    source: String(record["eventSource"]),
    readOnly,
    accessKeyId: textOf(identity["accessKeyId"]),
    username: usernameOf(identity),
    resources: readOnly ? [] : [...listedResources(record), ...requestedResources(record)],
  };
}

/**
 * What an event is found by. A key is found by its id, too, whoever called it by what (KMS guide, Finding entries: the key ARN,
 * or the key ID and key ARN).
 */
export function attributesOf(facts: EventFacts): readonly EventAttribute[] {
  const attributes: EventAttribute[] = [
    { key: "EventName", value: facts.name },
    { key: "EventSource", value: facts.source },
    { key: "ReadOnly", value: String(facts.readOnly) },
  ];
  if (facts.accessKeyId !== undefined) attributes.push({ key: "AccessKeyId", value: facts.accessKeyId });
  if (facts.username !== undefined) attributes.push({ key: "Username", value: facts.username });
  for (const type of new Set(facts.resources.map(({ ResourceType }) => ResourceType))) {
    attributes.push({ key: "ResourceType", value: type });
  }
  const names = new Set(facts.resources.map(({ ResourceName }) => ResourceName));
  for (const name of [...names]) {
    const id = KEY_ARN.exec(name)?.[1];
    if (id !== undefined) names.add(id);
  }
  for (const name of names) attributes.push({ key: "ResourceName", value: name });
  return attributes;
}

const KEY_ARN = /^arn:[^:]+:kms:[^:]+:[0-9]{12}:key\/(.+)$/;

/** Users go by their names, root users by `root`, sessions by theirs (CloudTrail user guide, Viewing events); services by none. */
function usernameOf(identity: Members): string | undefined {
  const { type, userName, principalId } = identity;
  if (type === "Root") return "root";
  if (type === "AssumedRole" || type === "FederatedUser") return textOf(principalId)?.split(":")[1];
  return textOf(userName);
}

/** The record's own list; of a key that the caller named by its id, the id as well. */
function listedResources({ resources, requestParameters }: Members): readonly EventResource[] {
  if (!Array.isArray(resources)) return [];
  const { keyId } = membersOf(requestParameters);
  return resources.map(membersOf).flatMap(({ type, ARN }) => {
    const ResourceType = textOf(type);
    const ResourceName = textOf(ARN);
    if (ResourceType === undefined || ResourceName === undefined) return [];
    const id = KEY_ARN.exec(ResourceName)?.[1];
    return [
      ...(id !== undefined && id === keyId ? [{ ResourceType, ResourceName: id }] : []),
      { ResourceType, ResourceName },
    ];
  });
}

/** Of services whose records list no resources: the members of the request that name some. */
const REQUESTED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "cloudtrail.amazonaws.com": {
    name: "AWS::CloudTrail::Trail",
    trailName: "AWS::CloudTrail::Trail",
    s3BucketName: "AWS::S3::Bucket",
  },
  "iam.amazonaws.com": {
    userName: "AWS::IAM::User",
    groupName: "AWS::IAM::Group",
    roleName: "AWS::IAM::Role",
    policyArn: "AWS::IAM::Policy",
    accessKeyId: "AWS::IAM::AccessKey",
  },
};

function requestedResources({ eventSource, requestParameters }: Members): readonly EventResource[] {
  const request = membersOf(requestParameters);
  return Object.entries(REQUESTED[String(eventSource)] ?? {}).flatMap(([member, ResourceType]) => {
    const ResourceName = textOf(request[member]);
    return ResourceName === undefined ? [] : [{ ResourceType, ResourceName }];
  });
}

function membersOf(value: unknown): Members {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Members) : {};
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
