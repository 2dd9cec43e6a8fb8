/** Tokens of identity providers (OpenID Connect): whose they are, checked against the provider's own keys. */

import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, errors, type JSONWebKeySet, jwtVerify } from "jose";
import type { Clock } from "../base/clock.ts";
import {
  ExpiredIdentityTokenException,
  IDPCommunicationErrorException,
  IDPRejectedClaimException,
  InvalidIdentityTokenException,
} from "../base/errors.ts";
import { type OutboundClient, OutboundError } from "../base/outbound.ts";

/** A provider as an account registered it. */
export interface RegisteredProvider {
  readonly arn: string;
  /** Without `https://`. */
  readonly url: string;
  readonly clientIds: readonly string[];
}

/** What a token that was verified says. */
export interface IdentityToken {
  readonly provider: RegisteredProvider;
  readonly subject: string;
  /** The audience by which the account knows the provider's client. */
  readonly audience: string;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** What AWS takes (IAM guide, Create an OpenID Connect identity provider); neither `none` nor any HMAC. */
const ALGORITHMS = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"];

const DISCOVERY = "/.well-known/openid-configuration";
/** Providers whose keys are remembered at a time, for how long, and how soon they are asked again after a failure or for an unknown key. */
const PROVIDERS_MAX = 1_000;
const KEYS_AGE_MS_MAX = 600_000;
const RETRY_MS = 10_000;
const KEYS_MAX = 100;

const NOT_A_JWT = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)";
const NO_KEY =
  "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements";

/** The keys of one provider, or why they could not be had. */
interface Remembered {
  readonly fetchedAt: number;
  readonly keys: Promise<JSONWebKeySet>;
}

/**
 * Verifies identity tokens. Whether they are still good is a question for the machine's clock, as with signatures: who issued
 * them has no other.
 */
export class IdentityTokens {
  readonly #outbound: OutboundClient;
  readonly #clock: Clock;
  readonly #keys = new Map<string, Remembered>();

  constructor({ outbound, machineClock }: { readonly outbound: OutboundClient; readonly machineClock: Clock }) {
    this.#outbound = outbound;
    this.#clock = machineClock;
  }

  /**
   * Verifies a token: its form, provider, audience, signature, and times, in this order.
   *
   * @param findProvider the provider that the role's account has registered for an issuer, given without its scheme
   * @throws InvalidIdentityTokenException whatever is wrong but the time
   * @throws ExpiredIdentityTokenException it came too late
   * @throws IDPRejectedClaimException it came too early, or another claim does not hold
   * @throws IDPCommunicationErrorException its provider can't be reached now
   */
  async verify(
    token: string,
    findProvider: (url: string) => Promise<RegisteredProvider | undefined>,
  ): Promise<IdentityToken> {
    const { issuer, keyId, algorithm, claims } = parse(token);
    const provider = await findProvider(issuer.replace(/^https?:\/\//, ""));
    if (provider === undefined || !this.#outbound.mayFetch(issuer)) {
      throw new InvalidIdentityTokenException(`No OpenIDConnect provider found in your account for ${issuer}`);
    }
    const audience = requireAudience(claims, provider);
    if (!ALGORITHMS.includes(algorithm)) throw new InvalidIdentityTokenException(NOT_A_JWT);
    const keys = await this.#keysFor(issuer, keyId);
    const subject = await this.#requireSignature(token, { issuer, keys });
    return { provider, subject, audience, claims };
  }

  async #requireSignature(token: string, { issuer, keys }: { issuer: string; keys: JSONWebKeySet }): Promise<string> {
    const now = this.#clock.now();
    try {
      const { payload } = await jwtVerify(token, createLocalJWKSet(keys), {
        issuer,
        algorithms: ALGORITHMS,
        currentDate: new Date(now),
        requiredClaims: ["sub", "exp", "iat"],
      });
      if (payload.sub === undefined || payload.sub === "") throw missing("sub");
      return payload.sub;
    } catch (cause) {
      throw refusalOf(cause, now);
    }
  }

  /** The provider's keys; they are asked for anew when they don't have the one that is wanted, but not at every call. */
  async #keysFor(issuer: string, keyId: string | undefined): Promise<JSONWebKeySet> {
    const remembered = this.#remembered(issuer, KEYS_AGE_MS_MAX) ?? this.#ask(issuer);
    const keys = await orRefusal(remembered.keys);
    if (has(keys, keyId)) return keys;
    const anew = this.#remembered(issuer, RETRY_MS) ?? this.#ask(issuer);
    return await orRefusal(anew.keys);
  }

  #remembered(issuer: string, ageMsMax: number): Remembered | undefined {
    const found = this.#keys.get(issuer);
    const age = found === undefined ? 0 : this.#clock.now() - found.fetchedAt;
    return age >= 0 && age < ageMsMax ? found : undefined;
  }

  /** One fetch for all who ask; a failure is remembered for a moment, so that callers can't have us knock all the time. */
  #ask(issuer: string): Remembered {
    const asked = { fetchedAt: this.#clock.now(), keys: this.#fetchKeys(issuer) };
    asked.keys.catch(() => {
      const failed = { ...asked, fetchedAt: asked.fetchedAt - KEYS_AGE_MS_MAX + RETRY_MS };
      if (this.#keys.get(issuer) === asked) this.#keys.set(issuer, failed);
    });
    this.#keys.delete(issuer);
    for (const oldest of this.#keys.keys()) {
      if (this.#keys.size < PROVIDERS_MAX) break;
      this.#keys.delete(oldest);
    }
    this.#keys.set(issuer, asked);
    return asked;
  }

  /** OpenID Connect Discovery 1.0, 4: the document names its issuer, which must be the one that was asked, and the keys. */
  async #fetchKeys(issuer: string): Promise<JSONWebKeySet> {
    const document = asObject(await this.#outbound.fetchJson(issuer.replace(/\/$/, "") + DISCOVERY));
    const { issuer: named, jwks_uri: keysUrl } = document;
    if (named !== issuer || typeof keysUrl !== "string") throw unfit("The discovery document is another issuer's.");
    const { keys } = asObject(await this.#outbound.fetchJson(keysUrl));
    if (!Array.isArray(keys) || keys.length > KEYS_MAX) throw unfit("The key set is none.");
    return { keys: keys.map(asObject).filter(({ kty }) => kty === "RSA" || kty === "EC") } as JSONWebKeySet;
  }
}

interface Parsed {
  readonly issuer: string;
  readonly keyId: string | undefined;
  readonly algorithm: string;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** What a token claims; nothing of it is believed yet. */
function parse(token: string): Parsed {
  try {
    const { alg: algorithm, kid: keyId } = decodeProtectedHeader(token);
    const claims = decodeJwt(token);
    const { iss: issuer } = claims;
    if (algorithm === undefined) throw new InvalidIdentityTokenException(NOT_A_JWT);
    if (typeof issuer !== "string" || issuer === "") throw missing("iss");
    return { issuer, keyId, algorithm, claims };
  } catch (cause) {
    if (cause instanceof InvalidIdentityTokenException) throw cause;
    throw new InvalidIdentityTokenException(NOT_A_JWT, { cause });
  }
}

/** With several audiences, the authorized party is the one that counts (OpenID Connect Core 1.0, 3.1.3.7). */
function requireAudience({ aud, azp }: Parsed["claims"], { clientIds }: RegisteredProvider): string {
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  const named = azp === undefined ? audiences : [azp];
  const audience = named.find((one): one is string => typeof one === "string" && clientIds.includes(one));
  if (audience === undefined) throw new InvalidIdentityTokenException("Incorrect token audience");
  return audience;
}

function has({ keys }: JSONWebKeySet, keyId: string | undefined): boolean {
  return keyId === undefined ? keys.length > 0 : keys.some(({ kid }) => kid === keyId);
}

async function orRefusal(keys: Promise<JSONWebKeySet>): Promise<JSONWebKeySet> {
  try {
    return await keys;
  } catch (cause) {
    if (!(cause instanceof OutboundError)) throw cause;
    if (cause.kind !== "unreachable") throw new InvalidIdentityTokenException(NO_KEY, { cause });
    throw new IDPCommunicationErrorException("The identity provider could not be reached.", { cause });
  }
}

/** The refusal of a token that jose refused; the texts are recorded on AWS where a recording was found. */
function refusalOf(cause: unknown, now: number): Error {
  if (cause instanceof errors.JWTExpired) {
    const [current, end] = [Math.floor(now / 1000), cause.payload.exp];
    return new ExpiredIdentityTokenException(
      `Token expired: current date/time ${current} must be before the expiration date/time ${end}`,
    );
  }
  if (cause instanceof errors.JWTClaimValidationFailed) {
    if (cause.reason === "missing") return missing(cause.claim);
    return new IDPRejectedClaimException(`The token's ${cause.claim} claim does not hold.`);
  }
  if (cause instanceof errors.JWKSNoMatchingKey || cause instanceof errors.JWKSMultipleMatchingKeys) {
    return new InvalidIdentityTokenException(NO_KEY);
  }
  if (cause instanceof InvalidIdentityTokenException) return cause;
  // Anything else is a signature that does not fit, or a key that can't be used: both are the provider's or the caller's.
  const isToken = cause instanceof errors.JWSSignatureVerificationFailed || cause instanceof errors.JWTInvalid;
  return new InvalidIdentityTokenException(isToken ? NOT_A_JWT : NO_KEY, { cause });
}

function missing(claim: string): InvalidIdentityTokenException {
  return new InvalidIdentityTokenException(`Missing a required claim: ${claim}`);
}

function unfit(message: string): OutboundError {
  return new OutboundError("unfit", message);
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw unfit("The answer is no JSON object.");
  return value as Readonly<Record<string, unknown>>; // just checked
}
