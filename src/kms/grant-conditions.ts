/** The condition keys of operations on grants (spec 04, group G). */

import { viaService } from "../pipeline/forwarding.ts";
import { type ConditionFacts, type ConditionKeys, labelConditions } from "./conditions.ts";
import { type Constraints, constraintsOf } from "./grant-constraints.ts";
import { Grant } from "./grants.ts";

interface CreateGrantInput {
  readonly GranteePrincipal?: string;
  readonly GranteeServicePrincipal?: string;
  readonly RetiringPrincipal?: string;
  readonly RetiringServicePrincipal?: string;
  readonly Operations?: readonly string[];
  readonly Constraints?: Constraints;
}

/** `kms:GrantIsForAWSResource` of CreateGrant, ListGrants and RevokeGrant: whether a service makes the call for its caller. */
export const serviceGrantCondition: ConditionKeys<unknown> = {
  "kms:grantisforawsresource": (_input, { call }) => call.via !== undefined,
};

/** What can be asked of the constraints of a grant, those on the encryption context included. */
function constraintConditions<I>(of: (input: I, facts: ConditionFacts) => Constraints): ConditionKeys<I> {
  const pairsIn = (input: I, facts: ConditionFacts): [string, string][] => {
    const { EncryptionContextEquals, EncryptionContextSubset } = of(input, facts) ?? {};
    return Object.entries(EncryptionContextEquals ?? EncryptionContextSubset ?? {});
  };
  return {
    "kms:grantconstrainttype": (input, facts) => Object.keys(of(input, facts) ?? {}),
    "kms:grantconstraintsourcearn": (input, facts) => of(input, facts)?.SourceArn,
    "kms:encryptioncontext:": (input, facts, wanted) =>
      pairsIn(input, facts).flatMap(([name, value]) => (name.toLowerCase() === wanted ? [value] : [])),
    "kms:encryptioncontextkeys": (input, facts) => pairsIn(input, facts).map(([name]) => name),
  };
}

/** CreateGrant, whose encryption context is that of the constraint. */
export const createGrantConditions: ConditionKeys<CreateGrantInput> = {
  ...serviceGrantCondition,
  ...constraintConditions<CreateGrantInput>(constraintsOf),
  "kms:grantoperations": ({ Operations }) => Operations,
  "kms:granteeprincipal": ({ GranteePrincipal }) => GranteePrincipal,
  "kms:granteeserviceprincipal": ({ GranteeServicePrincipal }) => GranteeServicePrincipal,
  "kms:retiringprincipal": ({ RetiringPrincipal }) => RetiringPrincipal,
  "kms:retiringserviceprincipal": ({ RetiringServicePrincipal }) => RetiringServicePrincipal,
};

/** RetireGrant is asked about the grant that is there, and about the aliases and tags of its key (spec 04, Permissions reference). */
export const retireGrantConditions: ConditionKeys<unknown> = {
  ...constraintConditions<unknown>((_input, { resource }) =>
    resource instanceof Grant ? resource.constraints : undefined,
  ),
  ...labelConditions<unknown>((_input, { resource }) =>
    resource instanceof Grant ? { ...resource.row, account: resource.account } : undefined,
  ),
  "kms:calleraccount": (_input, { call }) => call.principal.account,
  "kms:viaservice": (_input, { call }) => viaService(call),
};
