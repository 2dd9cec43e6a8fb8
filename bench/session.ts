/** The caller that costs most: a session of a role, on a key with a long policy and many grants. */

import { IAM } from "@aws-sdk/client-iam";
import { KMS } from "@aws-sdk/client-kms";
import { STS } from "@aws-sdk/client-sts";
import { type BenchCaller, CONTEXT, newPlaintext } from "./requests.ts";

const REGION = "us-east-1";
const STATEMENTS = 20;
const GRANTS = 50;
/** How long IAM's answers take to hold elsewhere does not matter here: a change decides at once. */
const BLOBS = 200;

/** Makes user, role, session and key. Identity policies decide: the key's policy leaves it to the account. */
export async function asSession({ endpoint, credentials }: BenchCaller): Promise<BenchCaller> {
  const root = { endpoint, region: REGION, credentials };
  const [iam, kms] = [new IAM(root), new KMS(root)];
  const { User } = await iam.createUser({ UserName: "bench" });
  const { AccessKey } = await iam.createAccessKey({ UserName: "bench" });
  const { Role } = await iam.createRole({
    RoleName: "bench",
    AssumeRolePolicyDocument: policy({ Effect: "Allow", Principal: { AWS: User?.Arn }, Action: "sts:AssumeRole" }),
  });
  await iam.putRolePolicy({
    RoleName: "bench",
    PolicyName: "use",
    PolicyDocument: policy({ Effect: "Allow", Action: "kms:*", Resource: "*" }),
  });
  const user = { accessKeyId: AccessKey?.AccessKeyId ?? "", secretAccessKey: AccessKey?.SecretAccessKey ?? "" };
  const sts = new STS({ endpoint, region: REGION, credentials: user });
  const { Credentials } = await sts.assumeRole({ RoleArn: Role?.Arn ?? "", RoleSessionName: "bench" });
  const account = User?.Arn?.split(":")[4] ?? "";
  const { KeyMetadata } = await kms.createKey({ Policy: policy(...statements(account)) });
  const KeyId = KeyMetadata?.KeyId ?? "";
  for (let index = 0; index < GRANTS; index += 1) {
    const GranteePrincipal = index % 2 === 0 ? Role?.Arn : User?.Arn;
    await kms.createGrant({ KeyId, GranteePrincipal, Operations: ["DescribeKey"], Name: `grant-${index}` });
  }
  const blobs: string[] = [];
  for (let index = 0; index < BLOBS; index += 1) {
    const Plaintext = Buffer.from(newPlaintext(), "base64");
    const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext, EncryptionContext: CONTEXT });
    blobs.push(Buffer.from(CiphertextBlob ?? []).toString("base64"));
  }
  for (const client of [iam, kms, sts]) client.destroy();
  return {
    endpoint,
    credentials: {
      accessKeyId: Credentials?.AccessKeyId ?? "",
      secretAccessKey: Credentials?.SecretAccessKey ?? "",
      sessionToken: Credentials?.SessionToken ?? "",
    },
    keyId: KeyId,
    blobs,
  };
}

/** The account's statement last, after others that ask about conditions and do not hold. */
function statements(account: string): object[] {
  const others = Array.from({ length: STATEMENTS - 1 }, (_, index) => ({
    Sid: `Statement${index}`,
    Effect: index % 5 === 0 ? "Deny" : "Allow",
    Principal: "*",
    Action: ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey*", "kms:DescribeKey"],
    Resource: "*",
    Condition: {
      StringEquals: { "kms:EncryptionContext:tenant": `tenant-${index}` },
      StringLike: { "aws:PrincipalArn": `arn:aws:iam::${account}:role/team-${index}-*` },
    },
  }));
  const whole = { Effect: "Allow", Principal: { AWS: `arn:aws:iam::${account}:root` }, Action: "kms:*", Resource: "*" };
  return [...others, whole];
}

function policy(...Statement: readonly object[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement });
}
