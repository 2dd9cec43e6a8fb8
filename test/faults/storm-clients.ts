/** The clients of a storm: each makes keys of its own and encrypts, tags and schedules deletions until its server is gone. */

import { randomBytes, randomInt } from "node:crypto";
import { Agent } from "node:http";
import { callKms, type KmsAnswer, keyArnOf, type ServerAddress, textOf } from "./signed-requests.ts";
import type { Ledger, LedgerKey } from "./storm-ledger.ts";

/** Thrown for an answer that is an error: in a storm every request is a good one. */
export class StormRefusedError extends Error {
  override readonly name = "StormRefusedError";
}

/**
 * Runs clients until `isOver`, or until the server has gone; what was answered is in the ledger.
 *
 * @param onLost is told of each connection that broke meanwhile, where that may be; its client goes on with a new one
 */
export async function runClients(
  server: ServerAddress,
  ledger: Ledger,
  clients: number,
  isOver: () => boolean,
  onLost?: (cause: unknown) => void,
): Promise<void> {
  await Promise.all(Array.from({ length: clients }, () => new StormClient(server, ledger).run(isOver, onLost)));
}

class StormClient {
  readonly #server: ServerAddress;
  readonly #ledger: Ledger;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  /** Keys that this client may still use; nobody else touches them, so that what they must be like is known. */
  readonly #usable: LedgerKey[] = [];

  constructor(server: ServerAddress, ledger: Ledger) {
    this.#server = server;
    this.#ledger = ledger;
  }

  async run(isOver: () => boolean, onLost?: (cause: unknown) => void): Promise<void> {
    try {
      while (!isOver()) {
        await this.#step().catch((cause: unknown) => {
          if (cause instanceof StormRefusedError || onLost === undefined) throw cause;
          onLost(cause);
        });
      }
    } catch (cause) {
      if (cause instanceof StormRefusedError || !isOver()) throw cause;
    } finally {
      this.#agent.destroy();
    }
  }

  #step(): Promise<void> {
    const key = this.#usable[randomInt(Math.max(1, this.#usable.length))];
    const dice = randomInt(100);
    if (key === undefined || dice < 25) return this.#createKey();
    if (dice < 65) return this.#encrypt(key);
    if (dice < 88) return this.#tag(key);
    return this.#scheduleDeletion(key);
  }

  async #createKey(): Promise<void> {
    const { output } = await this.#call("CreateKey", { Description: "storm" });
    this.#usable.push(this.#ledger.addKey(keyArnOf(output)));
  }

  async #encrypt(key: LedgerKey): Promise<void> {
    const plaintext = randomBytes(randomInt(1, 200)).toString("base64");
    const context = { storm: randomBytes(4).toString("hex") };
    const input = { KeyId: key.arn, Plaintext: plaintext, EncryptionContext: context };
    const { output } = await this.#call("Encrypt", input);
    key.blobs.push({ keyArn: key.arn, ciphertext: textOf(output, "CiphertextBlob"), plaintext, context });
  }

  async #tag(key: LedgerKey): Promise<void> {
    // A name of its own for each: a tag that was sent and not answered leaves those that were answered alone.
    const name = `t${key.tags.size}-${randomBytes(3).toString("hex")}`;
    if (key.tags.size >= 40) return this.#encrypt(key);
    const value = randomBytes(6).toString("hex");
    await this.#call("TagResource", { KeyId: key.arn, Tags: [{ TagKey: name, TagValue: value }] });
    key.tags.set(name, value);
  }

  async #scheduleDeletion(key: LedgerKey): Promise<void> {
    this.#usable.splice(this.#usable.indexOf(key), 1);
    key.deletion = "asked";
    await this.#call("ScheduleKeyDeletion", { KeyId: key.arn, PendingWindowInDays: randomInt(7, 31) });
    key.deletion = "scheduled";
  }

  async #call(operation: string, input: unknown): Promise<KmsAnswer> {
    const answer = await callKms(this.#server, operation, input, { agent: this.#agent });
    if (answer.code !== undefined) {
      throw new StormRefusedError(`${operation} answered ${answer.status} ${answer.body.toString("utf8")}`);
    }
    this.#ledger.note({ id: answer.requestId, operation });
    return answer;
  }
}
