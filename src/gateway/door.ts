/** What keeps one client from taking the server from others: connections, memory, turns, and the pace of refusals. */

import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { setTimeout as later } from "node:timers/promises";
import { Admission, RefusalPace } from "./admission.ts";
import { type Body, readBody } from "./body.ts";
import type { Connection } from "./connection.ts";
import { LIMITS } from "./limits.ts";
import { Shares } from "./shares.ts";

/** A body, and the memory that it takes until it is released. */
export interface Read {
  readonly body: Body;
  release(): void;
}

/** A request that has been read, before anything of it is believed. */
export interface Arrival<T> {
  readonly connection: Connection;
  /** The access key that it names. */
  readonly accessKeyId: string | undefined;
  readonly bodyBytes: number;
  /** Authenticates and answers; calls `proven` with the caller's account once the signature has held. */
  perform(proven: (account: string) => void): Promise<T>;
  /** The answer to a caller who has too much under way. */
  refuse(): T;
}

export class Door {
  readonly #admission = new Admission();
  readonly #pace = new RefusalPace();
  /** By address. */
  readonly #connections = new Shares(LIMITS.connections);
  readonly #bodyBytes = new Shares(LIMITS.bodyBytes);

  /** Counts a new connection; an address that has its share of them gets no more. */
  accept(socket: Socket): void {
    const address = socket.remoteAddress ?? "";
    if (this.#connections.take(address, 1)) socket.once("close", () => this.#connections.release(address, 1));
    else socket.destroy();
  }

  /** Reads a body, up to a limit; large ones share a bounded memory, of which an address has its share. */
  async read(request: IncomingMessage, { facts: { address } }: Connection, bytesMax: number): Promise<Read> {
    let held = 0;
    const take = (bytes: number, length: number): boolean => {
      if (length <= LIMITS.smallBodyBytes) return true;
      if (!this.#bodyBytes.take(address, bytes)) return false;
      held += bytes;
      return true;
    };
    const release = (): void => {
      if (held > 0) this.#bodyBytes.release(address, held);
    };
    return { body: await readBody(request, bytesMax, take), release };
  }

  /** Performs a request when it is its caller's turn, and refuses one whose caller has its share under way. */
  async pass<T>({ connection, accessKeyId, bodyBytes, perform, refuse }: Arrival<T>): Promise<T> {
    const caller = connection.callerOf(accessKeyId);
    const entered = this.#admission.enter(caller, bodyBytes);
    if (entered === false) {
      await this.#hold();
      return refuse();
    }
    await entered;
    let isProven = false;
    let answer: T;
    try {
      answer = await perform((account) => {
        isProven = true;
        if (accessKeyId !== undefined) connection.noteProven(accessKeyId, account);
      });
    } finally {
      this.#admission.leave(caller);
    }
    if (!isProven) {
      connection.noteFailed(accessKeyId);
      await this.#hold();
    }
    return answer;
  }

  async #hold(): Promise<void> {
    const ms = this.#pace.hold(performance.now());
    if (ms > 0) await later(ms);
  }
}
