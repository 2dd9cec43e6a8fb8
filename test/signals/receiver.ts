/** What events are delivered to in tests: an HTTP endpoint that keeps what it takes, and refuses what it is told to. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface ReceivedEvent {
  readonly id: string;
  readonly "detail-type": string;
  readonly source: string;
  readonly account: string;
  readonly region: string;
  readonly time: string;
  readonly resources: readonly string[];
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface Receiver extends AsyncDisposable {
  /** Such as `http://127.0.0.1:40123/`. */
  readonly url: string;
  /** Bodies that were taken, in their order, by path. */
  taken(path: string): readonly string[];
  /** The next `count` requests are answered 503 though their bodies are kept, as by a target that fails after its work. */
  failNext(count: number): void;
  /** The first so many events on a path that pass a test, by their times: they come in any order. Waits for them. */
  events(path: string, count: number, test?: (event: ReceivedEvent) => boolean): Promise<readonly ReceivedEvent[]>;
}

/** How long a test waits for an event at the most. */
const WAIT_MS_MAX = 60_000;

/** Starts a receiver on a free port. */
export async function startReceiver(): Promise<Receiver> {
  const bodies = new Map<string, string[]>();
  const waiting = new Set<() => void>();
  let failures = 0;
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => {
      body += text;
    });
    request.on("end", () => {
      const path = request.url ?? "";
      bodies.set(path, [...(bodies.get(path) ?? []), body]);
      failures -= 1;
      response.writeHead(failures >= 0 ? 503 : 204).end();
      for (const wake of waiting) wake();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const taken = (path: string): readonly string[] => bodies.get(path) ?? [];
  return {
    url: `http://127.0.0.1:${port}`,
    taken,
    failNext: (count) => {
      failures = count;
    },
    events(path, count, test = () => true) {
      return new Promise((resolve, reject) => {
        const done = (): void => {
          clearTimeout(timer);
          waiting.delete(look);
        };
        const look = (): void => {
          const found = taken(path)
            .map((body) => JSON.parse(body) as ReceivedEvent)
            .filter(test);
          if (found.length < count) return;
          done();
          resolve(found.slice(0, count).toSorted((left, right) => Date.parse(left.time) - Date.parse(right.time)));
        };
        const timer = setTimeout(() => {
          done();
          reject(new assert.AssertionError({ message: `${count} events did not come to ${path}: ${taken(path)}` }));
        }, WAIT_MS_MAX);
        waiting.add(look);
        look();
      });
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
