/** Who sent a request, and which service it is for. */

import { findPartition } from "../base/arn.ts";
import type { Clock } from "../base/clock.ts";
import {
  ExpiredTokenException,
  InvalidSignatureException,
  ServiceError,
  UnrecognizedClientException,
} from "../base/errors.ts";
import type { Custody, SealedClaims, SessionOpening, SigningKey } from "../custody/custody.ts";
import { findCredential, findPrincipal, findSessionPrincipal } from "../identity/credentials.ts";
import type { Principal } from "../identity/principal.ts";
import { parseClaims, type SessionClaims } from "../identity/session.ts";
import { parseSignature, type SignedRequest, verifySignature } from "../identity/sigv4.ts";
import type { Service } from "../pipeline/operation.ts";
import type { Identity } from "../storage/identity-rows.ts";
import type { CredentialRow } from "../storage/schema.ts";
import type { Reader, Store } from "../storage/store.ts";
import type { WireRequest } from "../wire/protocol.ts";

/** A caller who has proved to hold the secret. */
export interface Authenticated {
  readonly principal: Principal;
  readonly partition: string;
  readonly region: string;
  /** The request with its payload as body, where that is not what came (S3). */
  readonly request?: WireRequest;
}

/** The principal of an access key, with the rows that it was made of. */
interface Known {
  readonly credential: CredentialRow;
  readonly user: Identity | undefined;
  readonly principal: Principal;
}

/** What a token said, with the principal that it made and the rows that this one was made of. */
interface KnownSession {
  readonly session: SessionClaims;
  readonly identity: Identity | undefined;
  readonly partition: string;
  readonly principal: Principal | undefined;
}

/** Who a request would be of, and the key that it would be signed with. */
interface Signer {
  readonly principal: Principal;
  readonly signingKey: SigningKey;
}

/** What a request says of its signature, or why that can't be read. */
type Claimed = SignedRequest | ServiceError;

export interface AuthenticatorOptions {
  readonly services: readonly Service[];
  readonly store: Store;
  readonly custody: Custody;
  readonly machineClock: Clock;
  /**
   * The injected clock, which decides when sessions end: their times are told to callers by it, and a test that moves it
   * wants to see them end. Signatures are as fresh as the machine's clock says.
   */
  readonly clock: Clock;
}

export class Authenticator {
  readonly #store: Store;
  readonly #custody: Custody;
  readonly #machineClock: Clock;
  readonly #clock: Clock;
  /** By signing name; of one that speaks several protocols, one for each. */
  readonly #services: ReadonlyMap<string, readonly Service[]>;
  readonly #first: Service;
  readonly #known = new WeakMap<CredentialRow, Known>();
  readonly #knownSessions = new WeakMap<SealedClaims, KnownSession>();

  constructor({ services, store, custody, machineClock, clock }: AuthenticatorOptions) {
    const [first] = services;
    if (first === undefined) throw new Error("A gateway needs a service.");
    this.#first = first;
    this.#services = Map.groupBy(services, ({ model }) => model.id);
    this.#store = store;
    this.#custody = custody;
    this.#machineClock = machineClock;
    this.#clock = clock;
  }

  /**
   * The service that a request is for: the one of its credential scope; when it names none that we have, the one whose
   * protocol its operation is in, so that the refusal is in that protocol.
   */
  serviceOf(request: WireRequest): { readonly service: Service; readonly claimed: Claimed } {
    const claimed = this.#claimOf(request);
    const named = claimed instanceof ServiceError ? undefined : this.#services.get(claimed.service);
    if (named?.length === 1 && named[0] !== undefined) return { service: named[0], claimed };
    const services = named ?? [...this.#services.values()].flat();
    const service = services.find(({ model }) => model.codec.operationName(request) !== undefined);
    return { service: service ?? named?.[0] ?? this.#first, claimed };
  }

  /**
   * Checks the signature. The access key is looked up before its signing key, so that one that was taken away stops at once.
   *
   * @throws MissingAuthenticationTokenException, IncompleteSignatureException, InvalidSignatureException see sigv4.ts
   * @throws UnrecognizedClientException nobody has that access key, the session's token is none of ours or of another access
   *   key, its user, role or account is gone, or the service takes no callers of that kind
   * @throws ExpiredTokenException the session is over
   */
  async authenticate(
    request: WireRequest,
    { model, admits, payloads }: Service,
    claimed: Claimed,
  ): Promise<Authenticated> {
    if (claimed instanceof ServiceError) throw payloads?.refusal?.(claimed, request) ?? claimed;
    const { region, service, securityToken } = claimed;
    if (service !== model.id) {
      throw new InvalidSignatureException(`Credential should be scoped to correct service: '${model.id}'. `);
    }
    const partition = findPartition(region);
    if (partition === undefined) {
      const ours = payloads?.unknownRegion?.(claimed);
      throw ours ?? new InvalidSignatureException("Credential should be scoped to a valid region. ");
    }
    const { principal, signingKey } =
      securityToken === undefined
        ? await this.#signerOfKey(claimed, partition)
        : await this.#signerOfSession(claimed, securityToken, partition);
    const nowMs = this.#machineClock.now();
    const payloadHash = payloads?.hashOf(claimed, request);
    payloads?.requireFresh?.(claimed, nowMs);
    verifySignature(claimed, request, { signingKey, nowMs, payloadHash, mismatch: payloads?.mismatch });
    if (admits !== undefined && !admits(principal)) throw unrecognized();
    if (payloads === undefined) return { principal, partition, region };
    return { principal, partition, region, request: await payloads.read(claimed, request, signingKey) };
  }

  async #signerOfKey({ accessKeyId, date, region, service }: SignedRequest, partition: string): Promise<Signer> {
    const settled = this.#store.settle((reader) => this.#find(reader, accessKeyId, partition));
    const known = settled instanceof Promise ? await settled : settled;
    if (known === undefined) throw unrecognized();
    const { principal, credential } = known;
    const { account, revision, secret: sealed } = credential;
    const found = this.#custody.signingKey({ account, accessKeyId, revision, sealed, date, region, service });
    return { principal, signingKey: found instanceof Promise ? await found : found };
  }

  /** A token opens for its own access key alone; whoever it was made for must still be here. */
  async #signerOfSession(
    { accessKeyId, date, region, service }: SignedRequest,
    token: string,
    partition: string,
  ): Promise<Signer> {
    const opening = this.#custody.openSession({ accessKeyId, token, date, region, service });
    const opened: SessionOpening = opening instanceof Promise ? await opening : opening;
    if (opened === undefined) throw unrecognized();
    if (opened === "expired") throw expired();
    const { claims, signingKey } = opened;
    const settled = this.#store.settle((reader) => this.#findSession(reader, claims, partition));
    const { session, principal } = settled instanceof Promise ? await settled : settled;
    if (principal === undefined) throw unrecognized();
    if (this.#clock.now() >= session.expiresAt) throw expired();
    return { principal, signingKey };
  }

  /** One principal object for each session, user or role, and partition. */
  #findSession(reader: Reader, claims: SealedClaims, partition: string): KnownSession {
    const known = this.#knownSessions.get(claims);
    const session = known?.session ?? parseClaims(claims.text);
    const identity = session.identityId === null ? undefined : reader.find("identity", session.identityId);
    const isOpen = reader.find("account", session.account) !== undefined;
    const isKnown = known?.principal !== undefined && known.partition === partition && known.identity === identity;
    if (isKnown && isOpen) return known;
    const found = { session, identity, partition, principal: findSessionPrincipal(reader, session, partition) };
    this.#knownSessions.set(claims, found);
    return found;
  }

  /** One principal object for each credential, user and partition: records remember what they render of it. */
  #find(reader: Reader, accessKeyId: string, partition: string): Known | undefined {
    const credential = findCredential(reader, accessKeyId);
    if (credential === undefined) return undefined;
    const { user_id: userId } = credential;
    const user = userId === null ? undefined : reader.find("identity", userId);
    const known = this.#known.get(credential);
    if (known?.principal.partition === partition && known.user === user) return known;
    const principal = findPrincipal(reader, credential, partition);
    if (principal === undefined) return undefined;
    const found = { credential, user, principal };
    this.#known.set(credential, found);
    return found;
  }

  #claimOf(request: WireRequest): Claimed {
    try {
      return parseSignature(request);
    } catch (cause) {
      if (cause instanceof ServiceError) return cause;
      throw cause;
    }
  }
}

function expired(): ExpiredTokenException {
  return new ExpiredTokenException("The security token included in the request is expired");
}

function unrecognized(): UnrecognizedClientException {
  return new UnrecognizedClientException("The security token included in the request is invalid.");
}
