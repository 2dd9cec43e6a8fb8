/** Bytes sent over a connection of their own, and what comes back: for requests that no HTTP client would send. */

import { connect, type Socket } from "node:net";

/** What happens to our side of the connection after the bytes: it stays open, is ended (FIN), or is torn down (RST). */
export type Ending = "open" | "fin" | "rst";

export type Outcome =
  | { readonly kind: "answered"; readonly answers: readonly RawAnswer[] }
  /** The server closed the connection without an answer. */
  | { readonly kind: "closed" }
  /** We tore it down, so nothing can come back. */
  | { readonly kind: "torn" }
  /** Neither an answer nor an end in time. */
  | { readonly kind: "hung" };

export interface RawAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** Longer by far than the server gives a client for its headers. */
const WAIT_MS_MAX = 60_000;

/** Sends bytes, in one write each, and reads until as many answers as are `expected` are whole or the connection ends. */
export function exchange(
  endpoint: string,
  parts: readonly Uint8Array[],
  { ending = "open", expected = 1 }: { readonly ending?: Ending | undefined; readonly expected?: number } = {},
): Promise<Outcome> {
  const { hostname, port } = new URL(endpoint);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true, noDelay: true });
  return new Promise((resolve) => {
    let received = Buffer.alloc(0);
    const finish = (outcome: Outcome): void => {
      clearTimeout(timer);
      socket.removeAllListeners("close");
      socket.destroy();
      resolve(outcome);
    };
    const timer = setTimeout(() => finish({ kind: "hung" }), WAIT_MS_MAX);
    const conclude = (): void => {
      const answers = readAnswers(received, true);
      finish(answers.length > 0 ? { kind: "answered", answers } : { kind: "closed" });
    };
    socket.on("error", () => {}); // a close follows
    socket.on("close", conclude);
    socket.on("end", conclude);
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const answers = readAnswers(received, false);
      // A connection that the server closes may bring a further answer, to what it took for a second request.
      if (answers.length >= expected && !/close/i.test(answers.at(-1)?.headers.get("connection") ?? "")) {
        finish({ kind: "answered", answers });
      }
    });
    socket.on("connect", () => {
      for (const part of parts) socket.write(part);
      if (ending === "fin") socket.end();
      if (ending === "rst") whenWritten(socket, () => tear(socket, () => finish({ kind: "torn" })));
    });
  });
}

function whenWritten(socket: Socket, body: () => void): void {
  if (socket.writableLength === 0) body();
  else socket.once("drain", body);
}

function tear(socket: Socket, done: () => void): void {
  socket.removeAllListeners("close");
  socket.once("close", done);
  socket.resetAndDestroy();
}

/** The whole answers at the beginning of `bytes`; informational ones are left out. */
function readAnswers(bytes: Buffer, isClosed: boolean): readonly RawAnswer[] {
  const answers: RawAnswer[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const headEnd = bytes.indexOf("\r\n\r\n", offset);
    if (headEnd < 0) break;
    const [statusLine = "", ...lines] = bytes.subarray(offset, headEnd).toString("latin1").split("\r\n");
    const headers = new Map(lines.map((line) => headerOf(line)));
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1] ?? 0);
    const length = Number(headers.get("content-length") ?? (isClosed ? bytes.length - headEnd - 4 : Number.NaN));
    const bodyStart = headEnd + 4;
    const isInformational = status >= 100 && status < 200;
    if (!isInformational && !(bodyStart + length <= bytes.length)) break;
    offset = isInformational ? bodyStart : bodyStart + length;
    if (!isInformational) answers.push({ status, headers, body: bytes.subarray(bodyStart, offset).toString("utf8") });
  }
  return answers;
}

function headerOf(line: string): readonly [string, string] {
  const colon = line.indexOf(":");
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
}
