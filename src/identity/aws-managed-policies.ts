/** Managed policies that AWS makes and every account has, as far as they concern KMS (IAM guide; KMS guide, AWS managed policies). */

/** One of them. */
export interface AwsManagedPolicy {
  readonly arn: string;
  readonly name: string;
  readonly path: string;
  readonly policyId: string;
  readonly description: string;
  readonly version: number;
  readonly document: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

function policy(facts: {
  readonly name: string;
  readonly path?: string;
  readonly policyId: string;
  readonly description: string;
  readonly version: number;
  readonly created: string;
  readonly updated: string;
  readonly statements: readonly unknown[];
}): AwsManagedPolicy {
  const { name, path = "/", policyId, description, version, created, updated, statements } = facts;
  return {
    arn: `arn:aws:iam::aws:policy${path}${name}`,
    name,
    path,
    policyId,
    description,
    version,
    document: JSON.stringify({ Version: "2012-10-17", Statement: statements }, null, 2),
    createdAt: Date.parse(created),
    updatedAt: Date.parse(updated),
  };
}

/** In the order of their names. */
export const awsManagedPolicies: readonly AwsManagedPolicy[] = [
  policy({
    name: "AdministratorAccess",
    policyId: "ANPAIWMBCKSKIEE64ZLYK",
    description: "Provides full access to AWS services and resources.",
    version: 1,
    created: "2015-02-06T18:39:46Z",
    updated: "2015-02-06T18:39:46Z",
    statements: [{ Effect: "Allow", Action: "*", Resource: "*" }],
  }),
  policy({
    name: "AWSKeyManagementServicePowerUser",
    policyId: "ANPAJNPP7PPPPMJRV2SA4",
    description: "Provides access to AWS Key Management Service (KMS).",
    version: 2,
    created: "2015-02-06T18:40:40Z",
    updated: "2017-03-07T00:55:11Z",
    statements: [
      {
        Effect: "Allow",
        Action: [
          "kms:CreateAlias",
          "kms:CreateKey",
          "kms:DeleteAlias",
          "kms:Describe*",
          "kms:GenerateRandom",
          "kms:Get*",
          "kms:List*",
          "kms:TagResource",
          "kms:UntagResource",
          "iam:ListGroups",
          "iam:ListRoles",
          "iam:ListUsers",
        ],
        Resource: "*",
      },
    ],
  }),
];

const byArn = new Map(awsManagedPolicies.map((managed) => [managed.arn, managed]));

/** One of AWS's managed policies by its ARN, in any partition, or undefined. */
export function findAwsManagedPolicy(arn: string): AwsManagedPolicy | undefined {
  return byArn.get(arn.replace(/^arn:aws-(?:cn|us-gov):/, "arn:aws:"));
}
