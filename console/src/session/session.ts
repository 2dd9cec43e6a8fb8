/** Who is signed in: an access key, kept in this tab alone, and whose it is. */

import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

export interface AccessKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface Session {
  readonly credentials: AccessKey;
  /** Twelve digits. */
  readonly account: string;
  /** The ARN of the user, role session or root user. */
  readonly arn: string;
  /** The Region that was chosen; pages say theirs in their address. */
  readonly region: string;
}

/** In `sessionStorage`: it survives a reload, no other tab sees it, and it ends with the tab. */
const STORAGE_KEY = "keystead.session";

/** Every API is at the address that the page came from. */
export const ENDPOINT = window.location.origin;

/**
 * Asks whose an access key is. Nothing but requests to this server, which its secret signs, leaves the tab.
 *
 * @throws whatever STS answers, such as InvalidClientTokenId and SignatureDoesNotMatch
 */
export async function signIn(credentials: AccessKey, region: string): Promise<Session> {
  const sts = new STSClient({ endpoint: ENDPOINT, region, credentials, maxAttempts: 1 });
  const { Account = "", Arn = "" } = await sts.send(new GetCallerIdentityCommand({}));
  return { credentials, account: Account, arn: Arn, region };
}

export function rememberSession(session: Session): void {
  window.sessionStorage.setItem(STORAGE_KEY, JSON.stringify(session));
}

export function forgetSession(): void {
  window.sessionStorage.removeItem(STORAGE_KEY);
}

export function rememberedSession(): Session | undefined {
  const text = window.sessionStorage.getItem(STORAGE_KEY);
  return text === null ? undefined : (JSON.parse(text) as Session);
}

/** The last part of a principal's ARN, such as `user/alice` or `root`. */
export function principalName(arn: string): string {
  return arn.split(":").slice(5).join(":");
}
