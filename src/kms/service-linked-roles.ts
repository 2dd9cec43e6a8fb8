/** Service-linked roles that KMS makes in an account when it first needs them (KMS guide, Using service-linked roles). */

import { formatArn } from "../base/arn.ts";
import type { Resource } from "../pipeline/operation.ts";
import type { ConditionKeys } from "./conditions.ts";
import type { Locator } from "./resources.ts";

/** The role in whose name replicas take over what their primary shares; made with an account's first primary key. */
export const MULTI_REGION_ROLE = {
  name: "AWSServiceRoleForKeyManagementServiceMultiRegionKeys",
  service: "mrk.kms.amazonaws.com",
} as const;

/** That role of the caller's account: who creates a primary key must be allowed to create it, whether or not it is there. */
export const multiRegionRole: Locator<unknown, Resource> = {
  resolve(_input, { partition, principal: { account } }) {
    const { name, service } = MULTI_REGION_ROLE;
    const resource = `role/aws-service-role/${service}/${name}`;
    return {
      kind: "found",
      resource: { arn: formatArn({ partition, service: "iam", region: "", account, resource }), account },
    };
  },
};

/** `iam:AWSServiceName`, of `iam:CreateServiceLinkedRole`. */
export const multiRegionRoleCondition: ConditionKeys<unknown> = {
  "iam:awsservicename": () => MULTI_REGION_ROLE.service,
};
