/** AssumeRoleWithWebIdentity: tokens of a real issuer with its own keys, and every way in which one can be wrong. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { STS } from "@aws-sdk/client-sts";
import { UnsecuredJWT } from "jose";
import { ACCOUNT, newKey, OTHER_ACCOUNT, present, REGION, refusalOf, requestIdOf } from "../kms-client.ts";
import { Issuer } from "./issuer.ts";
import { allow, type IamWorld, policy, seededKey, sessionOf, startIamWorld, trusts } from "./world.ts";

const ROLE = `arn:aws:iam::${ACCOUNT}:role/web`;
const OPEN = `arn:aws:iam::${ACCOUNT}:role/open`;
const TAGS = "https://aws.amazon.com/tags";

let issuer: Issuer;
let world: IamWorld;
let anonymous: STS;
let keyId: string;

/** Conditions of trust policies on who signed; whoever sends a token has signed nothing and is in no account. */
const ofSignedCallers = {
  account: { StringEquals: { "aws:PrincipalAccount": ACCOUNT } },
  arn: { ArnLike: { "aws:PrincipalArn": `arn:aws:iam::${ACCOUNT}:*` } },
};

before(async () => {
  issuer = await new Issuer().listen();
  const provider = (url: string): string => `arn:aws:iam::${ACCOUNT}:oidc-provider/${url}`;
  const actions = ["sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity"];
  const seed = {
    accounts: [
      {
        id: ACCOUNT,
        identityProviders: [
          ...issuer.urls.filter((url) => !url.endsWith("/elsewhere")),
          `localhost:${issuer.port}/good`,
        ].map((url) => ({ url: `https://${url}`, clientIds: ["client", "second"] })),
        roles: [
          {
            name: "web",
            inline: { kms: policy(allow("kms:DescribeKey")) },
            trust: policy(
              trusts(
                { Federated: provider(issuer.url()) },
                {
                  Action: actions,
                  Condition: {
                    StringEquals: { [`${issuer.url()}:aud`]: "client", [`${issuer.url()}:sub`]: ["visitor", "tagged"] },
                  },
                },
              ),
              {
                Effect: "Deny",
                Principal: "*",
                Action: "sts:AssumeRoleWithWebIdentity",
                Condition: { "ForAnyValue:StringEquals": { [`${issuer.url()}:amr`]: "unauthenticated" } },
              },
            ),
          },
          {
            name: "open",
            inline: {
              kms: policy(
                allow("kms:DescribeKey", {
                  Condition: {
                    StringEquals: {
                      [`${issuer.url()}:sub`]: "visitor",
                      "aws:FederatedProvider": provider(issuer.url()),
                    },
                  },
                }),
              ),
            },
            trust: policy(
              trusts({ Federated: issuer.urls.map(provider) }, { Action: "sts:AssumeRoleWithWebIdentity" }),
            ),
          },
          ...Object.entries(ofSignedCallers).map(([name, Condition]) => ({
            name,
            trust: policy(
              trusts(
                { Federated: provider(issuer.url()) },
                { Action: "sts:AssumeRoleWithWebIdentity", Condition: Condition },
              ),
            ),
          })),
          {
            name: "odd",
            inline: {
              kms: policy(
                ...["constructor", "__proto__", "toString"].map((key) =>
                  allow("kms:DescribeKey", { Condition: { StringEquals: { [key]: "" } } }),
                ),
                allow("kms:DescribeKey"),
              ),
            },
            trust: policy(trusts({ Federated: provider(issuer.url()) }, { Action: "sts:AssumeRoleWithWebIdentity" })),
          },
          { name: "signed", trust: policy(trusts({ AWS: ACCOUNT })) },
        ],
      },
      { id: OTHER_ACCOUNT, credentials: [seededKey("other")], roles: [{ name: "web", trust: policy(trusts("*")) }] },
    ],
  };
  world = await startIamWorld(seed, ["--outbound-allow", `127.0.0.1:${issuer.port}`]);
  anonymous = new STS({
    endpoint: world.server.endpoint,
    region: REGION,
    maxAttempts: 1,
    credentials: { accessKeyId: "unused", secretAccessKey: "unused" },
  });
  keyId = (await newKey(world.kms(world.server.credentials))).KeyId;
});
after(async () => {
  anonymous.destroy();
  await world.stop();
  await issuer.close();
});

function assume(WebIdentityToken: string, more: { RoleArn?: string; DurationSeconds?: number; Policy?: string } = {}) {
  return anonymous.assumeRoleWithWebIdentity({
    RoleArn: ROLE,
    RoleSessionName: "pod",
    WebIdentityToken,
    ...more,
  });
}

describe("AssumeRoleWithWebIdentity", () => {
  it("gives whoever holds a good token, unsigned, the role's session, and the record names the token's subject", async () => {
    const output = await assume(await issuer.token());
    assert.equal(output.SubjectFromWebIdentityToken, "visitor");
    assert.equal(output.Audience, "client");
    const provider = `arn:aws:iam::${ACCOUNT}:oidc-provider/${issuer.url()}`;
    assert.equal(output.Provider, provider);
    assert.equal(output.AssumedRoleUser?.Arn, `arn:aws:sts::${ACCOUNT}:assumed-role/web/pod`);
    const record = await world.records.of(requestIdOf(output));
    assert.deepEqual(record.userIdentity, {
      type: "WebIdentityUser",
      principalId: `${provider}:client:visitor`,
      userName: "visitor",
      identityProvider: provider,
    });
    assert.deepEqual(record.requestParameters, { roleArn: ROLE, roleSessionName: "pod" });
    const used = await world.kms(sessionOf(output)).describeKey({ KeyId: keyId });
    const { sessionContext } = (await world.records.of(requestIdOf(used))).userIdentity as {
      sessionContext: Record<string, unknown>;
    };
    assert.deepEqual(sessionContext["webIdFederationData"], { federatedProvider: provider });
  });

  it("takes elliptic curves, several audiences, and keeps the token's facts in the session", async () => {
    await assume(await issuer.token({}, { header: { alg: "ES256", kid: "ec" }, key: issuer.ec.privateKey }));
    await assume(await issuer.token({ aud: ["another", "client"] }));
    const kms = async (sub: string) =>
      world.kms(sessionOf(await assume(await issuer.token({ sub }), { RoleArn: OPEN })));
    await (await kms("visitor")).describeKey({ KeyId: keyId });
    assert.equal((await refusalOf((await kms("someone")).describeKey({ KeyId: keyId }))).name, "AccessDeniedException");
  });

  it("gives a session whose policies may ask for keys that no request has, whatever they are called", async () => {
    const session = await assume(await issuer.token(), { RoleArn: `arn:aws:iam::${ACCOUNT}:role/odd` });
    await world.kms(sessionOf(session)).describeKey({ KeyId: keyId });
  });

  it("takes tags and the source identity from the token, where the trust policy lets it", async () => {
    const claims = {
      sub: "tagged",
      [TAGS]: { principal_tags: { Team: ["Blue"] }, transitive_tag_keys: ["Team"] },
      "https://aws.amazon.com/source_identity": "tagged",
    };
    const output = await assume(await issuer.token(claims));
    assert.equal(output.SourceIdentity, "tagged");
    assert.ok(present(output.PackedPolicySize) > 0);
    const record = await world.records.of(requestIdOf(output));
    assert.deepEqual(record.requestParameters, {
      roleArn: ROLE,
      roleSessionName: "pod",
      sourceIdentity: "tagged",
      principalTags: { Team: "Blue" },
      transitiveTagKeys: ["Team"],
    });
    assert.deepEqual(record.additionalEventData, {
      RequestDetails: { awsServingRegion: REGION, endpointType: "regional" },
      identityProviderConnectionVerificationMethod: "IAMTrustStore",
    });
    const refusal = await refusalOf(assume(await issuer.token(claims), { RoleArn: OPEN }));
    assert.deepEqual([refusal.name, refusal.message], ["AccessDenied", "Not authorized to perform sts:TagSession"]);
    const denied = await world.records.of(refusal.requestId);
    assert.deepEqual([denied.errorCode, denied.errorMessage], ["AccessDenied", "An unknown error occurred"]);
    assert.equal(denied.requestParameters?.["roleArn"], OPEN);
    assert.equal(denied.resources?.[0]?.ARN, OPEN);
  });

  it("asks the issuer once for its keys, and again for a key that it does not have, but not each time", async () => {
    await assume(await issuer.token());
    const before = issuer.asked.length;
    await Promise.all(Array.from({ length: 5 }, async () => assume(await issuer.token())));
    assert.equal(issuer.asked.length, before);
    const strange = await issuer.token({}, { header: { kid: "new" } });
    for (let tries = 0; tries < 5; tries += 1) await refusalOf(assume(strange));
    assert.ok(issuer.asked.length <= before + 2, "one discovery and one key set");
  });

  const NOT_AUTHORIZED = "Not authorized to perform sts:AssumeRoleWithWebIdentity";
  for (const { title, RoleArn = ROLE, claims = {}, name = "AccessDenied", message = NOT_AUTHORIZED } of [
    { title: "a subject that the trust policy does not let", claims: { sub: "stranger" } },
    { title: "an audience that the trust policy does not let", claims: { aud: "second" } },
    { title: "a token that a statement denies", claims: { amr: ["mfa", "unauthenticated"] } },
    ...Object.keys(ofSignedCallers).map((name) => ({
      title: `a role that asks what only signed requests have, ${name}`,
      RoleArn: `arn:aws:iam::${ACCOUNT}:role/${name}`,
    })),
    { title: "a role that trusts no provider", RoleArn: `arn:aws:iam::${ACCOUNT}:role/signed` },
    { title: "a role that does not exist", RoleArn: `arn:aws:iam::${ACCOUNT}:role/nobody` },
    {
      title: "a role of an account that has not registered the issuer",
      RoleArn: `arn:aws:iam::${OTHER_ACCOUNT}:role/web`,
      name: "InvalidIdentityTokenException",
      message: /^No OpenIDConnect provider found in your account for http:\/\/127\.0\.0\.1:\d+\/good$/,
    },
    {
      title: "an ARN that is no role's",
      RoleArn: `arn:aws:iam::${ACCOUNT}:user/alice`,
      name: "ValidationError",
      message: "Request ARN is invalid",
    },
  ] as {
    title: string;
    RoleArn?: string;
    claims?: Record<string, unknown>;
    name?: string;
    message?: string | RegExp;
  }[]) {
    it(`refuses ${title}`, async () => {
      const refusal = await refusalOf(assume(await issuer.token(claims), { RoleArn }));
      assert.equal(refusal.name, name, refusal.message);
      if (typeof message === "string") assert.equal(refusal.message, message);
      else assert.match(refusal.message, message);
    });
  }

  it("refuses a session that is too long", async () => {
    const refusal = await refusalOf(assume(await issuer.token(), { DurationSeconds: 3_601 }));
    assert.match(refusal.message, /exceeds the MaxSessionDuration/);
  });
});

const INVALID = "InvalidIdentityTokenException";
const NOT_A_JWT = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)";
const NO_KEY =
  "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements";
const secondsFromNow = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;

describe("a token", () => {
  const secretOf = (format: "pem" | "der"): Uint8Array => {
    const exported = issuer.rsa.publicKey.export({ format, type: "spki" } as { format: "pem"; type: "spki" });
    return new Uint8Array(Buffer.from(exported));
  };
  for (const { title, token, name = INVALID, message } of [
    { title: "for another audience", token: () => issuer.token({ aud: "other" }), message: "Incorrect token audience" },
    {
      title: "without an audience",
      token: () => issuer.token({ aud: undefined }),
      message: "Incorrect token audience",
    },
    {
      title: "that was issued for another party",
      token: () => issuer.token({ aud: ["client", "other"], azp: "other" }),
      message: "Incorrect token audience",
    },
    {
      title: "that is expired",
      token: () => issuer.token({ iat: secondsFromNow(-700), exp: secondsFromNow(-100) }),
      name: "ExpiredTokenException",
      message: /^Token expired: current date\/time \d+ must be before the expiration date\/time \d+$/,
    },
    {
      title: "that is not yet good",
      token: () => issuer.token({ nbf: secondsFromNow(100) }),
      name: "IDPRejectedClaimException",
      message: "The token's nbf claim does not hold.",
    },
    {
      title: "with a tag that no session may have",
      token: () => issuer.token({ [TAGS]: { principal_tags: { Team: ["x".repeat(257)] } } }),
      name: "IDPRejectedClaimException",
    },
    {
      title: "with a source identity that no session may have",
      token: () => issuer.token({ "https://aws.amazon.com/source_identity": "a b" }),
      name: "IDPRejectedClaimException",
    },
    {
      title: "of an issuer that is not registered",
      token: () => issuer.token({ iss: `http://127.0.0.1:${issuer.port}/nobody` }),
      message: /^No OpenIDConnect provider found in your account for /,
    },
    {
      title: "of an issuer whose plain HTTP the operator has not allowed",
      token: () => issuer.token({ iss: `http://localhost:${issuer.port}/good` }),
      message: /^No OpenIDConnect provider found in your account for /,
    },
    {
      title: "of an issuer with another scheme than the one that its document names",
      token: () => issuer.token({ iss: `https://${issuer.url()}` }),
      name: "IDPCommunicationErrorException",
    },
    {
      title: "without an issuer",
      token: () => issuer.token({ iss: undefined }),
      message: "Missing a required claim: iss",
    },
    {
      title: "without a subject",
      token: () => issuer.token({ sub: undefined }),
      message: "Missing a required claim: sub",
    },
    {
      title: "without an end",
      token: () => issuer.token({ exp: undefined }),
      message: "Missing a required claim: exp",
    },
    {
      title: "without a signature (alg none)",
      token: async () =>
        new UnsecuredJWT({ sub: "visitor" })
          .setIssuer(`http://${issuer.url()}`)
          .setAudience("client")
          .setIssuedAt()
          .setExpirationTime("5m")
          .encode(),
      message: NOT_A_JWT,
    },
    {
      title: "with a MAC under the issuer's public key as PEM (key confusion)",
      token: () => issuer.token({}, { header: { alg: "HS256" }, key: secretOf("pem") }),
      message: NOT_A_JWT,
    },
    {
      title: "with a MAC under the issuer's public key as DER (key confusion)",
      token: () => issuer.token({}, { header: { alg: "HS256" }, key: secretOf("der") }),
      message: NOT_A_JWT,
    },
    {
      title: "with a MAC under a symmetric key that the issuer published",
      token: () =>
        issuer.token(
          {},
          {
            header: { alg: "HS256", kid: "oct" },
            key: new Uint8Array(Buffer.from("a secret that everybody knows, long enough")),
          },
        ),
      message: NOT_A_JWT,
    },
    {
      title: "signed by somebody else under the issuer's key id",
      token: () => issuer.token({}, { key: issuer.weak.privateKey }).catch(() => strangersToken()),
      message: NOT_A_JWT,
    },
    {
      title: "of a key that nobody knows",
      token: () => issuer.token({}, { header: { kid: "other" } }),
      message: NO_KEY,
    },
    {
      title: "whose claims were changed",
      token: async () => {
        const [header, , signature] = (await issuer.token()).split(".");
        const [, claims] = (await issuer.token({ sub: "tagged" })).split(".");
        return [header, claims, signature].join(".");
      },
      message: NOT_A_JWT,
    },
    { title: "that is none", token: async () => "this.is.nothing", message: NOT_A_JWT },
    { title: "that is not even three parts", token: async () => "nothing", message: NOT_A_JWT },
  ] as {
    title: string;
    token: () => Promise<string>;
    name?: string;
    message?: string | RegExp;
  }[]) {
    it(`is refused ${title}`, async () => {
      const refusal = await refusalOf(assume(await token()));
      assert.equal(refusal.name, name, refusal.message);
      if (typeof message === "string") assert.equal(refusal.message, message);
      else if (message !== undefined) assert.match(refusal.message, message);
      assert.equal(refusal.status, name === "IDPRejectedClaimException" ? 403 : 400);
    });
  }

  async function strangersToken(): Promise<string> {
    await using stranger = await new Issuer().listen();
    return await issuer.token({}, { key: stranger.rsa.privateKey });
  }
});

describe("an issuer", () => {
  for (const [behaviour, title] of [
    ["liar", "whose document names another issuer"],
    ["redirect", "that sends us elsewhere"],
    ["large", "that answers more than we read"],
    ["inside", "whose keys are at the metadata service"],
    ["keyless", "that has no keys"],
    ["broken", "that answers no JSON"],
    ["weak", "whose key is too short"],
  ] as const) {
    it(`is not believed ${title}`, async () => {
      const token = await issuer.token({}, { behaviour });
      const refusal = await refusalOf(assume(token, { RoleArn: OPEN }));
      assert.deepEqual([refusal.name, refusal.message], [INVALID, NO_KEY]);
    });
  }

  it("that can't be reached is told as such, so that the caller may try again; a record is left of none of this", async () => {
    await using gone = await new Issuer().listen();
    const url = gone.url();
    await gone.close();
    const seed = {
      accounts: [
        {
          id: ACCOUNT,
          identityProviders: [{ url: `https://${url}`, clientIds: ["client"] }],
          roles: [{ name: "web", trust: policy(trusts("*")) }],
        },
      ],
    };
    await using other = await startIamWorld(seed, ["--outbound-allow", url.split("/")[0] ?? ""]);
    const sts = other.sts({ accessKeyId: "unused", secretAccessKey: "unused" });
    const WebIdentityToken = await issuer.token({ iss: `http://${url}` });
    const refusal = await refusalOf(
      sts.assumeRoleWithWebIdentity({ RoleArn: ROLE, RoleSessionName: "pod", WebIdentityToken }),
    );
    assert.deepEqual([refusal.name, refusal.status], ["IDPCommunicationErrorException", 400]);
    assert.deepEqual(
      other.records.all().filter(({ eventName }) => eventName === "AssumeRoleWithWebIdentity"),
      [],
    );
  });

  it("is never sent the token", async () => {
    const digest = createHash("sha256")
      .update(await issuer.token())
      .digest("hex");
    assert.ok(
      issuer.asked.every((path) => /^\/\w+\/(?:keys|\.well-known\/openid-configuration)$/.test(path)),
      digest,
    );
  });
});
