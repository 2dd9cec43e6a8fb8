/** Which policy documents IAM and STS refuse, in which words: those that public test suites recorded on IAM. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { IAM } from "@aws-sdk/client-iam";
import { STS } from "@aws-sdk/client-sts";
import { type DevServer, startDevServer } from "../dev-server.ts";
import { ACCOUNT, present, REGION } from "../kms-client.ts";
import {
  document,
  doing,
  list,
  OLD,
  PREFACE,
  REFUSED,
  SYNTAX,
  TAKEN,
  VERSION,
  version,
} from "../policy/identity-policy-documents.ts";

const server: DevServer = await startDevServer();
const { endpoint, credentials } = server;
const iam = new IAM({ endpoint, region: REGION, credentials, maxAttempts: 1 });
const sts = new STS({ endpoint, region: REGION, credentials, maxAttempts: 1 });
after(async () => {
  iam.destroy();
  sts.destroy();
  await server.stop();
});

/** A refusal's message; undefined: what was asked for was done. */
async function refusalOf(call: Promise<unknown>): Promise<string | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    assert.ok(error instanceof Error);
    assert.match(error.name, /^MalformedPolicyDocument(?:Exception)?$/);
    return error.message;
  }
}

describe("a policy of users, groups and roles", () => {
  it("is refused in IAM's words and order", async () => {
    const name = { UserName: "user", PolicyName: "policy" };
    await iam.createUser({ UserName: "user" });
    for (const [message, documents] of Object.entries(REFUSED)) {
      for (const PolicyDocument of documents) {
        assert.equal(await refusalOf(iam.putUserPolicy({ ...name, PolicyDocument })), message, PolicyDocument);
        assert.equal(await refusalOf(iam.createPolicy({ PolicyName: "p", PolicyDocument })), message, PolicyDocument);
      }
    }
  });

  it("is taken with what IAM takes, too", async () => {
    const PolicyArn = present(
      (await iam.createPolicy({ PolicyName: "taken", PolicyDocument: document(list) })).Policy?.Arn,
    );
    for (const PolicyDocument of TAKEN) {
      const call = iam.createPolicyVersion({ PolicyArn, PolicyDocument, SetAsDefault: true });
      assert.equal(await refusalOf(call), undefined, PolicyDocument);
      await iam.deletePolicyVersion({ PolicyArn, VersionId: await oldVersion(PolicyArn) });
    }
  });

  it("is of version 2012-10-17 where it is managed", async () => {
    await iam.createUser({ UserName: "old" });
    for (const PolicyDocument of OLD) {
      assert.equal(await refusalOf(iam.createPolicy({ PolicyName: "p", PolicyDocument })), VERSION);
    }
    const PolicyDocument = JSON.stringify({ Statement: list });
    await iam.putUserPolicy({ UserName: "old", PolicyName: "policy", PolicyDocument });
  });
});

async function oldVersion(PolicyArn: string): Promise<string | undefined> {
  const { Versions = [] } = await iam.listPolicyVersions({ PolicyArn });
  return Versions.find(({ IsDefaultVersion }) => IsDefaultVersion !== true)?.VersionId;
}

const trust = { Effect: "Allow", Principal: { AWS: ACCOUNT }, Action: "sts:AssumeRole" };

describe("a trust policy", () => {
  for (const [message, text] of Object.entries({
    "This policy contains invalid Json": "{",
    "The policy must contain a valid version string": JSON.stringify({ Version: "2020-01-01", Statement: trust }),
    "Could not parse the policy: Statement is empty!": document(),
    "Unknown field _comment": document({ ...trust, _comment: "c" }),
    "Unknown field statement": JSON.stringify({ ...version, statement: [trust] }),
    'Invalid principal in policy: "Aws"': document({ ...trust, Principal: { Aws: ACCOUNT } }),
    "Missing required field Effect": document({ ...trust, Effect: undefined }),
    "Invalid effect: Maybe": document({ ...trust, Effect: "Maybe" }),
    "Missing required field Principal": document({ ...trust, Principal: undefined }),
    "Missing required field Principal cannot be empty!": document({ ...trust, Principal: {} }),
    'Invalid principal in policy: "AWS":"AIDAEXAMPLE"': document({
      ...trust,
      Principal: { AWS: [ACCOUNT, "AIDAEXAMPLE"] },
    }),
    [`Invalid principal in policy: "AWS":"arn:aws-cn:iam::${ACCOUNT}:root"`]: document({
      ...trust,
      Principal: { AWS: [ACCOUNT, `arn:aws-cn:iam::${ACCOUNT}:root`] },
    }),
    'Invalid principal in policy: "SERVICE":"example.com"': document({
      ...trust,
      Principal: { Service: "example.com" },
    }),
    "Missing required field Action": document({ ...trust, Action: undefined }),
    "AssumeRole policy may only specify STS AssumeRole actions.": document({ ...trust, Action: "*" }),
    "Has prohibited field Resource": document({ ...trust, Resource: "*" }),
    "AssumeRole policy must not contain resources.": document({ ...trust, NotResource: "*" }),
    "The Statement Ids in the policy are not unique": document({ ...trust, Sid: "s" }, { ...trust, Sid: "s" }),
  })) {
    it(`is refused: ${message}`, async () => {
      const call = iam.createRole({ RoleName: "role", AssumeRolePolicyDocument: text });
      assert.equal(await refusalOf(call), message);
    });
  }
});

describe("a session policy", () => {
  it("is refused in the words for policies of users and roles, save for one that is no JSON", async () => {
    const federated = (Policy: string) => refusalOf(sts.getFederationToken({ Name: "federated", Policy }));
    assert.equal(await federated("{"), "The policy is not in the valid JSON format.");
    assert.equal(await federated("{}"), SYNTAX);
    assert.equal(await federated(doing("ListBucket")), PREFACE);
    assert.equal(await federated(document(list)), undefined);
  });
});
