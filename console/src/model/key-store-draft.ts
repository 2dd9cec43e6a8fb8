/** A custom key store as the forms fill it in, what is still wrong with it, and what is sent (API reference, CreateCustomKeyStore). */

import type {
  CreateCustomKeyStoreCommandInput,
  UpdateCustomKeyStoreCommandInput,
  XksProxyConnectivityType,
} from "@aws-sdk/client-kms";
import type { KeyStore } from "./key-stores.ts";

/** Fields of forms of both kinds; each kind uses its own. */
export interface StoreDraft {
  readonly name: string;
  readonly connectivity: XksProxyConnectivityType;
  readonly service: string;
  /** The account that has the service; empty for the own one. */
  readonly serviceOwner: string;
  readonly endpoint: string;
  /** What stands before `/kms/xks/v1`. */
  readonly pathPrefix: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly clusterId: string;
  /** The text of `customerCA.crt`. */
  readonly certificate: string;
  readonly password: string;
}

export type StoreField = keyof StoreDraft;

export const NEW_STORE: StoreDraft = {
  name: "",
  connectivity: "PUBLIC_ENDPOINT",
  service: "",
  serviceOwner: "",
  endpoint: "https://",
  pathPrefix: "",
  accessKeyId: "",
  secretAccessKey: "",
  clusterId: "",
  certificate: "",
  password: "",
};

const PATH = "/kms/xks/v1";

/** What a store has; its secrets are never told, so their fields are empty. */
export function draftOfStore(store: KeyStore): StoreDraft {
  const { XksProxyConfiguration: proxy = {} } = store;
  return {
    ...NEW_STORE,
    name: store.CustomKeyStoreName ?? "",
    connectivity: proxy.Connectivity ?? NEW_STORE.connectivity,
    service: proxy.VpcEndpointServiceName ?? "",
    serviceOwner: proxy.VpcEndpointServiceOwner ?? "",
    endpoint: proxy.UriEndpoint ?? NEW_STORE.endpoint,
    pathPrefix: prefixOf(proxy.UriPath ?? PATH),
    accessKeyId: proxy.AccessKeyId ?? "",
    clusterId: store.CloudHsmClusterId ?? "",
  };
}

function prefixOf(path: string): string {
  return path.endsWith(PATH) ? path.slice(0, -PATH.length) : path;
}

/** The path that the API takes. */
export function pathOf({ pathPrefix }: Pick<StoreDraft, "pathPrefix">): string {
  return pathPrefix + PATH;
}

/** The fields that a proxy's configuration file fills in. */
export type ProxyFile = Pick<StoreDraft, "pathPrefix" | "accessKeyId" | "secretAccessKey">;

const FILE_MEMBERS = ["XksProxyUriPath", "XksProxyAuthenticationCredential"];
const CREDENTIAL_MEMBERS = ["AccessKeyId", "RawSecretAccessKey"];

/**
 * Reads the configuration file that a proxy made: JSON with its path and credential, and nothing else (KMS guide, Proxy configuration file).
 *
 * @returns the fields, or what is wrong with the file
 */
export function readProxyFile(text: string): ProxyFile | string {
  const file = membersOf(parsed(text), FILE_MEMBERS);
  const credential = membersOf(file?.["XksProxyAuthenticationCredential"], CREDENTIAL_MEMBERS);
  const path = file?.["XksProxyUriPath"];
  const { AccessKeyId: accessKeyId, RawSecretAccessKey: secretAccessKey } = credential ?? {};
  if (typeof path !== "string" || typeof accessKeyId !== "string" || typeof secretAccessKey !== "string") {
    return "The file has to be JSON with XksProxyUriPath and XksProxyAuthenticationCredential (AccessKeyId and RawSecretAccessKey), and nothing else.";
  }
  if (!path.endsWith(PATH)) return `XksProxyUriPath has to end in ${PATH}.`;
  return { pathPrefix: prefixOf(path), accessKeyId, secretAccessKey };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** An object that has these members and no others. */
function membersOf(value: unknown, names: readonly string[]): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== "object" || value === null || Object.keys(value).length !== names.length) return undefined;
  return names.every((name) => Object.hasOwn(value, name)) ? (value as Record<string, unknown>) : undefined;
}

interface Form {
  readonly draft: StoreDraft;
  /** The store that is edited; absent of one that is to be made. */
  readonly before?: KeyStore;
}

type Problems = Readonly<Partial<Record<StoreField, string>>>;

/** What is wrong with the fields of an external key store, by field. */
export function externalProblems({ draft, before }: Form): Problems {
  const { connectivity, service, serviceOwner, endpoint, pathPrefix, accessKeyId, secretAccessKey } = draft;
  const isCredentialKept = before !== undefined && secretAccessKey === "";
  const hasOther = accessKeyId !== before?.XksProxyConfiguration?.AccessKeyId;
  return problems({
    name: nameProblem(draft),
    service:
      connectivity === "VPC_ENDPOINT_SERVICE" &&
      !/^(?:com|eu)\.amazonaws\.vpce\.(?:[a-z]+-){2,3}\d+\.vpce-svc-[0-9a-z]+$/.test(service) &&
      "Enter a name such as com.amazonaws.vpce.us-east-1.vpce-svc-0a1b2c3d4e5f67890.",
    serviceOwner:
      connectivity === "VPC_ENDPOINT_SERVICE" &&
      serviceOwner !== "" &&
      !/^\d{12}$/.test(serviceOwner) &&
      "An account ID has 12 digits.",
    endpoint:
      !(/^https:\/\/[a-zA-Z0-9.-]+$/.test(endpoint) && endpoint.length <= 128) &&
      "Enter https:// and a host name, without a port or a path.",
    pathPrefix:
      pathPrefix !== "" &&
      !(/^\/[a-zA-Z0-9/_-]+$/.test(pathPrefix) && pathOf(draft).length <= 128) &&
      "A prefix begins with a slash, and has letters, digits, slashes, underscores and dashes.",
    accessKeyId:
      !/^[A-Z2-7]{20,30}$/.test(accessKeyId) && "An access key ID has 20 to 30 uppercase letters and digits 2 to 7.",
    secretAccessKey: isCredentialKept
      ? hasOther && "Enter the secret access key of this access key ID."
      : !/^[a-zA-Z0-9/+=]{43,64}$/.test(secretAccessKey) &&
        "A secret access key has 43 to 64 letters, digits, slashes, plus and equals signs.",
  });
}

/** What is wrong with the fields of a CloudHSM key store, by field. */
export function clusterProblems({ draft, before }: Form): Problems {
  const { clusterId, certificate, password } = draft;
  const isNew = before === undefined;
  return problems({
    name: nameProblem(draft),
    clusterId: !/^cluster-[2-7a-zA-Z]{11,16}$/.test(clusterId) && "Enter an ID such as cluster-1a23b4cdefg.",
    certificate:
      isNew &&
      !(/-----BEGIN CERTIFICATE-----/.test(certificate) && certificate.length <= 5000) &&
      "Choose the file customerCA.crt, with which the cluster was initialized.",
    password:
      (isNew || password !== "") && !/^.{7,32}$/s.test(password) && "The password of kmsuser has 7 to 32 characters.",
  });
}

function nameProblem({ name }: StoreDraft): string | false {
  return !(name !== "" && name.length <= 256) && "Enter a name of at most 256 characters.";
}

function problems(checks: Readonly<Partial<Record<StoreField, string | false>>>): Problems {
  return Object.fromEntries(Object.entries(checks).filter(([, problem]) => problem !== false));
}

/** What CreateCustomKeyStore is asked for an external key store. */
export function createExternalInput(draft: StoreDraft): CreateCustomKeyStoreCommandInput {
  return {
    CustomKeyStoreName: draft.name,
    CustomKeyStoreType: "EXTERNAL_KEY_STORE",
    XksProxyConnectivity: draft.connectivity,
    XksProxyUriEndpoint: draft.endpoint,
    XksProxyUriPath: pathOf(draft),
    XksProxyAuthenticationCredential: credentialOf(draft),
    ...(draft.connectivity === "VPC_ENDPOINT_SERVICE" && {
      XksProxyVpcEndpointServiceName: draft.service,
      ...(draft.serviceOwner !== "" && { XksProxyVpcEndpointServiceOwner: draft.serviceOwner }),
    }),
  };
}

/** What CreateCustomKeyStore is asked for a CloudHSM key store. */
export function createClusterInput(draft: StoreDraft): CreateCustomKeyStoreCommandInput {
  return {
    CustomKeyStoreName: draft.name,
    CustomKeyStoreType: "AWS_CLOUDHSM",
    CloudHsmClusterId: draft.clusterId,
    TrustAnchorCertificate: draft.certificate,
    KeyStorePassword: draft.password,
  };
}

function credentialOf({ accessKeyId, secretAccessKey }: StoreDraft) {
  return { AccessKeyId: accessKeyId, RawSecretAccessKey: secretAccessKey };
}

/** What UpdateCustomKeyStore is asked: what is another than before, and nothing else, for a connected store takes less than others do. */
export function updateInput(store: KeyStore, draft: StoreDraft): UpdateCustomKeyStoreCommandInput {
  const before = draftOfStore(store);
  const isOther = (...fields: readonly StoreField[]): boolean => fields.some((field) => draft[field] !== before[field]);
  const isVpc = draft.connectivity === "VPC_ENDPOINT_SERVICE";
  return {
    CustomKeyStoreId: store.CustomKeyStoreId,
    ...(isOther("name") && { NewCustomKeyStoreName: draft.name }),
    ...(isOther("connectivity") && { XksProxyConnectivity: draft.connectivity }),
    ...(isOther("connectivity", "endpoint") && { XksProxyUriEndpoint: draft.endpoint }),
    ...(isOther("pathPrefix") && { XksProxyUriPath: pathOf(draft) }),
    ...(draft.secretAccessKey !== "" && { XksProxyAuthenticationCredential: credentialOf(draft) }),
    ...(isVpc && isOther("connectivity", "service") && { XksProxyVpcEndpointServiceName: draft.service }),
    ...(isVpc &&
      isOther("connectivity", "serviceOwner") &&
      draft.serviceOwner !== "" && { XksProxyVpcEndpointServiceOwner: draft.serviceOwner }),
    ...(isOther("clusterId") && { CloudHsmClusterId: draft.clusterId }),
    ...(draft.password !== "" && { KeyStorePassword: draft.password }),
  };
}

const SETTINGS: Readonly<Record<string, string>> = {
  NewCustomKeyStoreName: "custom key store name",
  XksProxyConnectivity: "proxy connectivity",
  XksProxyUriEndpoint: "proxy URI endpoint",
  XksProxyUriPath: "proxy URI path",
  XksProxyAuthenticationCredential: "proxy credential",
  XksProxyVpcEndpointServiceName: "VPC endpoint service name",
  XksProxyVpcEndpointServiceOwner: "VPC endpoint service owner",
  CloudHsmClusterId: "CloudHSM cluster ID",
  KeyStorePassword: "password of kmsuser",
};

/** The settings that an update changes, as the message after it names them; empty where it changes none. */
export function changedSettings(input: UpdateCustomKeyStoreCommandInput): readonly string[] {
  return Object.keys(input).flatMap((member) => SETTINGS[member] ?? []);
}
