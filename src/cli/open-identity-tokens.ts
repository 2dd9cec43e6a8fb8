/** What verifies tokens of identity providers, loaded with the first of them. */

import { systemClock } from "../base/clock.ts";
import { OutboundClient } from "../base/outbound.ts";
import type { IdentityTokens } from "../iam/identity-tokens.ts";
import type { ServerConfig } from "./parts.ts";

/** The same one for every call. */
export function identityTokensOf({
  outboundAllowed,
}: Pick<ServerConfig, "outboundAllowed">): () => Promise<IdentityTokens> {
  let tokens: Promise<IdentityTokens> | undefined;
  const load = async (): Promise<IdentityTokens> => {
    const { IdentityTokens } = await import("../iam/identity-tokens.ts");
    return new IdentityTokens({ outbound: new OutboundClient(outboundAllowed), machineClock: systemClock });
  };
  return () => {
    tokens ??= load();
    return tokens;
  };
}
