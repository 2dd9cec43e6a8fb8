/** The one way in: listens, reads, authenticates, decodes, has the pipeline perform, and answers. Knows no service by name. */

import { randomUUID } from "node:crypto";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo, Server as NetServer, Socket } from "node:net";
import { findPartition } from "../base/arn.ts";
import type { Clock } from "../base/clock.ts";
import {
  InternalFailure,
  OperatorError,
  RequestEntityTooLargeException,
  ServiceError,
  ThrottlingException,
  UnknownOperationException,
  ValidationException,
} from "../base/errors.ts";
import type { Custody } from "../custody/custody.ts";
import type { Call, Client, Operation, Service } from "../pipeline/operation.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import type { Propagation } from "../pipeline/propagation.ts";
import type { Quotas } from "../pipeline/quotas.ts";
import type { Store } from "../storage/store.ts";
import type { WireAnswer, WireRequest } from "../wire/protocol.ts";
import { type Authenticated, Authenticator } from "./authenticate.ts";
import { type Connection, connectionOf } from "./connection.ts";
import { Door } from "./door.ts";
import { LIMITS, refuseBrokenRequest } from "./limits.ts";
import { sendStream } from "./send-stream.ts";
import { createTlsServer, type TlsOptions } from "./tls.ts";

// An `import` would read all that node:http exports, also WebSocket and its kin, and so load undici: a fifth of a start.
const { createServer: createHttpServer } = process.getBuiltinModule("node:http");

const NO_BODY = new Uint8Array(0);
/** The one status above 499 that is no fault of ours: S3's for what a server does not have. */
const NOT_IMPLEMENTED = 501;
/** Where AWS's global endpoints are. */
const DEFAULT_REGION = "us-east-1";

/** What the operator's log gets; it never gets bodies, headers or secrets. */
export interface Log {
  error(facts: Readonly<Record<string, unknown>>, message: string): void;
  warn(facts: Readonly<Record<string, unknown>>, message: string): void;
}

/** A route beside the APIs, such as `/healthz`. */
export type Route = (request: WireRequest, client: Client) => LocalAnswer | Promise<LocalAnswer>;

export interface LocalAnswer {
  readonly status: number;
  readonly body: string | Uint8Array;
  readonly contentType?: string;
  /** Further headers, such as those of caching. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface GatewayOptions {
  readonly services: readonly Service[];
  readonly pipeline: Pipeline;
  readonly store: Store;
  readonly custody: Custody;
  /** The injected clock: what operations see as now. */
  readonly clock: Clock;
  /** The machine's clock: signature freshness alone. */
  readonly machineClock: Clock;
  /** Absent for plain HTTP. */
  readonly tls?: TlsOptions;
  /** By exact path. */
  readonly routes: ReadonlyMap<string, Route>;
  readonly log: Log;
  /** Is told of each answer of a service. */
  readonly answered?: (answer: Answered) => void;
  /** Is told of each request that was signed as it should be, before it is decided (the last use of access keys). */
  readonly called?: (call: Call) => void;
  /** How long changes lag, where a development server makes them lag; see `Call`. */
  readonly propagation?: Propagation;
  /** What quotas hold; absent: those of AWS. */
  readonly quotas?: Quotas;
  /** Whether the DNS name of a VPC endpoint as Host means that endpoint (dev only: a header proves nothing). */
  readonly endpointsByHost?: boolean;
  /** Whether other processes of this server listen on the same ports; the kernel shares connections out among them. */
  readonly reusePort?: boolean;
}

/** How a request of a service ended. */
export interface Answered {
  readonly service: string;
  /** As the model has it; empty where a request named none, or was refused before anybody looked. */
  readonly operation: string;
  /** The error's, undefined for a success. */
  readonly code: string | undefined;
  readonly milliseconds: number;
}

/** Where to listen. */
export interface Listener {
  readonly host: string;
  readonly port: number;
  /** The id of the VPC endpoint whose network this address is. */
  readonly vpcEndpoint?: string;
}

/** The service that a request is for, and what it says of its signature. */
type Meant = ReturnType<Authenticator["serviceOf"]> & {
  /** To be told whose request it is, once that is proved. */
  proven(account: string): void;
};

/** HTTP or HTTPS listeners for every service. */
export class Gateway {
  readonly #options: GatewayOptions;
  readonly #servers: Server[] = [];
  readonly #authenticator: Authenticator;
  readonly #bodyBytesMax: number;
  readonly #door = new Door();
  #closing = false;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#authenticator = new Authenticator(options);
    const usual = options.services.filter(({ payloads }) => payloads === undefined);
    this.#bodyBytesMax = Math.max(...usual.map(({ bodyBytesMax }) => bodyBytesMax));
  }

  /**
   * Starts listening on one more address and returns it; port 0 takes a free one. What comes in at a listener of a VPC endpoint
   * came through that endpoint, whatever the request says.
   *
   * @throws OperatorError the port is taken, or the address is not this machine's
   */
  async listen({ host, port, vpcEndpoint }: Listener): Promise<AddressInfo> {
    const { tls } = this.#options;
    const listener = (request: IncomingMessage, response: ServerResponse): void =>
      void this.#serve(request, response, vpcEndpoint);
    const server = tls === undefined ? createHttpServer(LIMITS.http, listener) : createTlsServer(tls, listener);
    server.maxConnections = LIMITS.connections;
    server.on("clientError", refuseBrokenRequest);
    server.on("connection", (socket: Socket) => this.#door.accept(socket));
    const address = await listenOn(server, { host, port, reusePort: this.#options.reusePort === true });
    this.#servers.push(server);
    return address;
  }

  /** Finishes the requests that are under way, refuses new ones, and closes; after `graceMs` it cuts what is left. */
  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    const closed = this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    for (const server of this.#servers) server.closeIdleConnections();
    const cut = setTimeout(() => {
      for (const server of this.#servers) server.closeAllConnections();
    }, graceMs);
    await Promise.all(closed);
    clearTimeout(cut);
  }

  async #serve(request: IncomingMessage, response: ServerResponse, listenerEndpoint?: string): Promise<void> {
    const requestId = randomUUID();
    const connection = connectionOf(request.socket);
    connection.unanswered += 1;
    if (connection.unanswered > LIMITS.requestsOfConnection) request.socket.destroy();
    const { body, release } = await this.#door.read(request, connection, this.#bodyBytesMaxOf(request));
    try {
      if (body === "gone") return;
      if (body === "too large" || body === "too much") {
        this.#refuseBody(request, response, requestId, body);
        return;
      }
      const received = receivedRequest(request, body);
      const client = clientOf(request, connection, listenerEndpoint ?? this.#endpointOfHost(request));
      const route = this.#options.routes.get(request.url ?? "");
      if (route !== undefined) {
        this.#send(response, await this.#local(route, received, client, requestId), requestId);
        return;
      }
      const sending = this.#send(response, await this.#admit(received, client, connection, requestId), requestId);
      if (sending !== undefined) await sending;
    } catch (cause) {
      this.#options.log.error({ requestId, err: cause }, "A request failed outside its service.");
      response.destroy();
    } finally {
      connection.unanswered -= 1;
      release();
    }
  }

  /** Whom a body is for is asked only of those that are longer than most services take, or of unknown length. */
  #bodyBytesMaxOf(request: IncomingMessage): number {
    const length = request.headers["content-length"];
    if (
      length === undefined ? request.headers["transfer-encoding"] === undefined : Number(length) <= this.#bodyBytesMax
    ) {
      return this.#bodyBytesMax;
    }
    const { service } = this.#authenticator.serviceOf(receivedRequest(request, NO_BODY));
    return Math.max(this.#bodyBytesMax, service.bodyBytesMax);
  }

  /** In development the DNS name of an endpoint as Host is enough; elsewhere the listener alone says it. */
  #endpointOfHost({ headers }: IncomingMessage): string | undefined {
    return this.#options.endpointsByHost === true ? ENDPOINT_HOST.exec(headers.host ?? "")?.[1] : undefined;
  }

  async #local(route: Route, request: WireRequest, client: Client, requestId: string): Promise<WireAnswer> {
    try {
      return { contentType: "text/plain; charset=utf-8", ...(await route(request, client)) };
    } catch (cause) {
      this.#options.log.error({ requestId, err: cause }, "A local route failed.");
      return { status: 503, contentType: "text/plain; charset=utf-8", body: "unavailable\n" };
    }
  }

  /** What is left of the body is never read: the connection ends with the answer. */
  #refuseBody(
    request: IncomingMessage,
    response: ServerResponse,
    requestId: string,
    why: "too large" | "too much",
  ): void {
    const { service } = this.#authenticator.serviceOf(receivedRequest(request, NO_BODY));
    const error = why === "too large" ? new RequestEntityTooLargeException() : throttled(service);
    this.#tell(service, "", error.code, performance.now());
    response.setHeader("Connection", "close");
    this.#send(response, service.model.codec.encodeError(error, requestId), requestId);
    response.once("finish", () => request.socket.destroySoon());
  }

  /** What it costs to prove who calls is spent in its turn only. */
  #admit(request: WireRequest, client: Client, connection: Connection, requestId: string): Promise<WireAnswer> {
    const meant = this.#authenticator.serviceOf(request);
    const { service, claimed } = meant;
    return this.#door.pass({
      connection,
      accessKeyId: claimed instanceof ServiceError ? undefined : claimed.accessKeyId,
      bodyBytes: request.body.length,
      perform: (proven) => this.#answer(request, { ...meant, proven }, client, requestId),
      refuse: () => {
        const error = throttled(service);
        this.#tell(service, "", error.code, performance.now());
        return service.model.codec.encodeError(error, requestId);
      },
    });
  }

  /** Every failure of ours and of the caller's becomes an answer in the protocol of the service that was meant. */
  async #answer(
    request: WireRequest,
    { service, claimed, proven }: Meant,
    client: Client,
    requestId: string,
  ): Promise<WireAnswer> {
    const { codec } = service.model;
    const startedMs = performance.now();
    let operationName = "";
    try {
      const name = codec.operationName(request);
      const model = name === undefined ? undefined : service.model.operations.get(name);
      if (model !== undefined) operationName = model.name;
      const operation = model && service.operations.get(model.name);
      // Nobody will sign it; to be asked for a signature would lead astray.
      if (model?.unsigned === true && operation === undefined) throw service.unsupported(model.name);
      const identified = operation?.identify && (await this.#identify(service, operation, request, client));
      const authenticated: Authenticated =
        identified ?? (await this.#authenticator.authenticate(request, service, claimed));
      const { principal, partition, region } = authenticated;
      proven(principal.account);
      if (model === undefined) throw new UnknownOperationException(codec.wordsOnUnknown?.(request));
      const call: Call = {
        requestId,
        service: service.model.id,
        operation: model.name,
        principal,
        partition,
        region: service.homeRegion?.(partition) ?? region,
        now: this.#options.clock.now(),
        ...(this.#options.propagation && { propagation: this.#options.propagation }),
        ...(this.#options.quotas !== undefined && { quotas: this.#options.quotas }),
        client,
      };
      this.#options.called?.(call);
      const answer = codec.encode(
        model,
        await this.#perform(service, call, authenticated.request ?? request),
        requestId,
      );
      this.#tell(service, operationName, undefined, startedMs);
      return answer;
    } catch (cause) {
      const error = cause instanceof ServiceError ? cause : new InternalFailure("", { cause });
      if (error.status >= 500 && error.status !== NOT_IMPLEMENTED) {
        this.#options.log.error({ requestId, err: error.cause ?? error }, "A request failed for a fault of ours.");
      }
      this.#tell(service, operationName, error.code, startedMs);
      return codec.encodeError(error, requestId);
    }
  }

  #tell({ model }: Service, operation: string, code: string | undefined, startedMs: number): void {
    this.#options.answered?.({ service: model.id, operation, code, milliseconds: performance.now() - startedMs });
  }

  /** Who sends an unsigned request. It has no credential scope: its Region is the one that its Host names, if any. */
  async #identify(service: Service, operation: Operation, request: WireRequest, { host }: Client) {
    const model = service.model.operations.get(operation.name);
    if (model === undefined || operation.identify === undefined) throw new UnknownOperationException();
    const region = host.split(".").find((label) => findPartition(label) !== undefined) ?? DEFAULT_REGION;
    const partition = findPartition(region) ?? "";
    const input = service.model.codec.decode(model, request);
    const context = { ...service.environment, store: this.#options.store, partition };
    return { principal: await operation.identify(input, context), partition, region };
  }

  async #perform(service: Service, call: Call, request: WireRequest): Promise<unknown> {
    const { pipeline } = this.#options;
    const operation = service.operations.get(call.operation);
    const model = service.model.operations.get(call.operation);
    if (operation === undefined || model === undefined) {
      throw await pipeline.refuse(service, call, service.unsupported(call.operation), false);
    }
    let input: Readonly<Record<string, unknown>>;
    try {
      input = service.model.codec.decode(model, request);
    } catch (cause) {
      if (!(cause instanceof ServiceError)) throw cause;
      const error = cause instanceof ValidationException ? (service.invalid?.(cause) ?? cause) : cause;
      throw await pipeline.refuse(service, call, error, operation.record.readOnly);
    }
    return pipeline.perform(service, operation, input, call);
  }

  /** @returns when the last of it was written, of an answer that is too long to be written at once */
  #send(
    response: ServerResponse,
    { status, contentType, body, headers }: WireAnswer,
    requestId: string,
  ): Promise<void> | undefined {
    const isStream = typeof body === "object" && "lengthBytes" in body;
    // A text goes out in one write with the head; bytes would take a second one.
    response.writeHead(status, {
      "x-amzn-RequestId": requestId,
      "Content-Type": contentType,
      "Content-Length": isStream ? body.lengthBytes : Buffer.byteLength(body),
      ...headers,
      ...(this.#closing && { Connection: "close" }),
    });
    if (isStream) return sendStream(response, body);
    response.end(body);
    if ((response.socket?.writableLength ?? 0) > 0) cutSlowReader(response);
    return undefined;
  }
}

/**
 * Has a server listen; port 0 takes a free one.
 *
 * @throws OperatorError the port is taken, or the address is not this machine's
 */
export async function listenOn(
  server: NetServer,
  { host, port, reusePort = false }: Omit<Listener, "vpcEndpoint"> & { readonly reusePort?: boolean },
): Promise<AddressInfo> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => reject(whyNotListening(cause, host, port)));
    server.listen({ port, host, reusePort }, () => {
      server.removeAllListeners("error");
      resolve();
    });
  });
  return server.address() as AddressInfo;
}

function whyNotListening(cause: NodeJS.ErrnoException, host: string, port: number): Error {
  const where = `port ${port} of ${host}`;
  if (cause.code === "EADDRINUSE") return new OperatorError(`Can't listen on ${where}: it is in use.`, { cause });
  return new OperatorError(`Can't listen on ${where}: ${cause.code ?? cause.message}.`, { cause });
}

function receivedRequest(request: IncomingMessage, body: Uint8Array): WireRequest {
  return {
    method: request.method ?? "",
    target: request.url ?? "",
    headers: receivedHeaders(request),
    body,
  };
}

/** A header that comes twice has its values joined by a bare comma, as its signature has them: node puts a blank behind. */
function receivedHeaders({ headers, rawHeaders }: IncomingMessage): WireRequest["headers"] {
  if (rawHeaders.length === 2 * Object.keys(headers).length) return headers as WireRequest["headers"];
  const joined = new Map<string, string>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase() ?? "";
    const value = rawHeaders[index + 1] ?? "";
    const before = joined.get(name);
    joined.set(name, before === undefined ? value : `${before},${value}`);
  }
  return Object.fromEntries(joined);
}

/** Such as `vpce-0a1b2c3d4e5f60718-a1b2c3d4.kms.us-east-1.vpce.amazonaws.com` (AWS PrivateLink guide, DNS hostnames). */
const ENDPOINT_HOST = /^(vpce-[0-9a-f]+)(?:-[0-9a-z-]+)?\.[a-z0-9-]+\.[a-z0-9-]+\.vpce\.amazonaws\.com(?::\d+)?$/;

function clientOf({ headers }: IncomingMessage, { facts }: Connection, vpcEndpoint: string | undefined): Client {
  const { host = "", referer } = headers;
  const client = { ...facts, userAgent: headers["user-agent"], host };
  if (referer === undefined && vpcEndpoint === undefined) return client;
  return { ...client, ...(referer !== undefined && { referer }), ...(vpcEndpoint !== undefined && { vpcEndpoint }) };
}

/** An answer that the kernel does not take waits in our memory: whoever does not read it in time is cut off. */
function cutSlowReader(response: ServerResponse): void {
  const timer = setTimeout(() => response.destroy(), LIMITS.answerTimeout);
  timer.unref();
  response.once("close", () => clearTimeout(timer));
}

function throttled(service: Service): ServiceError {
  return service.throttled?.() ?? new ThrottlingException("Rate exceeded");
}
