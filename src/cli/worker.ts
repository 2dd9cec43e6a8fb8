/** `keystead worker`, the hidden command of a worker: serves what the process above it says, as long as that lives. */

import { OperatorError } from "../base/errors.ts";
import type { Channel, FromWorker, ToWorker } from "../storage/remote-messages.ts";
import type { Store } from "../storage/store.ts";
import { takeSlot } from "./audit-slots.ts";
import type { MetricsFromWorker, MetricsToWorker } from "./metrics-exchange.ts";
import { UsageError } from "./options.ts";
import { takeRootKeys } from "./parts.ts";
import {
  type FromWorkerProcess,
  messagesWith,
  metricsChannel,
  type Place,
  storeChannel,
  type ToWorkerProcess,
} from "./process-messages.ts";
import { openRootKeys } from "./root-keys.ts";
import { type ServeOptions, serverConfig } from "./serve.ts";
import { type OpenedServer, openServer } from "./server.ts";
import { onReload } from "./signals.ts";

type Messages = Channel<FromWorkerProcess, ToWorkerProcess<ServeOptions>>;
type Start = Extract<ToWorkerProcess<ServeOptions>, { kind: "start" }>;

/** How often a worker without requests looks for changes, so that it lets go of keys that were disabled or deleted. */
const LOOK_MS = 250;

/** Serves until the process above ends it, or is gone. */
export async function worker(): Promise<void> {
  if (process.send === undefined) throw new UsageError("worker is started by serve alone.");
  const messages: Messages = messagesWith(process);
  messages.onEnd(() => process.exit(1)); // nobody is left to write or to be replaced by
  const listens = Promise.withResolvers<readonly Place[]>();
  const closes = Promise.withResolvers<void>();
  const start = new Promise<Start>((resolve) => {
    messages.onMessage((message) => {
      if (message.kind === "start") resolve(message);
      else if (message.kind === "listen") listens.resolve(message.places);
      else if (message.kind === "close") closes.resolve();
      else if (message.kind === "ping") messages.send({ kind: "pong" });
    });
  });
  for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, closes.resolve); // often sent to all processes of a group
  try {
    await serveUntil(closes.promise, messages, await open(await start, messages), listens.promise);
  } catch (cause) {
    if (!(cause instanceof OperatorError)) throw cause;
    messages.send({ kind: "refused", message: cause.message });
    process.exitCode = 1;
  }
  process.disconnect?.();
}

async function open({ options, slot, workers }: Start, messages: Messages): Promise<OpenedServer> {
  takeSlot(options.data, slot);
  const seat = {
    slot,
    workers,
    channel: storeChannel<FromWorker, ToWorker>(messages),
    metrics: metricsChannel<MetricsFromWorker, MetricsToWorker>(messages),
  };
  const server = await openServer({ ...(await serverConfig(options)), worker: seat });
  onReload(
    async () => takeRootKeys(server, await openRootKeys(options)),
    () => {},
  );
  messages.send({ kind: "opened" });
  return server;
}

async function serveUntil(
  closes: Promise<void>,
  messages: Messages,
  server: OpenedServer,
  listens: Promise<readonly Place[]>,
): Promise<void> {
  const places = await Promise.race([listens, closes]);
  const [first, ...vpcEndpoints] = places ?? [];
  if (first !== undefined) {
    await server.listen({ ...first, vpcEndpoints });
    messages.send({ kind: "ready" });
    server.custody.fillReadyPairs();
    const look = setInterval(() => void lookAt(server.store), LOOK_MS);
    await closes;
    clearInterval(look);
  }
  await server.close();
}

/** Brings a view up to date that nobody asks. What keeps it from that is told to whoever asks. */
async function lookAt(store: Store): Promise<void> {
  try {
    await store.settle(() => undefined);
  } catch {
    // a store without a lease, or one that is closing
  }
}
