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
  #over = Promise.withResolvers<void>();
  #onAnswer: (heard: Heard) => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.on("error", (cause: Error) => this.#over.reject(cause));
    socket.on("close", () => this.#over.reject(new Error("The server closed a connection.")));
    this.#over.promise.catch(() => {}); // whoever asks is told
  }

  static open(port: number): Promise<Conversation> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1", noDelay: true });
      socket.once("connect", () => resolve(new Conversation(socket))).once("error", reject);
    });
  }

  /** Sends a request, as the bytes of HTTP/1.1; rejects when the connection ends before the answer. */
  async ask(request: Uint8Array): Promise<Heard> {
    const heard: Heard[] = [];
    await this.askAll(request, 1, (each) => heard.push(each));
    const [answer] = heard;
    if (answer === undefined) throw new Error("There was no answer.");
    return answer;
  }

  /** Sends several requests at once and resolves after their last answer. */
  askAll(requests: Uint8Array, count: number, onAnswer: (heard: Heard) => void): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    let left = count;
    this.#onAnswer = (heard) => {
      onAnswer(heard);
      left -= 1;
      if (left === 0) resolve();
    };
    this.#socket.write(requests);
    return Promise.race([promise, this.#over.promise]);
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    for (;;) {
      const headEnd = this.#received.indexOf(HEAD_END);
      if (headEnd < 0) return;
      const length = /\r\ncontent-length: *(\d+)/i.exec(this.#received.toString("latin1", 0, headEnd));
      const end = headEnd + HEAD_END.length + Number(length?.[1] ?? 0);
      if (this.#received.length < end) return;
      const bytes = this.#received.subarray(0, end);
      this.#received = this.#received.subarray(end);
      this.#onAnswer({ status: Number(bytes.toString("latin1", 9, 12)), bytes });
    }
  }
}
