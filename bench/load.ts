/**
 * The load: keep-alive connections that each send one prepared request after another, from a process of its own.
 *
 * It works on bare sockets, because a client library costs more than the server it drives. Requests are signed beforehand
 * and come whole; answers are read as far as status line and Content-Length. Any answer but 200 ends the run.
 */

import { connect, type Socket } from "node:net";

/** Sent by the parent: the requests that the next runs go through, each as the bytes of HTTP/1.1 in base64. */
export interface LoadRequests {
  readonly kind: "requests";
  readonly requests: readonly string[];
}

/** Sent by the parent: one run against one port of the loopback. */
export interface LoadRun {
  readonly kind: "run";
  readonly port: number;
  readonly connections: number;
  readonly durationMs: number;
  /** Requests fall due at this even rate, whatever the answers do; absent: each connection sends when it has its answer. */
  readonly perSecond?: number;
}

/**
 * Sent to the parent after a run. Latencies in milliseconds, each from the send, or from when its request fell due, to the last
 * byte of its answer.
 */
export interface LoadResult {
  readonly kind: "result";
  readonly answers: number;
  readonly seconds: number;
  readonly p50: number;
  readonly p99: number;
  /** CPU seconds of this process for each second: near 1, the load was the bottleneck. */
  readonly cpu: number;
}

/** Sent to the parent when a run can't count: an answer was no 200, or a connection broke. */
export interface LoadFailure {
  readonly kind: "failure";
  readonly message: string;
}

const HEAD_END = Buffer.from("\r\n\r\n");
/** More answers than this in one run are counted, but their latency isn't kept. */
const SAMPLES_MAX = 1_000_000;
const MESSAGE_CHARACTERS_MAX = 600;

let prepared: readonly Buffer[] = [];
/** The next request to send; runs go on where the last one stopped, so that requests repeat as late as they can. */
let next = 0;

process.on("message", (message: LoadRequests | LoadRun) => {
  if (message.kind === "requests") {
    prepared = message.requests.map((request) => Buffer.from(request, "base64"));
    next = 0;
    return;
  }
  drive(message).then(
    (result) => process.send?.(result),
    (cause: Error) => process.send?.({ kind: "failure", message: cause.message } satisfies LoadFailure),
  );
});
process.once("disconnect", () => process.exit(0));

async function drive({ port, connections, durationMs, perSecond }: LoadRun): Promise<LoadResult> {
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(port)));
  const samples = new Float64Array(SAMPLES_MAX);
  const cpuBefore = process.cpuUsage();
  const begin = performance.now();
  const end = begin + durationMs;
  let answers = 0;
  let last = begin;
  const onAnswer = (latencyMs: number, now: number): boolean => {
    if (answers < SAMPLES_MAX) samples[answers] = latencyMs;
    answers += 1;
    last = now;
    return now < end;
  };
  try {
    if (perSecond === undefined) await Promise.all(sockets.map((socket) => converse(socket, onAnswer)));
    else await pace(sockets, { perSecond, begin, end }, onAnswer);
  } finally {
    for (const socket of sockets) socket.destroy();
  }
  const cpu = process.cpuUsage(cpuBefore);
  const seconds = (last - begin) / 1000;
  const sorted = samples.subarray(0, Math.min(answers, SAMPLES_MAX)).sort();
  const quantile = (part: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
  return {
    kind: "result",
    answers,
    seconds,
    p50: quantile(0.5),
    p99: quantile(0.99),
    cpu: (cpu.user + cpu.system) / 1e6 / seconds,
  };
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    socket.once("connect", () => resolve(socket)).once("error", reject);
  });
}

type OnAnswer = (latencyMs: number, now: number) => boolean;

/** Sends and reads on one connection, one request at a time, until `onAnswer` says that it is enough. */
function converse(socket: Socket, onAnswer: OnAnswer): Promise<void> {
  return new Promise((resolve, reject) => {
    const send = speakOn(socket, reject, (latencyMs, now) => {
      if (onAnswer(latencyMs, now)) send(now);
      else resolve();
    });
    send(performance.now());
  });
}

interface Pace {
  readonly perSecond: number;
  readonly begin: number;
  readonly end: number;
}

/** Sends what has fallen due, on whichever connections have nothing under way; what finds none waits, and its time runs. */
function pace(sockets: readonly Socket[], { perSecond, begin, end }: Pace, onAnswer: OnAnswer): Promise<void> {
  return new Promise((resolve, reject) => {
    const idle: ((dueAt: number) => void)[] = [];
    const waiting: number[] = [];
    let due = 0;
    let underWay = 0;
    const sendDue = (): void => {
      const now = Math.min(performance.now(), end);
      for (; begin + (due * 1000) / perSecond < now; due += 1) waiting.push(begin + (due * 1000) / perSecond);
      while (waiting.length > 0 && idle.length > 0) {
        underWay += 1;
        idle.pop()?.(waiting.shift() ?? now);
      }
      if (now < end)
        setImmediate(sendDue); // a timer would be up to a millisecond late, and send all at once what fell due in it
      else if (underWay === 0) resolve();
    };
    for (const socket of sockets) {
      const send = speakOn(socket, reject, (latencyMs, now) => {
        onAnswer(latencyMs, now);
        underWay -= 1;
        idle.push(send);
        if (waiting.length > 0 || performance.now() >= end) sendDue();
      });
      idle.push(send);
    }
    sendDue();
  });
}

/** What sends the next request on a connection, as one that fell due at that time; `answered` is told of each answer. */
function speakOn(
  socket: Socket,
  reject: (cause: Error) => void,
  answered: (latencyMs: number, now: number) => void,
): (dueAt: number) => void {
  let sentAt = 0;
  let partial: Buffer | undefined;
  socket.on("error", reject);
  socket.on("close", () => reject(new Error("The server closed a connection under load.")));
  socket.on("data", (chunk: Buffer) => {
    const received = partial === undefined ? chunk : Buffer.concat([partial, chunk]);
    const bytes = answerBytes(received);
    if (bytes === undefined || received.length < bytes) {
      partial = received;
      return;
    }
    partial = undefined;
    if (received.length > bytes || received.toString("latin1", 9, 12) !== "200") {
      reject(new Error(`Not one 200: ${received.toString("latin1", 0, MESSAGE_CHARACTERS_MAX)}`));
      return;
    }
    const now = performance.now();
    answered(now - sentAt, now);
  });
  return (dueAt) => {
    const request = prepared[next];
    if (request === undefined) throw new Error("No requests were prepared.");
    next = next + 1 === prepared.length ? 0 : next + 1;
    sentAt = dueAt;
    socket.write(request);
  };
}

/** The length of the answer that `received` begins with, or undefined while its head isn't whole. */
function answerBytes(received: Buffer): number | undefined {
  const headEnd = received.indexOf(HEAD_END);
  if (headEnd < 0) return undefined;
  const head = received.toString("latin1", 0, headEnd);
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length === undefined) throw new Error(`An answer without Content-Length: ${head}`);
  return headEnd + HEAD_END.length + Number(length);
}
