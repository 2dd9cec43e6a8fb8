/** What the primary process and its workers say to each other. */

import type { ChildProcess, Serializable } from "node:child_process";
import type { Channel, FromWorker, ToWorker } from "../storage/remote-messages.ts";
import type { MetricsFromWorker, MetricsToWorker } from "./metrics-exchange.ts";

/** Where a worker listens; everything is resolved, so that all of them listen at the same place. */
export interface Place {
  readonly host: string;
  readonly port: number;
  readonly vpcEndpoint?: string;
}

/**
 * To a worker, in this order:
 *
 * - `start` says what it serves: the options of the command, its audit slot and how many workers there are;
 * - `listen` says where, once it is open;
 * - `close` ends it in good order.
 *
 * `ping` may come at any time, `store` and `metrics` once it has started.
 */
export type ToWorkerProcess<Options> =
  | { readonly kind: "start"; readonly options: Options; readonly slot: number; readonly workers: number }
  | { readonly kind: "listen"; readonly places: readonly Place[] }
  | { readonly kind: "close" | "ping" }
  | { readonly kind: "store"; readonly message: ToWorker }
  | { readonly kind: "metrics"; readonly message: MetricsToWorker };

/**
 * From a worker: its store and keys are open, it listens, it is alive, or it can't start, for a reason that the operator
 * should read.
 */
export type FromWorkerProcess =
  | { readonly kind: "opened" | "ready" | "pong" }
  | { readonly kind: "refused"; readonly message: string }
  | { readonly kind: "store"; readonly message: FromWorker }
  | { readonly kind: "metrics"; readonly message: MetricsFromWorker };

/** The messages to another process and from it. What is sent when it has gone is lost. */
export function messagesWith<Sent extends Serializable, Received>(
  peer: ChildProcess | NodeJS.Process,
): Channel<Sent, Received> {
  return {
    send(message) {
      peer.send?.(message, undefined, undefined, () => undefined);
    },
    onMessage(listener) {
      peer.on("message", (message: unknown) => listener(message as Received));
    },
    onEnd(listener) {
      peer.once("disconnect", listener);
    },
  };
}

/** The part of a channel in which stores talk of their transactions. */
export function storeChannel<Sent, Received>(
  messages: Channel<{ readonly kind: "store"; readonly message: Sent }, { readonly kind: string }>,
): Channel<Sent, Received> {
  return partOf("store", messages);
}

/** The part of a channel in which processes tell what they have counted. */
export function metricsChannel<Sent, Received>(
  messages: Channel<{ readonly kind: "metrics"; readonly message: Sent }, { readonly kind: string }>,
): Channel<Sent, Received> {
  return partOf("metrics", messages);
}

function partOf<Kind extends string, Sent, Received>(
  kind: Kind,
  messages: Channel<{ readonly kind: Kind; readonly message: Sent }, { readonly kind: string }>,
): Channel<Sent, Received> {
  return {
    send: (message) => messages.send({ kind, message }),
    onMessage(listener) {
      messages.onMessage((message) => {
        if (message.kind === kind) listener((message as unknown as { readonly message: Received }).message);
      });
    },
    onEnd: (listener) => messages.onEnd(listener),
  };
}
