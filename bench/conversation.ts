/** One keep-alive connection that sends prepared requests one at a time and reads answers as far as status and length. */

import { connect, type Socket } from "node:net";

const HEAD_END = Buffer.from("\r\n\r\n");

/** An answer as far as it is read. */
export interface Heard {
  readonly status: number;
  /** Head and body. */
  readonly bytes: Buffer;
}

export class Conversation implements Disposable {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #answer: PromiseWithResolvers<Heard> | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.on("error", (cause: Error) => this.#answer?.reject(cause));
    socket.on("close", () => this.#answer?.reject(new Error("The server closed a connection.")));
  }

  static open(port: number): Promise<Conversation> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1", noDelay: true });
      socket.once("connect", () => resolve(new Conversation(socket))).once("error", reject);
    });
  }

  /** Sends a request, as the bytes of HTTP/1.1; rejects when the connection ends before the answer. */
  ask(request: Uint8Array): Promise<Heard> {
    this.#answer = Promise.withResolvers();
    this.#socket.write(request);
    return this.#answer.promise;
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    const received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    const headEnd = received.indexOf(HEAD_END);
    const length =
      headEnd < 0 ? undefined : /\r\ncontent-length: *(\d+)/i.exec(received.toString("latin1", 0, headEnd));
    const bytes = headEnd + HEAD_END.length + Number(length?.[1] ?? 0);
    if (headEnd < 0 || received.length < bytes) {
      this.#received = received;
      return;
    }
    this.#received = received.subarray(bytes);
    this.#answer?.resolve({ status: Number(received.toString("latin1", 9, 12)), bytes: received.subarray(0, bytes) });
  }
}
