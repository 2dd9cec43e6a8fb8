/** Service-linked roles that KMS makes in an account when it first needs them (KMS guide, Using service-linked roles). */

import { formatArn } from "../base/arn.ts";
import type { Resource } from "../pipeline/operation.ts";
import type { ConditionKeys } from "./conditions.ts";
import type { Locator } from "./resources.ts";

/** A service-linked role, and whose it is. */
interface LinkedRole {
  readonly name: string;
  readonly service: string;
}

/** The role in whose name replicas take over what their primary shares; made with an account's first primary key. */
export const MULTI_REGION_ROLE: LinkedRole = {
  name: "AWSServiceRoleForKeyManagementServiceMultiRegionKeys",
  service: "mrk.kms.amazonaws.com",
};

/** The role in whose name KMS looks after clusters; made with an account's first CloudHSM key store. */
export const CUSTOM_KEY_STORES_ROLE: LinkedRole = {
  name: "AWSServiceRoleForKeyManagementServiceCustomKeyStores",
  service: "cks.kms.amazonaws.com",
};

/** Such a role of the caller's account: who makes what needs it must be allowed to create it, whether or not it is there. */
export function linkedRole({ name, service }: LinkedRole): Locator<unknown, Resource> {
  return {
    resolve(_input, { partition, principal: { account } }) {
      const resource = `role/aws-service-role/${service}/${name}`;
      return {
        kind: "found",
        resource: { arn: formatArn({ partition, service: "iam", region: "", account, resource }), account },
      };
    },
  };
}

/** `iam:AWSServiceName`, of `iam:CreateServiceLinkedRole`. */
export function linkedRoleCondition({ service }: LinkedRole): ConditionKeys<unknown> {
  return { "iam:awsservicename": () => service };
}
