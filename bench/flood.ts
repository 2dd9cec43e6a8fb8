/** The flood: a process that sends what it is told over many connections as fast as answers come, whatever they say. */

import { getPriority, setPriority } from "node:os";
import { Conversation } from "./conversation.ts";

/** Sent by the parent: the streams of the next floods, each with its requests as the bytes of HTTP/1.1 in base64. */
export interface FloodStreams {
  readonly kind: "streams";
  readonly port: number;
  readonly streams: readonly { readonly connections: number; readonly requests: readonly string[] }[];
}

/** Sent by the parent: begin, or end; the end is answered. */
export interface FloodOrder {
  readonly kind: "begin" | "end";
}

/** Sent to the parent at the end of a flood: how many answers there were of each status, for each stream. */
export interface FloodReport {
  readonly kind: "report";
  readonly streams: readonly Readonly<Record<string, number>>[];
}

/** On one machine the flood would take the server's cores, too; one from elsewhere doesn't. */
setPriority(Math.min(19, getPriority() + 10));

let told: FloodStreams = { kind: "streams", port: 0, streams: [] };
let flood: Flood | undefined;

class Flood {
  readonly #counts: Record<string, number>[];
  readonly #conversations = new Set<Conversation>();
  #isOver = false;

  constructor({ port, streams }: FloodStreams) {
    this.#counts = streams.map(() => ({}));
    for (const [at, { connections, requests }] of streams.entries()) {
      const prepared = requests.map((request) => Buffer.from(request, "base64"));
      for (let connection = 0; connection < connections; connection += 1) {
        void this.#converse(port, prepared.slice(connection).concat(prepared.slice(0, connection)), at);
      }
    }
  }

  end(): FloodReport {
    this.#isOver = true;
    for (const conversation of this.#conversations) conversation[Symbol.dispose]();
    return { kind: "report", streams: this.#counts };
  }

  /** A connection that the server cuts is made again. */
  async #converse(port: number, requests: readonly Buffer[], stream: number): Promise<void> {
    while (!this.#isOver) {
      try {
        using conversation = await Conversation.open(port);
        this.#conversations.add(conversation);
        for (let at = 0; !this.#isOver; at = (at + 1) % requests.length) {
          const { status } = await conversation.ask(requests[at] ?? Buffer.alloc(0));
          this.#count(stream, String(status));
        }
      } catch {
        if (!this.#isOver) this.#count(stream, "cut");
      }
    }
  }

  #count(stream: number, outcome: string): void {
    const counts = this.#counts[stream];
    if (counts !== undefined) counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
}

process.on("message", (message: FloodStreams | FloodOrder) => {
  if (message.kind === "streams") told = message;
  else if (message.kind === "begin") flood = new Flood(told);
  else process.send?.(flood?.end());
});
process.once("disconnect", () => process.exit(0));
