/** What conditions may ask of a request: the global keys that every request carries, and those of its service. */

import { organizationPath } from "../access/sources.ts";
import type { Principal } from "../identity/principal.ts";
import type { ProviderKeys } from "../identity/session.ts";
import type { ConditionContext } from "../policy/context.ts";
import type { VpcEndpointRow } from "../storage/identity-schema.ts";
import type { Reader } from "../storage/store.ts";
import { servicePrincipal } from "./forwarding.ts";
import type { Call, Client, Resource } from "./operation.ts";

/** What global keys look at. */
export interface RequestFacts {
  readonly call: Call;
  readonly resource: Resource;
  readonly reader: Reader;
}

type GlobalKey = (facts: RequestFacts) => string | readonly string[] | undefined;

const SECOND_MS = 1000;

/** Such as `2026-01-01T00:00:00Z`. */
function isoSeconds(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, "2026-01-01T00:00:00".length)}Z`;
}

const PRINCIPAL_TYPES: Readonly<Record<Principal["kind"], string | undefined>> = {
  root: "Account",
  user: "User",
  "assumed-role": "AssumedRole",
  "federated-user": "FederatedUser",
  "web-identity": "FederatedUser",
  service: undefined,
};

/**
 * The global condition keys of requests that people sign themselves, and that services make for them (IAM guide, Global
 * condition keys), in lower case.
 *
 * Absent, as on AWS: `aws:username` of all but IAM users, `aws:MultiFactorAuthPresent`, `aws:TokenIssueTime` and
 * `aws:FederatedProvider` of long-term credentials, `aws:SourceArn`, `aws:SourceAccount`, `aws:SourceOrgID` and `aws:SourceOrgPaths` of direct
 * calls and of what a service forwards for its caller, `aws:CalledVia` of direct calls, `aws:SourceVpc…` and `aws:Vpce…` outside VPC endpoints, `aws:SourceIp` inside them and of what a service forwards,
 * `aws:PrincipalArn` and what is of the principal's account of services and of requests that nobody signed. A role's `aws:PrincipalArn` is the role's, not the session's.
 */
const globalKeys: ReadonlyMap<string, GlobalKey> = new Map<string, GlobalKey>([
  ["aws:currenttime", ({ call }) => isoSeconds(call.now)],
  ["aws:epochtime", ({ call }) => String(Math.floor(call.now / SECOND_MS))],
  [
    "aws:securetransport",
    ({ call }) => String(call.client.tls !== undefined || call.via !== undefined || call.principal.kind === "service"),
  ],
  ["aws:sourceip", ({ call }) => (isDirect(call) ? addressOf(call) : undefined)],
  ["aws:vpcsourceip", ({ call }) => (call.client.vpcEndpoint === undefined ? undefined : addressOf(call))],
  ["aws:sourcevpce", ({ call }) => call.client.vpcEndpoint],
  ["aws:sourcevpc", ({ call: { client }, reader }) => findEndpoint(client, reader)?.vpc_id],
  ["aws:sourcevpcarn", ({ call, reader }) => vpcArn(call.partition, findEndpoint(call.client, reader))],
  ["aws:vpceaccount", ({ call: { client }, reader }) => findEndpoint(client, reader)?.account],
  ["aws:vpceorgid", ({ call: { client }, reader }) => organizationOf(findEndpoint(client, reader)?.account, reader)],
  [
    "aws:vpceorgpaths",
    ({ call: { client }, reader }) => organizationPathOf(findEndpoint(client, reader)?.account, reader),
  ],
  ["aws:useragent", ({ call }) => call.client.userAgent],
  ["aws:referer", ({ call }) => call.client.referer],
  ["aws:requestedregion", ({ call, resource }) => resource.region ?? call.region],
  ["aws:principalarn", ({ call: { principal } }) => arnOf(principal)],
  ["aws:principalaccount", ({ call }) => accountOf(call)],
  ["aws:principaltype", ({ call }) => PRINCIPAL_TYPES[call.principal.kind]],
  ["aws:principalisawsservice", ({ call }) => String(call.principal.kind === "service")],
  [
    "aws:principalservicename",
    ({ call: { principal } }) => (principal.kind === "service" ? principal.service : undefined),
  ],
  [
    "aws:principalservicenameslist",
    ({ call: { principal } }) => (principal.kind === "service" ? [principal.service] : undefined),
  ],
  ["aws:sourcearn", ({ call: { principal } }) => (principal.kind === "service" ? principal.sourceArn : undefined)],
  ["aws:sourceaccount", ({ call: { principal } }) => (principal.kind === "service" ? principal.account : undefined)],
  [
    "aws:sourceorgid",
    ({ call: { principal }, reader }) =>
      principal.kind === "service" ? organizationOf(principal.account, reader) : undefined,
  ],
  [
    "aws:sourceorgpaths",
    ({ call: { principal }, reader }) =>
      principal.kind === "service" ? organizationPathOf(principal.account, reader) : undefined,
  ],
  ["aws:userid", ({ call }) => call.principal.uniqueId],
  ["aws:username", ({ call: { principal } }) => (principal.kind === "user" ? principal.name : undefined)],
  ["aws:viaawsservice", ({ call }) => String(call.via !== undefined)],
  ["aws:calledvia", ({ call }) => call.via?.map(servicePrincipal)],
  ["aws:calledviafirst", ({ call }) => call.via && servicePrincipal(call.via[0])],
  ["aws:calledvialast", ({ call }) => call.via && servicePrincipal(call.via.at(-1) ?? call.via[0])],
  ["aws:tokenissuetime", ({ call: { principal } }) => principal.session && isoSeconds(principal.session.issuedAt)],
  [
    "aws:multifactorauthpresent",
    ({ call: { principal } }) => principal.session && String(principal.session.mfaAt !== undefined),
  ],
  [
    "aws:multifactorauthage",
    ({ call: { principal, now } }) => {
      const at = principal.session?.mfaAt;
      return at === undefined ? undefined : String(Math.floor((now - at) / SECOND_MS));
    },
  ],
  ["aws:sourceidentity", ({ call }) => call.principal.session?.sourceIdentity],
  [
    "aws:federatedprovider",
    ({ call: { principal } }) =>
      principal.kind === "web-identity" ? principal.federated : principal.session?.provider,
  ],
  ["aws:principalorgid", ({ call, reader }) => organizationOf(accountOf(call), reader)],
  ["aws:principalorgpaths", ({ call, reader }) => organizationPathOf(accountOf(call), reader)],
  ["aws:resourceaccount", ({ resource }) => resource.account],
  ["aws:resourceorgid", ({ resource, reader }) => organizationOf(resource.account, reader)],
  ["aws:resourceorgpaths", ({ resource, reader }) => organizationPathOf(resource.account, reader)],
]);

/** Whether somebody sent it over the network, and not through a VPC endpoint. */
function isDirect({ client, via, principal }: Call): boolean {
  return client.vpcEndpoint === undefined && via === undefined && principal.kind !== "service";
}

function addressOf({ client }: Call): string | undefined {
  return client.address.split("%")[0];
}

function findEndpoint({ vpcEndpoint }: Client, reader: Reader): VpcEndpointRow | undefined {
  return vpcEndpoint === undefined ? undefined : reader.find("vpcEndpoint", vpcEndpoint);
}

/** Of the VPC of an endpoint. */
function vpcArn(partition: string, endpoint: VpcEndpointRow | undefined): string | undefined {
  return endpoint && `arn:${partition}:ec2:${endpoint.region}:${endpoint.account}:vpc/${endpoint.vpc_id}`;
}

/** Whether somebody signed as a principal of an account: no service does, nor who comes with a token of an identity provider. */
function isOfAccount({ kind }: Principal): boolean {
  return kind !== "service" && kind !== "web-identity";
}

/** The caller's ARN; that of a session's role in its place. */
function arnOf(principal: Principal): string | undefined {
  if (!isOfAccount(principal)) return undefined;
  return principal.kind === "assumed-role" ? principal.baseArn : principal.arn;
}

/** The caller's account. */
function accountOf({ principal }: Call): string | undefined {
  return isOfAccount(principal) ? principal.account : undefined;
}

function organizationOf(account: string | undefined, reader: Reader): string | undefined {
  return account === undefined ? undefined : reader.find("organizationNode", account)?.organization;
}

/** Such as `o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/`. */
function organizationPathOf(account: string | undefined, reader: Reader): readonly string[] | undefined {
  const [node, ...above] = account === undefined ? [] : organizationPath(account, reader);
  if (node === undefined) return undefined;
  return [`${[node.organization, ...above.map(({ id }) => id).reverse()].join("/")}/`];
}

const PRINCIPAL_TAG = "aws:principaltag/";

/** A tag of the caller: of the session, else of its role or user. Tag keys are compared without regard to case. */
function principalTag(name: string, { principal }: Call, reader: Reader): string | undefined {
  const isNamed = ({ key }: { readonly key: string }): boolean => key.toLowerCase() === name;
  const ofSession = principal.session?.tags.find(isNamed);
  if (ofSession !== undefined) return ofSession.value;
  if (principal.kind === "root" || principal.identityId === undefined) return undefined;
  return reader.find("identity", principal.identityId)?.tags.find(isNamed)?.value;
}

/**
 * The context of one decision. Nothing is computed before it is asked for, and nothing twice.
 *
 * @param serviceKeys the keys that the service declares; asked for what is no global key, in lower case
 */
export function requestContext(facts: RequestFacts, serviceKeys?: ConditionContext): ConditionContext {
  let known: Map<string, readonly string[] | undefined> | undefined;
  return (key) => {
    known ??= new Map();
    let values = known.get(key);
    if (values === undefined && !known.has(key)) {
      values = valuesOf(key, facts, serviceKeys);
      known.set(key, values);
    }
    return values;
  };
}

function valuesOf(
  key: string,
  facts: RequestFacts,
  serviceKeys: ConditionContext | undefined,
): readonly string[] | undefined {
  const { call, reader } = facts;
  const global = globalKeys.get(key);
  if (global !== undefined) return listOf(global(facts));
  if (key.startsWith(PRINCIPAL_TAG)) return listOf(principalTag(key.slice(PRINCIPAL_TAG.length), call, reader));
  const ofProvider = providerKeysOf(call.principal);
  return ofProvider !== undefined && Object.hasOwn(ofProvider, key) ? listOf(ofProvider[key]) : serviceKeys?.(key);
}

/** What the token of an identity provider says, during the call that brings it and in the session that comes of it. */
function providerKeysOf(principal: Principal): ProviderKeys | undefined {
  return principal.kind === "web-identity" ? principal.providerKeys : principal.session?.providerKeys;
}

function listOf(value: string | readonly string[] | undefined): readonly string[] | undefined {
  return typeof value === "string" ? [value] : value;
}
