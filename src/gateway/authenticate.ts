/** Who sent a request, and which service it is for. */

import { findPartition } from "../base/arn.ts";
import type { Clock } from "../base/clock.ts";
import { InvalidSignatureException, ServiceError, UnrecognizedClientException } from "../base/errors.ts";
import type { Custody } from "../custody/custody.ts";
import { findCredential, findPrincipal } from "../identity/credentials.ts";
import type { Principal } from "../identity/principal.ts";
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
}

/** The principal of an access key, with the rows that it was made of. */
interface Known {
  readonly credential: CredentialRow;
  readonly user: Identity | undefined;
  readonly principal: Principal;
}

/** What a request says of its signature, or why that can't be read. */
type Claimed = SignedRequest | ServiceError;

export interface AuthenticatorOptions {
  readonly services: readonly Service[];
  readonly store: Store;
  readonly custody: Custody;
  readonly machineClock: Clock;
}

export class Authenticator {
  readonly #store: Store;
  readonly #custody: Custody;
  readonly #machineClock: Clock;
  readonly #services: ReadonlyMap<string, Service>;
  readonly #first: Service;
  readonly #known = new WeakMap<CredentialRow, Known>();

  constructor({ services, store, custody, machineClock }: AuthenticatorOptions) {
    const [first] = services;
    if (first === undefined) throw new Error("A gateway needs a service.");
    this.#first = first;
    this.#services = new Map(services.map((service) => [service.model.id, service]));
    this.#store = store;
    this.#custody = custody;
    this.#machineClock = machineClock;
  }

  /**
   * The service that a request is for: the one of its credential scope; when it names none that we have, the one whose
   * protocol its operation is in, so that the refusal is in that protocol.
   */
  serviceOf(request: WireRequest): { readonly service: Service; readonly claimed: Claimed } {
    const claimed = this.#claimOf(request);
    const named = claimed instanceof ServiceError ? undefined : this.#services.get(claimed.service);
    const service = named ?? [...this.#services.values()].find(({ model }) => model.codec.operationName(request));
    return { service: service ?? this.#first, claimed };
  }

  /**
   * Checks the signature. The access key is looked up before its signing key, so that one that was taken away stops at once.
   *
   * @throws MissingAuthenticationTokenException, IncompleteSignatureException, InvalidSignatureException see sigv4.ts
   * @throws UnrecognizedClientException nobody has that access key
   */
  async authenticate(request: WireRequest, { model }: Service, claimed: Claimed): Promise<Authenticated> {
    if (claimed instanceof ServiceError) throw claimed;
    const { accessKeyId, date, region, service, securityToken } = claimed;
    if (service !== model.id) {
      throw new InvalidSignatureException(`Credential should be scoped to correct service: '${model.id}'. `);
    }
    const partition = findPartition(region);
    if (partition === undefined) throw new InvalidSignatureException("Credential should be scoped to a valid region. ");
    const settled = this.#store.settle((reader) => this.#find(reader, accessKeyId, partition));
    const signer = settled instanceof Promise ? await settled : settled;
    if (signer === undefined || securityToken !== undefined) throw unrecognized();
    const { principal, credential } = signer;
    const { account, revision, secret: sealed } = credential;
    const name = { account, accessKeyId, revision, sealed, date, region, service };
    const found = this.#custody.signingKey(name);
    const signingKey = found instanceof Promise ? await found : found;
    try {
      verifySignature(claimed, request, { signingKey, nowMs: this.#machineClock.now() });
    } finally {
      signingKey.fill(0);
    }
    return { principal, partition, region };
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

function unrecognized(): UnrecognizedClientException {
  return new UnrecognizedClientException("The security token included in the request is invalid.");
}
