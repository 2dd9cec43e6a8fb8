/** What the console's pages of custom key stores take, send and draw, and what a key's grants and explanations are made of. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { accessAnswer, actionsToAsk, isQuestion, simulationInput } from "../../console/src/model/access-question.ts";
import { breadcrumbsOf } from "../../console/src/model/breadcrumbs.ts";
import {
  constraintsText,
  createGrantInput,
  type GrantDraft,
  grantOperations,
  isGrantDone,
  NEW_GRANT,
} from "../../console/src/model/grant-draft.ts";
import { createKeyInput, isStepDone, NEW_DRAFT, withOrigin, withUsage } from "../../console/src/model/key-draft.ts";
import {
  changedSettings,
  clusterProblems,
  createClusterInput,
  createExternalInput,
  draftOfStore,
  externalProblems,
  NEW_STORE,
  readProxyFile,
  type StoreDraft,
  updateInput,
} from "../../console/src/model/key-store-draft.ts";
import {
  freeClusters,
  type KeyStore,
  storeActionProblem,
  storeActions,
  storeCell,
  storeColumns,
  storesOfKind,
  withHsms,
} from "../../console/src/model/key-stores.ts";
import {
  DEFAULT_PERIOD_SECONDS,
  DEFAULT_RANGE_HOURS,
  graphsOf,
  queriesOf,
  RANGES,
  seriesOf,
  spanBefore,
  type XksSeries,
} from "../../console/src/model/xks-graphs.ts";

const CREDENTIAL = { AccessKeyId: "ABCDEFGHIJKLMNOPQRST", RawSecretAccessKey: "a".repeat(43) };
const SERVICE = "com.amazonaws.vpce.us-east-1.vpce-svc-0a1b2c3d";

const external: KeyStore = {
  CustomKeyStoreId: "cks-1",
  CustomKeyStoreName: "vault",
  CustomKeyStoreType: "EXTERNAL_KEY_STORE",
  ConnectionState: "DISCONNECTED",
  XksProxyConfiguration: {
    Connectivity: "PUBLIC_ENDPOINT",
    AccessKeyId: CREDENTIAL.AccessKeyId,
    UriEndpoint: "https://proxy.example.net",
    UriPath: "/team/kms/xks/v1",
  },
};
const cluster: KeyStore = {
  CustomKeyStoreId: "cks-2",
  CustomKeyStoreName: "hsm",
  CustomKeyStoreType: "AWS_CLOUDHSM",
  CloudHsmClusterId: "cluster-abcdefghijk",
  ConnectionState: "DISCONNECTED",
};
const proxyDraft = (input: Partial<StoreDraft> = {}): StoreDraft => ({
  ...NEW_STORE,
  name: "vault",
  endpoint: "https://proxy.example.net",
  accessKeyId: CREDENTIAL.AccessKeyId,
  secretAccessKey: CREDENTIAL.RawSecretAccessKey,
  ...input,
});

describe("a proxy's configuration file", () => {
  it("S06b-038 fills in path prefix and credential", () => {
    const file = { XksProxyUriPath: "/team/kms/xks/v1", XksProxyAuthenticationCredential: CREDENTIAL };
    assert.deepEqual(readProxyFile(JSON.stringify(file)), {
      pathPrefix: "/team",
      accessKeyId: CREDENTIAL.AccessKeyId,
      secretAccessKey: CREDENTIAL.RawSecretAccessKey,
    });
  });

  for (const { title, text } of [
    { title: "no JSON", text: "path: /kms/xks/v1" },
    { title: "no path", text: JSON.stringify({ XksProxyAuthenticationCredential: CREDENTIAL }) },
    {
      title: "another member beside the two",
      text: JSON.stringify({
        XksProxyUriPath: "/kms/xks/v1",
        XksProxyAuthenticationCredential: CREDENTIAL,
        XksProxyUriEndpoint: "https://x.example.net",
      }),
    },
    {
      title: "half a credential",
      text: JSON.stringify({ XksProxyUriPath: "/kms/xks/v1", XksProxyAuthenticationCredential: { AccessKeyId: "A" } }),
    },
    {
      title: "a path of another version",
      text: JSON.stringify({ XksProxyUriPath: "/kms/xks/v2", XksProxyAuthenticationCredential: CREDENTIAL }),
    },
    { title: "a list", text: "[]" },
    { title: "nothing", text: "null" },
  ]) {
    it(`is refused with ${title}`, () => assert.equal(typeof readProxyFile(text), "string"));
  }
});

describe("the form of an external key store", () => {
  for (const { title, input, field } of [
    { title: "no name", input: { name: "" }, field: "name" },
    { title: "an endpoint with a port", input: { endpoint: "https://proxy.example.net:443" }, field: "endpoint" },
    { title: "an endpoint with a path", input: { endpoint: "https://proxy.example.net/" }, field: "endpoint" },
    { title: "an endpoint without TLS", input: { endpoint: "http://proxy.example.net" }, field: "endpoint" },
    { title: "a prefix without a slash", input: { pathPrefix: "team" }, field: "pathPrefix" },
    { title: "a prefix that is too long", input: { pathPrefix: `/${"a".repeat(117)}` }, field: "pathPrefix" },
    { title: "a short access key ID", input: { accessKeyId: "ABC" }, field: "accessKeyId" },
    { title: "no secret", input: { secretAccessKey: "" }, field: "secretAccessKey" },
    { title: "no service", input: { connectivity: "VPC_ENDPOINT_SERVICE" }, field: "service" },
    {
      title: "an owner of eleven digits",
      input: { connectivity: "VPC_ENDPOINT_SERVICE", service: SERVICE, serviceOwner: "11112222333" },
      field: "serviceOwner",
    },
  ] satisfies readonly { title: string; input: Partial<StoreDraft>; field: string }[]) {
    it(`tells of ${title}`, () =>
      assert.deepEqual(Object.keys(externalProblems({ draft: proxyDraft(input) })), [field]));
  }

  it("is sent with what belongs to the connectivity", () => {
    assert.deepEqual(externalProblems({ draft: proxyDraft({ pathPrefix: `/${"a".repeat(116)}` }) }), {});
    const input = {
      CustomKeyStoreName: "vault",
      CustomKeyStoreType: "EXTERNAL_KEY_STORE",
      XksProxyConnectivity: "PUBLIC_ENDPOINT",
      XksProxyUriEndpoint: "https://proxy.example.net",
      XksProxyUriPath: "/kms/xks/v1",
      XksProxyAuthenticationCredential: CREDENTIAL,
    };
    assert.deepEqual(createExternalInput(proxyDraft({ service: SERVICE })), input);
    assert.deepEqual(createExternalInput(proxyDraft({ connectivity: "VPC_ENDPOINT_SERVICE", service: SERVICE })), {
      ...input,
      XksProxyConnectivity: "VPC_ENDPOINT_SERVICE",
      XksProxyVpcEndpointServiceName: SERVICE,
    });
  });

  it("sends of an edited store what was changed, the credential as a whole and connectivity with its endpoint", () => {
    const before = draftOfStore(external);
    assert.deepEqual(externalProblems({ draft: before, before: external }), {});
    assert.deepEqual(changedSettings(updateInput(external, before)), []);
    const problems = externalProblems({ draft: { ...before, accessKeyId: "Z".repeat(20) }, before: external });
    assert.deepEqual(Object.keys(problems), ["secretAccessKey"]);
    const renamed = updateInput(external, { ...before, name: "safe", pathPrefix: "" });
    assert.deepEqual(renamed, {
      CustomKeyStoreId: "cks-1",
      NewCustomKeyStoreName: "safe",
      XksProxyUriPath: "/kms/xks/v1",
    });
    assert.deepEqual(changedSettings(renamed), ["custom key store name", "proxy URI path"]);
    const moved = { ...before, connectivity: "VPC_ENDPOINT_SERVICE" as const, service: SERVICE };
    assert.deepEqual(updateInput(external, { ...moved, secretAccessKey: CREDENTIAL.RawSecretAccessKey }), {
      CustomKeyStoreId: "cks-1",
      XksProxyConnectivity: "VPC_ENDPOINT_SERVICE",
      XksProxyUriEndpoint: "https://proxy.example.net",
      XksProxyAuthenticationCredential: CREDENTIAL,
      XksProxyVpcEndpointServiceName: SERVICE,
    });
  });
});

describe("the form of a CloudHSM key store", () => {
  const draft: StoreDraft = {
    ...NEW_STORE,
    name: "hsm",
    clusterId: "cluster-abcdefghijk",
    certificate: "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
    password: "seven77",
  };

  it("S06a-029 is sent with cluster, certificate and password", () => {
    assert.deepEqual(clusterProblems({ draft }), {});
    assert.deepEqual(createClusterInput(draft), {
      CustomKeyStoreName: "hsm",
      CustomKeyStoreType: "AWS_CLOUDHSM",
      CloudHsmClusterId: "cluster-abcdefghijk",
      TrustAnchorCertificate: draft.certificate,
      KeyStorePassword: "seven77",
    });
  });

  for (const { title, input, field } of [
    { title: "another ID", input: { clusterId: "cks-1" }, field: "clusterId" },
    { title: "a file that is no certificate", input: { certificate: "MIIB" }, field: "certificate" },
    { title: "a password of six characters", input: { password: "sixsix" }, field: "password" },
    { title: "a password of 33 characters", input: { password: "x".repeat(33) }, field: "password" },
  ]) {
    it(`tells of ${title}`, () =>
      assert.deepEqual(Object.keys(clusterProblems({ draft: { ...draft, ...input } })), [field]));
  }

  it("S06a-029 is edited by name, cluster and password, of which an empty one stays", () => {
    const before = draftOfStore(cluster);
    assert.deepEqual(clusterProblems({ draft: before, before: cluster }), {});
    assert.deepEqual(updateInput(cluster, { ...before, clusterId: "cluster-zzzzzzzzzzz", password: "another" }), {
      CustomKeyStoreId: "cks-2",
      CloudHsmClusterId: "cluster-zzzzzzzzzzz",
      KeyStorePassword: "another",
    });
  });
});

describe("key store actions", () => {
  const possible = (store: KeyStore): string =>
    storeActions.flatMap(({ id }) => (storeActionProblem(id, store) === undefined ? id : [])).join(" ");

  for (const { state, ofExternal, ofCluster } of [
    { state: "DISCONNECTED", ofExternal: "connect edit delete", ofCluster: "connect edit delete" },
    { state: "CONNECTING", ofExternal: "disconnect", ofCluster: "disconnect" },
    { state: "CONNECTED", ofExternal: "disconnect edit", ofCluster: "disconnect" },
    { state: "DISCONNECTING", ofExternal: "", ofCluster: "" },
    { state: "FAILED", ofExternal: "disconnect", ofCluster: "disconnect" },
  ] as const) {
    it(`S06a-029 are offered as far as ${state} lets them`, () => {
      assert.equal(possible({ ...external, ConnectionState: state }), ofExternal);
      assert.equal(possible({ ...cluster, ConnectionState: state }), ofCluster);
    });
  }

  it("are there for a store that is ticked", () => {
    for (const { id } of storeActions) assert.equal(storeActionProblem(id, undefined), "Select a key store.");
  });
});

describe("the lists of key stores", () => {
  it("S06a-029 have the stores of their kind, with the columns that these have", () => {
    const other = { ...external, CustomKeyStoreId: "cks-3", CustomKeyStoreName: "attic" };
    assert.deepEqual(storesOfKind([external, cluster, other], "EXTERNAL_KEY_STORE"), [other, external]);
    const row = (store: KeyStore, kind: keyof typeof storeColumns) =>
      storeColumns[kind].shown.map((column) => storeCell(store, column));
    assert.deepEqual(row(cluster, "AWS_CLOUDHSM"), ["hsm", "cks-2", "Disconnected", "cluster-abcdefghijk", "-"]);
    assert.deepEqual(row(external, "EXTERNAL_KEY_STORE"), [
      "vault",
      "cks-1",
      "Disconnected",
      "Public endpoint",
      "https://proxy.example.net",
    ]);
  });

  it("stand above the pages of their stores", () => {
    const way = (path: string) => breadcrumbsOf(path).map(({ text }) => text);
    assert.deepEqual(way("keyStores/cloudhsm"), ["KMS", "AWS CloudHSM key stores"]);
    assert.deepEqual(way("keyStores/external/create"), ["KMS", "External key stores", "Create external key store"]);
    assert.deepEqual(way("keyStores/external/cks-1/edit"), [
      "KMS",
      "External key stores",
      "Key store ID: cks-1",
      "Edit",
    ]);
  });
});

describe("CloudHSM clusters", () => {
  const clusters = [
    { ClusterId: "cluster-abcdefghijk", Hsms: [{}, {}] },
    { ClusterId: "cluster-zzzzzzzzzzz", Hsms: [] },
  ];

  it("S06a-029 are counted by their HSMs, and offered as long as no store has them", () => {
    const counted = withHsms([cluster, external], clusters);
    assert.deepEqual(
      counted.map((store) => storeCell(store, "hsms")),
      ["2", "-"],
    );
    assert.deepEqual(freeClusters(clusters, [cluster, external], undefined), ["cluster-zzzzzzzzzzz"]);
    assert.deepEqual(freeClusters(clusters, [cluster], cluster.CloudHsmClusterId), [
      "cluster-abcdefghijk",
      "cluster-zzzzzzzzzzz",
    ]);
  });
});

describe("a key of a custom key store", () => {
  const owner = { account: "111122223333", partition: "aws" };

  it("S06a-029 is a symmetric encryption key of one Region, and goes on once its store is chosen", () => {
    const draft = withOrigin({ ...NEW_DRAFT, multiRegion: true }, "AWS_CLOUDHSM", "aws");
    assert.equal(draft.multiRegion, false);
    assert.deepEqual([isStepDone("configure", draft, owner), isStepDone("store", draft, owner)], [true, false]);
    const chosen = { ...draft, keyStoreId: "cks-2" };
    assert.ok(isStepDone("store", chosen, owner));
    const { Policy: _policy, ...input } = createKeyInput(chosen, owner);
    assert.deepEqual(input, {
      KeySpec: "SYMMETRIC_DEFAULT",
      KeyUsage: "ENCRYPT_DECRYPT",
      Origin: "AWS_CLOUDHSM",
      CustomKeyStoreId: "cks-2",
    });
    assert.equal(withUsage(chosen, "Symmetric", "GENERATE_VERIFY_MAC", "aws").origin, "AWS_KMS");
    assert.equal(
      withUsage(withOrigin(NEW_DRAFT, "EXTERNAL", "aws"), "Asymmetric", undefined, "aws").origin,
      "EXTERNAL",
    );
  });

  it("has an external key ID where its store is external", () => {
    const draft = { ...withOrigin(NEW_DRAFT, "EXTERNAL_KEY_STORE", "aws"), keyStoreId: "cks-1" };
    assert.equal(isStepDone("configure", draft, owner), false);
    for (const [externalKeyId, isDone] of [
      ["", false],
      ["a key", false],
      ["x".repeat(129), false],
      ["vault.key_7-b", true],
    ] as const) {
      assert.equal(isStepDone("store", { ...draft, externalKeyId }, owner), isDone, externalKeyId);
    }
    assert.equal(createKeyInput({ ...draft, externalKeyId: "k7" }, owner).XksKeyId, "k7");
  });
});

describe("the graphs of an external key store", () => {
  const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 12, minute));
  const series = (MetricName: string, dimensions: Record<string, string>, values: readonly number[]): XksSeries => ({
    metric: { MetricName, Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })) },
    points: values.map((value, index) => ({ time: at(5 * index), value })),
  });
  const exception = (ExceptionName: string, ErrorType: string, values: readonly number[]) =>
    series("XksProxyErrors", { ExceptionName, ErrorType }, values);

  it("S06b-036 begin three hours ago with periods of five minutes, and have six ranges", () => {
    assert.deepEqual([DEFAULT_RANGE_HOURS, DEFAULT_PERIOD_SECONDS], [3, 300]);
    assert.deepEqual(
      RANGES.map(({ id, hours }) => `${id}=${hours}`),
      ["1h=1", "3h=3", "12h=12", "1d=24", "3d=72", "1w=168"],
    );
    assert.deepEqual(spanBefore(at(7), 3, 300).from, new Date(Date.UTC(2026, 0, 1, 9, 5)));
  });

  it("S06b-035, S06b-036 are five, of which reliability falls by retryable errors alone", () => {
    const names = ["A", "B", "C", "D", "E", "F"].map((name, index) =>
      exception(name, "Non-retryable errors", [0, index + 1]),
    );
    const graphs = graphsOf(
      [
        exception("None", "N/A", [6, 8]),
        exception("DependencyTimeoutException", "Retryable errors", [2]),
        ...names,
        series("XksProxyLatency", { KmsOperation: "Encrypt", XksOperation: "Encrypt" }, [10, 20]),
        series("XksProxyLatency", { KmsOperation: "Decrypt", XksOperation: "Decrypt" }, [40]),
        series("XksProxyCertificateDaysToExpire", { CertificateName: "proxy.example.net" }, [90]),
      ],
      "cks-1",
    );
    const drawn = graphs.map(({ title, lines }) => [
      title,
      lines.map((line) => `${line.title}: ${line.data.map(({ y }) => y).join(" ")}`),
    ]);
    assert.deepEqual(Object.fromEntries(drawn), {
      "Total requests": ["cks-1: 8 29"],
      Reliability: ["cks-1: 75 100"],
      Latency: ["Decrypt, Decrypt: 40", "Encrypt, Encrypt: 10 20"],
      "Top 5 exceptions": ["F: 0 6", "E: 0 5", "D: 0 4", "C: 0 3", "DependencyTimeoutException: 2"],
      "Certificate days to expire": ["proxy.example.net: 90"],
    });
  });

  it("S06b-036 are five without data, too", () => {
    assert.deepEqual(
      graphsOf([], "cks-1").map(({ title, lines }) => [title, lines.length]),
      ["Total requests", "Reliability", "Latency", "Top 5 exceptions", "Certificate days to expire"].map((title) => [
        title,
        0,
      ]),
    );
  });

  it("are asked for in requests of at most 500 series and 100,800 data points", () => {
    const metrics = Array.from({ length: 600 }, () => ({ MetricName: "XksProxyErrors" }));
    const sizes = (hours: number, seconds: number) =>
      queriesOf(metrics, spanBefore(at(0), hours, seconds)).map(({ length }) => length);
    assert.deepEqual(sizes(3, 300), [500, 100]);
    assert.deepEqual([...new Set(sizes(168, 300))], [50]);
    assert.deepEqual([...new Set(sizes(168, 60))], [10]);
  });

  it("are made of the results that belong to their metrics", () => {
    const [first, second] = [{ MetricName: "XksProxyErrors" }, { MetricName: "XksProxyLatency" }];
    const results = [
      { Id: "m1", Timestamps: [at(0)], Values: [7] },
      { Id: "m0", Timestamps: [], Values: [] },
    ];
    assert.deepEqual(seriesOf([first, second], results), [{ metric: second, points: [{ time: at(0), value: 7 }] }]);
  });
});

describe("a grant", () => {
  const draft: GrantDraft = {
    ...NEW_GRANT,
    grantee: "arn:aws:iam::111122223333:user/guest",
    operations: ["Decrypt"],
  };
  const kind = { spec: "SYMMETRIC_DEFAULT", usage: "ENCRYPT_DECRYPT", origin: "AWS_KMS", multiRegion: false } as const;

  it("allows what its kind of key supports", () => {
    const every = ["DescribeKey", "CreateGrant", "RetireGrant"];
    assert.equal(grantOperations(kind).length, 11);
    for (const { spec, usage, operations } of [
      { spec: "RSA_2048", usage: "SIGN_VERIFY", operations: ["Sign", "Verify", "GetPublicKey"] },
      { spec: "HMAC_256", usage: "GENERATE_VERIFY_MAC", operations: ["GenerateMac", "VerifyMac"] },
      { spec: "ECC_NIST_P256", usage: "KEY_AGREEMENT", operations: ["DeriveSharedSecret", "GetPublicKey"] },
      {
        spec: "RSA_2048",
        usage: "ENCRYPT_DECRYPT",
        operations: ["Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo", "GetPublicKey"],
      },
    ] as const) {
      assert.deepEqual(grantOperations({ ...kind, spec, usage }), [...operations, ...every]);
    }
  });

  it("is sent with what was filled in, and nothing else", () => {
    assert.deepEqual(createGrantInput("k", draft), {
      KeyId: "k",
      GranteePrincipal: draft.grantee,
      Operations: ["Decrypt"],
    });
    const pairs = [{ key: "stage", value: "beta" }];
    const full = createGrantInput("k", {
      ...draft,
      constraint: "EncryptionContextSubset",
      pairs,
      retiring: draft.grantee,
      name: "n",
    });
    assert.deepEqual(full.Constraints, { EncryptionContextSubset: { stage: "beta" } });
    assert.deepEqual([full.RetiringPrincipal, full.Name], [draft.grantee, "n"]);
    assert.equal(constraintsText(full), "Encryption context with stage=beta");
    assert.equal(constraintsText({}), "-");
  });

  for (const { title, input, done } of [
    { title: "all that is needed", input: {}, done: true },
    { title: "no grantee", input: { grantee: "" }, done: false },
    { title: "no operation", input: { operations: [] }, done: false },
    { title: "a constraint without pairs", input: { constraint: "EncryptionContextEquals" }, done: false },
    {
      title: "a pair twice",
      input: {
        constraint: "EncryptionContextEquals",
        pairs: [
          { key: "a", value: "1" },
          { key: "a", value: "2" },
        ],
      },
      done: false,
    },
    { title: "a name with a space", input: { name: "a b" }, done: false },
  ] satisfies readonly { title: string; input: Partial<GrantDraft>; done: boolean }[]) {
    it(`${done ? "can" : "can't"} be asked for with ${title}`, () =>
      assert.equal(isGrantDone({ ...draft, ...input }), done));
  }
});

describe("a question about access", () => {
  const question = { principal: "arn:aws:iam::111122223333:role/app", action: "kms:Decrypt", context: [] };

  it("is about a user, role or group, and one action on the key", () => {
    assert.ok(isQuestion(question));
    assert.equal(isQuestion({ ...question, principal: "arn:aws:iam::111122223333:root" }), false);
    const context = [
      { key: "aws:SourceIp", value: "10.0.0.1" },
      { key: "", value: "" },
    ];
    assert.deepEqual(simulationInput({ ...question, context }, "arn:key"), {
      PolicySourceArn: question.principal,
      ActionNames: ["kms:Decrypt"],
      ResourceArns: ["arn:key"],
      ContextEntries: [{ ContextKeyName: "aws:SourceIp", ContextKeyValues: ["10.0.0.1"], ContextKeyType: "string" }],
    });
    const kind = { spec: "HMAC_256", usage: "GENERATE_VERIFY_MAC", origin: "AWS_KMS", multiRegion: false } as const;
    assert.equal(actionsToAsk(kind)[0], "kms:GenerateMac");
  });

  it("is answered by what decided, and by what is missing", () => {
    const names = { EvalActionName: "kms:Decrypt" };
    const denied = accessAnswer({
      ...names,
      EvalDecision: "implicitDeny",
      MissingContextValues: ["aws:sourceip"],
      PermissionsBoundaryDecisionDetail: { AllowedByPermissionsBoundary: false },
      OrganizationsDecisionDetail: { AllowedByOrganizations: false },
    });
    assert.equal(denied.isAllowed, false);
    assert.equal(denied.reasons.length, 4);
    assert.match(denied.reasons.join(), /service control policy.*boundary.*aws:sourceip/);
    const allowed = accessAnswer({
      ...names,
      EvalDecision: "allowed",
      MatchedStatements: [
        {
          SourcePolicyId: "uses",
          SourcePolicyType: "user",
          StartPosition: { Line: 3, Column: 1 },
          EndPosition: { Line: 7, Column: 2 },
        },
      ],
    });
    assert.deepEqual(allowed, {
      isAllowed: true,
      headline: "Allowed",
      reasons: ["A statement of uses (user) is about it, lines 3 to 7."],
    });
  });
});
