/** How the processes of one server come to one answer to `/metrics`: workers tell what they have counted, the primary adds it up. */

import { exposition, type Family, requestFamilies } from "../signals/prometheus/exposition.ts";
import { mergeCounts, type OperationCounts } from "../signals/prometheus/requests.ts";
import type { Channel } from "../storage/remote-messages.ts";

/** From a worker: it asks for everybody's metrics, or tells its own counts. */
export type MetricsFromWorker =
  | { readonly do: "ask"; readonly id: number }
  | { readonly do: "counts"; readonly id: number; readonly counts: readonly OperationCounts[] };

/** To a worker: it is asked for its counts, or gets what it asked for. */
export type MetricsToWorker =
  | { readonly do: "collect"; readonly id: number }
  | { readonly do: "text"; readonly id: number; readonly text: string };

/** A worker that is busy for longer is left out. */
const COLLECT_MS_MAX = 1_000;
/** How long a worker waits for the primary. */
const ANSWER_MS_MAX = 3_000;

type Workers = Channel<MetricsToWorker, MetricsFromWorker>;

/** The primary's side. */
export class MetricsCollector {
  readonly #families: () => Promise<readonly Family[]>;
  readonly #workers = new Set<Workers>();
  readonly #collecting = new Map<number, (counts: readonly OperationCounts[]) => void>();
  #next = 0;

  /** @param families what the primary itself knows */
  constructor(families: () => Promise<readonly Family[]>) {
    this.#families = families;
  }

  /** Answers a worker, and asks it, until it ends. */
  attach(worker: Workers): void {
    this.#workers.add(worker);
    worker.onEnd(() => this.#workers.delete(worker));
    worker.onMessage((message) => {
      if (message.do === "counts") this.#collecting.get(message.id)?.(message.counts);
      else
        void this.#text().then(
          (text) => worker.send({ do: "text", id: message.id, text }),
          () => undefined, // the worker doesn't wait for ever
        );
    });
  }

  async #text(): Promise<string> {
    const counts = await Promise.all([...this.#workers].map((worker) => this.#countsOf(worker)));
    return exposition([...requestFamilies(mergeCounts(counts)), ...(await this.#families())]);
  }

  #countsOf(worker: Workers): Promise<readonly OperationCounts[]> {
    const id = this.#next++;
    return new Promise((resolve) => {
      const done = (counts: readonly OperationCounts[]): void => {
        clearTimeout(timer);
        this.#collecting.delete(id);
        resolve(counts);
      };
      const timer = setTimeout(() => done([]), COLLECT_MS_MAX).unref();
      this.#collecting.set(id, done);
      worker.send({ do: "collect", id });
    });
  }
}

/**
 * A worker's side: tells its counts whenever it is asked.
 *
 * @returns what asks for the metrics of all; it rejects when nobody answers
 */
export function metricsOfAll(
  primary: Channel<MetricsFromWorker, MetricsToWorker>,
  counts: () => readonly OperationCounts[],
): () => Promise<string> {
  const asking = new Map<number, (text: string) => void>();
  let next = 0;
  primary.onMessage((message) => {
    if (message.do === "collect") primary.send({ do: "counts", id: message.id, counts: counts() });
    else asking.get(message.id)?.(message.text);
  });
  return () => {
    const id = next++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        asking.delete(id);
        reject(new Error("The primary process did not answer."));
      }, ANSWER_MS_MAX).unref();
      asking.set(id, (text) => {
        clearTimeout(timer);
        asking.delete(id);
        resolve(text);
      });
      primary.send({ do: "ask", id });
    });
  };
}
