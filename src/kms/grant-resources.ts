/** How an input leads to a grant. */

import { InvalidGrantIdException, NotFoundException, ValidationException } from "../base/errors.ts";
import { asGrantId } from "../base/ids.ts";
import type { Call, Resolution, Resource } from "../pipeline/operation.ts";
import type { Reader } from "../storage/store.ts";
import { requireParty, requireServicePrincipal } from "./grant-principals.ts";
import { grantOfToken } from "./grant-tokens.ts";
import { Grant } from "./grants.ts";
import type { Forms } from "./identifiers.ts";
import { key, type Locator } from "./resources.ts";

/** @throws InvalidGrantIdException not 64 hex digits */
export function requireGrantId(grantId: string): void {
  if (asGrantId(grantId) === undefined) throw new InvalidGrantIdException();
}

interface NamedGrant {
  readonly KeyId?: string;
  readonly GrantId?: string;
}

/** The grant with the id `GrantId` on the key `KeyId`. */
export function grantOfKey(forms: Forms): Locator<NamedGrant, Grant> {
  const keys = key("KeyId", forms);
  return {
    resolve(input, call, reader) {
      const found = keys.resolve(input, call, reader);
      if (found.kind === "absent") return found;
      const { id, row, arn, account } = found.resource;
      const grant = reader.find("grant", row.region, input.GrantId ?? "");
      if (grant?.key_id === id) return { kind: "found", resource: new Grant(grant) };
      return {
        kind: "absent",
        resource: { arn, account },
        error: () => new NotFoundException(`Grant ID ${input.GrantId} is not found.`),
      };
    },
  };
}

interface TokenOrName extends NamedGrant {
  readonly GrantToken?: string;
}

/** With a grant id the key's ARN alone will do (spec 08, P21; the newer API reference takes key ids, too). */
const byName = grantOfKey({ alias: false, crossAccount: true, arnOnly: true });

/** The grant that a token stands for, or the one that key and grant id name. */
export const retirableGrant: Locator<TokenOrName, Grant> = {
  resolve(input: TokenOrName, call: Call, reader: Reader): Resolution<Grant> {
    if (input.GrantToken === undefined) return byName.resolve(input, call, reader);
    return { kind: "found", resource: new Grant(grantOfToken(input.GrantToken, call, reader)) };
  },
};

/** @throws ValidationException neither a token nor both ids, or a token and an id */
export function requireTokenOrName({ GrantToken, KeyId, GrantId }: TokenOrName): void {
  const named = [KeyId, GrantId].filter((name) => name !== undefined).length;
  if (named !== (GrantToken === undefined ? 2 : 0)) {
    throw new ValidationException("You must specify either a grant token, or a grant ID and a key ARN.");
  }
  if (GrantId !== undefined) requireGrantId(GrantId);
}

interface Retiring {
  readonly RetiringPrincipal?: string;
  readonly RetiringServicePrincipal?: string;
}

/**
 * Who retires, as the resource of ListRetirableGrants: it must be a principal of the caller's account (KMS guide,
 * Permissions reference). A service principal is in no account.
 */
export const retiringPrincipal: Locator<Retiring, Resource> = {
  resolve: ({ RetiringPrincipal, RetiringServicePrincipal = "" }, { partition }) => ({
    kind: "found",
    resource:
      RetiringPrincipal === undefined
        ? { arn: RetiringServicePrincipal, account: "" }
        : requireParty(RetiringPrincipal, partition),
  }),
};

/** @throws ValidationException nobody is named, or two are; or a service in a form that none has */
export function requireRetiring({ RetiringPrincipal, RetiringServicePrincipal }: Retiring): void {
  if ((RetiringPrincipal === undefined) === (RetiringServicePrincipal === undefined)) {
    throw new ValidationException(
      "You must specify either RetiringPrincipal or RetiringServicePrincipal, but not both.",
    );
  }
  if (RetiringServicePrincipal !== undefined) {
    requireServicePrincipal(RetiringServicePrincipal, "retiringServicePrincipal");
  }
}
