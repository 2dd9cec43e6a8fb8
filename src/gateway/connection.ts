/** What is known of one connection: where it is from, and whose requests it has carried. */

import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Client } from "../pipeline/operation.ts";
import { keyExchangeOf } from "./key-exchange.ts";

/** Access keys that have signed on a connection: a proxy's carries several callers' requests. */
const PROVEN_MAX = 64;

const connections = new WeakMap<Socket, Connection>();

/** What is known of a connection, the same object for each of its requests. */
export function connectionOf(socket: Socket): Connection {
  let connection = connections.get(socket);
  if (connection === undefined) {
    connection = new Connection(socket);
    connections.set(socket, connection);
  }
  return connection;
}

export class Connection {
  readonly facts: Pick<Client, "address" | "tls">;
  /** Requests that have no answer yet. */
  unanswered = 0;
  /** Accounts by access keys that have signed here. */
  readonly #proven = new Map<string, string>();
  readonly #stranger: string;
  #hasFailed = false;

  constructor(socket: Socket) {
    this.facts = factsOf(socket);
    this.#stranger = `new ${this.facts.address}`;
  }

  /**
   * The caller that a request counts as before its signature is checked, for `Admission`: the account whose access key it names,
   * where that key has signed on this connection; else a new connection's address, or all whose last request proved nothing.
   * What a request merely claims takes nobody's turn.
   */
  callerOf(accessKeyId: string | undefined): string {
    const account = accessKeyId === undefined ? undefined : this.#proven.get(accessKeyId);
    return account ?? (this.#hasFailed ? "failing" : this.#stranger);
  }

  /** A signature of this access key held. */
  noteProven(accessKeyId: string, account: string): void {
    this.#hasFailed = false;
    if (this.#proven.size >= PROVEN_MAX && !this.#proven.has(accessKeyId)) this.#proven.clear();
    this.#proven.set(accessKeyId, account);
  }

  /** A request proved nothing, whatever access key it named. */
  noteFailed(accessKeyId: string | undefined): void {
    this.#hasFailed = true;
    if (accessKeyId !== undefined) this.#proven.delete(accessKeyId);
  }
}

function factsOf(socket: Socket): Pick<Client, "address" | "tls"> {
  const address = (socket.remoteAddress ?? "").replace(/^::ffff:/, "");
  if (!(socket instanceof TLSSocket)) return { address };
  const keyExchange = keyExchangeOf(socket);
  const version = socket.getProtocol() ?? "";
  const cipherSuite = socket.getCipher().standardName;
  return { address, tls: { version, cipherSuite, ...(keyExchange !== undefined && { keyExchange }) } };
}
