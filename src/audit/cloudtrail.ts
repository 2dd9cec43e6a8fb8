/** CloudTrail records: the facts of a request as the JSON that each account's trail gets (spec 02). */

import { randomUUID } from "node:crypto";
import type { ServiceError } from "../base/errors.ts";
import type { Principal } from "../identity/principal.ts";
import { invokedBy } from "../pipeline/forwarding.ts";
import type { Call, Client, Entry, InternalEntry } from "../pipeline/operation.ts";
import { ec2Error } from "../wire/ec2-query.ts";
import { renderValue } from "./record-values.ts";

/** The version whose shape is written uniformly (spec 02, Top-level fields, NEWER). */
const VERSION = '{"eventVersion":"1.11","userIdentity":';
const INTERNAL = "AWS Internal";
const MANAGEMENT = '"managementEvent":true';
const CATEGORY = '"eventCategory":"Management"';

/** The type that a service's resources have in records; aliases, too, are `AWS::KMS::Key` there (spec 02, Easily missed). */
const RESOURCE_TYPES: ReadonlyMap<string, string> = new Map([
  ["kms", "AWS::KMS::Key"],
  ["s3", "AWS::S3::Bucket"],
  ["sts", "AWS::IAM::Role"],
]);

/** What a caller of ours is called in the records of its own account, by principal. */
const identities = new WeakMap<Principal, string>();

/** One record, ready to be kept. */
export interface RenderedRecord {
  /** Whose trail it is for. */
  readonly account: string;
  readonly eventId: string;
  /** JSON text without line breaks. */
  readonly json: string;
}

/**
 * Writes the records of one request or internal operation: the caller's first, then one for each other account whose
 * resources it was about. They share a `sharedEventID` and differ in `eventID` and `recipientAccountId` (CloudTrail user
 * guide, Example sharedEventID); an owner sees of a stranger the account and the principal's unique id alone (`AWSAccount`,
 * CloudTrail userIdentity element). A service that called by itself is named to everybody, and its records always have the id. A request that was denied is told to the caller's account only (KMS guide, Logging).
 *
 * @param newId makes each record's `eventID`, by which it is known wherever it is delivered
 * @throws TypeError when a member holds bytes or another value that no record may hold
 */
export function renderRecords(
  entry: Entry | InternalEntry,
  newId: () => string = randomUUID,
): readonly RenderedRecord[] {
  return "call" in entry ? renderCall(entry, newId) : [renderInternal(entry, newId())];
}

function renderCall(entry: Entry, newId: () => string): readonly RenderedRecord[] {
  const { call } = entry;
  const caller = call.principal.account;
  const own = identityOf(call.principal, entry.invokedBy ?? invokedBy(call));
  const facts = renderFacts(entry);
  const outcome = renderOutcome(entry);
  const owners = otherAccounts(entry, caller);
  if (owners.length === 0 && call.principal.kind !== "service")
    return [assemble({ identity: own, facts, outcome, eventId: newId(), account: caller, entry })];
  const sharedId = newId();
  const stranger =
    call.principal.kind === "service"
      ? own
      : `{"type":"AWSAccount","principalId":${JSON.stringify(call.principal.uniqueId)},"accountId":"${caller}"}`;
  return [caller, ...owners].map((account) => {
    const identity = account === caller ? own : stranger;
    return assemble({ identity, facts, outcome, eventId: newId(), account, sharedId, entry });
  });
}

interface Parts {
  readonly identity: string;
  readonly facts: string;
  readonly outcome: string;
  readonly eventId: string;
  readonly account: string;
  readonly sharedId?: string;
  readonly entry: Entry;
}

function assemble({ identity, facts, outcome, eventId, account, sharedId, entry }: Parts): RenderedRecord {
  const shared = sharedId === undefined ? "" : `"sharedEventID":"${sharedId}",`;
  const json = `${VERSION}${identity}${facts}${eventId}${outcome}"recipientAccountId":"${account}",${shared}${vpcEndpointId(entry.call.client)}${CATEGORY}${tlsDetails(entry.call.client)}}`;
  return { account, eventId, json };
}

/** From `eventTime` to the opening quote of `eventID`. */
function renderFacts({ call, request, response, additional, error }: Entry): string {
  const { client } = call;
  const agent = client.userAgent === undefined ? "" : `,"userAgent":${JSON.stringify(client.userAgent)}`;
  let text = `,"eventTime":"${eventTime(call.now)}","eventSource":"${call.service}.amazonaws.com","eventName":${JSON.stringify(call.operation)},"awsRegion":"${call.region}","sourceIPAddress":${JSON.stringify(client.address)}${agent}`;
  if (error !== undefined) {
    const { code, message } = recordedError(call, error);
    text += `,"errorCode":${JSON.stringify(code)}`;
    if (message !== "") text += `,"errorMessage":${JSON.stringify(message)}`;
  }
  const told = error !== undefined && UNTOLD.has(call.service) && isOfPolicies(error) ? null : request;
  text += `,"requestParameters":${renderValue(told)},"responseElements":${renderValue(response)}`;
  if (additional !== undefined) text += `,"additionalEventData":${renderValue(additional)}`;
  return `${text},"requestID":"${call.requestId}","eventID":"`;
}

const WEB_IDENTITY = "AssumeRoleWithWebIdentity";
/** What records say instead of the answer's text where that is denied. */
const UNKNOWN = "An unknown error occurred";

/** Services whose records have no `requestParameters` where policies don't allow a call (published records; S3's, EC2's and AssumeRoleWithWebIdentity's have them). */
const UNTOLD = new Set(["iam", "sts", "secretsmanager"]);

function isDenial({ code }: ServiceError): boolean {
  return code === "AccessDeniedException";
}

function isOfPolicies(error: ServiceError): boolean {
  return isDenial(error) && error.message.startsWith("User: ");
}

/**
 * A denial is `AccessDenied` in records, also of services whose answers say `AccessDeniedException` (published records of
 * KMS, Secrets Manager and Step Functions). EC2 writes every code behind whose fault it is (`Client.UnauthorizedOperation`).
 */
function recordedError(call: Call, error: ServiceError): { readonly code: string; readonly message: string } {
  if (call.service === "ec2") {
    const { code, status, message } = ec2Error(error);
    return { code: `${status < 500 ? "Client" : "Server"}.${code}`, message };
  }
  if (!isDenial(error)) return error;
  return { code: "AccessDenied", message: call.operation === WEB_IDENTITY ? UNKNOWN : error.message };
}

/** From the closing quote of `eventID` to `managementEvent`. */
function renderOutcome({ call, readOnly, resources }: Entry): string {
  const list = resources === undefined ? "" : `"resources":${renderResources(call.service, resources)},`;
  return `","readOnly":${readOnly},${list}"eventType":"${isOfTrail(call) ? "AwsServiceEvent" : "AwsApiCall"}",${MANAGEMENT},`;
}

/** What CloudTrail asks of KMS for a trail is an event of the service; what other services ask by themselves are calls (spec 07). */
function isOfTrail({ principal }: Call): boolean {
  return principal.kind === "service" && principal.service === "cloudtrail.amazonaws.com";
}

function renderInternal(entry: InternalEntry, eventId: string): RenderedRecord {
  const { service, event, account, region, now, response, resources, invokedBy = INTERNAL, details, requestId } = entry;
  const additional = entry.additional === undefined ? "" : `"additionalEventData":${renderValue(entry.additional)},`;
  const identity = `{"accountId":"${account}","invokedBy":"${invokedBy}"}`;
  const request = requestId === undefined ? "" : `"requestID":"${requestId}",`;
  const eventType = requestId === undefined ? "AwsServiceEvent" : "AwsApiCall";
  const list = resources === undefined ? "" : `"resources":${renderResources(service, resources)},`;
  const serviceEventDetails = details === undefined ? "" : `"serviceEventDetails":${renderValue(details)},`;
  const json = `${VERSION}${identity},"eventTime":"${eventTime(now)}","eventSource":"${service}.amazonaws.com","eventName":${JSON.stringify(event)},"awsRegion":"${region}","sourceIPAddress":"${invokedBy}","userAgent":"${invokedBy}","requestParameters":null,"responseElements":${renderValue(response)},${additional}${request}"eventID":"${eventId}","readOnly":false,${list}"eventType":"${eventType}","recipientAccountId":"${account}",${serviceEventDetails}${MANAGEMENT},${CATEGORY}}`;
  return { account, eventId, json };
}

function renderResources(service: string, resources: NonNullable<Entry["resources"]>): string {
  const type = RESOURCE_TYPES.get(service);
  const label = type === undefined ? "" : `"type":"${type}",`;
  let text = "";
  for (const { arn, account } of resources) {
    text += `${text === "" ? "[" : ","}{"accountId":"${account}",${label}"ARN":${JSON.stringify(arn)}}`;
  }
  return text === "" ? "[]" : `${text}]`;
}

/** The accounts beside the caller's that get a record, each once. */
function otherAccounts({ resources, error }: Entry, caller: string): readonly string[] {
  if (resources === undefined || (error !== undefined && isDenial(error))) return [];
  if (resources.every(({ account }) => account === caller)) return [];
  return [...new Set(resources.map(({ account }) => account))].filter((account) => account !== caller);
}

/** A service principal names itself, whatever its call came through. */
function identityOf(principal: Principal, invokedBy?: string): string {
  if (invokedBy !== undefined && principal.kind !== "service")
    return `${identityOf(principal).slice(0, -1)},"invokedBy":${JSON.stringify(invokedBy)}}`;
  const known = identities.get(principal);
  if (known !== undefined) return known;
  const identity = JSON.stringify(identityFacts(principal));
  identities.set(principal, identity);
  return identity;
}

/** userIdentity (CloudTrail user guide, userIdentity element; spec 02, userIdentity shapes). */
function identityFacts(principal: Principal): Readonly<Record<string, unknown>> {
  if (principal.kind === "service") return { type: "AWSService", invokedBy: principal.service };
  const common = {
    principalId: principal.uniqueId,
    arn: principal.arn,
    accountId: principal.account,
    accessKeyId: principal.accessKeyId,
  };
  const session = sessionContext(principal);
  switch (principal.kind) {
    case "root":
      return { type: "Root", ...common, ...session };
    case "user":
      return { type: "IAMUser", ...common, userName: principal.name, ...session };
    case "assumed-role":
      return { type: "AssumedRole", ...common, ...session };
    case "federated-user":
      return { type: "FederatedUser", ...common, ...session };
    case "web-identity": {
      const { uniqueId: principalId, subject: userName, federated: identityProvider } = principal;
      return { type: "WebIdentityUser", principalId, userName, identityProvider };
    }
  }
}

function sessionContext(principal: Principal): { readonly sessionContext?: Readonly<Record<string, unknown>> } {
  const { session } = principal;
  if (session === undefined) return {};
  return {
    sessionContext: {
      ...(session.provider !== undefined && { webIdFederationData: { federatedProvider: session.provider } }),
      ...sessionIssuer(principal),
      attributes: { creationDate: eventTime(session.issuedAt), mfaAuthenticated: String(session.mfaAt !== undefined) },
      ...(session.sourceIdentity !== undefined && { sourceIdentity: session.sourceIdentity }),
    },
  };
}

/** On whom a session of a role or of a federated user rests. */
function sessionIssuer(principal: Principal): { readonly sessionIssuer?: Readonly<Record<string, string>> } {
  const { account: accountId, baseArn: arn } = principal;
  if (arn === undefined) return {};
  const kind = principal.kind === "assumed-role" ? "Role" : arn.endsWith(":root") ? "Root" : "IAMUser";
  const principalId = principal.kind === "root" ? accountId : (principal.identityId ?? accountId);
  const userName = arn.slice(arn.lastIndexOf("/") + 1);
  return { sessionIssuer: { type: kind, principalId, arn, accountId, ...(kind !== "Root" && { userName }) } };
}

function vpcEndpointId({ vpcEndpoint }: Client): string {
  return vpcEndpoint === undefined ? "" : `"vpcEndpointId":${JSON.stringify(vpcEndpoint)},`;
}

function tlsDetails({ tls, host }: Client): string {
  if (tls === undefined) return "";
  const { version, cipherSuite, keyExchange } = tls;
  const exchange = keyExchange === undefined ? "" : `,"keyExchange":${JSON.stringify(keyExchange)}`;
  return `,"tlsDetails":{"tlsVersion":${JSON.stringify(version)},"cipherSuite":${JSON.stringify(cipherSuite)},"clientProvidedHostHeader":${JSON.stringify(host)}${exchange}}`;
}

const latest = { second: Number.NaN, text: "" };

/** ISO 8601, whole seconds, `Z`. Requests of one second share the text. */
function eventTime(now: number): string {
  const second = Math.floor(now / 1000);
  if (second !== latest.second) {
    latest.text = `${new Date(second * 1000).toISOString().slice(0, 19)}Z`;
    latest.second = second;
  }
  return latest.text;
}
