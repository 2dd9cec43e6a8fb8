/** A failover to an asynchronous standby that lacks the last changes: nodes notice, and none of them serves what is lost. */

import assert from "node:assert/strict";
import { copyFileSync, mkdirSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { it } from "node:test";
import { setTimeout as after } from "node:timers/promises";
import { KMS } from "@aws-sdk/client-kms";
import { present } from "../kms-client.ts";
import { PostgresServer } from "../postgres.ts";
import { accessKeyIn, runKeystead, startProcess, TemporaryDirectory } from "./processes.ts";

const PLAINTEXT = new Uint8Array(16);
/** What a lease lasts, and a little more. */
const LEASE_MS = 1_200;

const NO_ANSWER = "no answer";
/** While the database runs. */
const TRIES_MAX = 20;

/** What a call comes to where it is not done: a refusal, or no answer but an error of the server. */
function refusalIn(cause: unknown): string {
  const { name, $metadata } = cause as { name: string; $metadata?: { httpStatusCode?: number } };
  return ($metadata?.httpStatusCode ?? 500) >= 500 ? NO_ANSWER : name;
}

/** What an Encrypt comes to. */
async function outcomeOf(kms: KMS, KeyId: string | undefined): Promise<string> {
  try {
    await kms.encrypt({ KeyId, Plaintext: PLAINTEXT });
    return "encrypted";
  } catch (cause) {
    return refusalIn(cause);
  }
}

/** Calls until there is an answer: a machine that stands still for as long as a lease lasts makes nodes say that they can't tell. */
async function answered<T>(call: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await call();
    } catch (cause) {
      if (refusalIn(cause) !== NO_ANSWER || tries === TRIES_MAX) throw cause;
    }
  }
}

/** An address for the database that leads to one server, and later to another. */
class Switch {
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((socket) => this.#pass(socket));
  #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  leadTo(port: number): void {
    this.#port = port;
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #pass(socket: Socket): void {
    const onward = connect(this.#port, "127.0.0.1");
    for (const [end, other] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      this.#sockets.add(end);
      end.on("error", () => other.destroy());
      end.on("close", () => {
        this.#sockets.delete(end);
        other.destroy();
      });
      end.pipe(other);
    }
  }
}

it("a failover that loses the tail of an asynchronous standby is noticed, and no node serves the lost tail", async () => {
  using directory = new TemporaryDirectory();
  await using primary = await PostgresServer.start({ durable: true });
  const way = new Switch(primary.port);
  const address = `postgres://keystead@127.0.0.1:${await way.listen()}/postgres`;
  const [one, two] = [directory.at("one"), directory.at("two")];
  const init = await runKeystead(["init", "--data", one, "--database", address, "--single-root-key"]);
  assert.equal(init.code, 0, init.stderr);
  mkdirSync(two, { mode: 0o700 });
  copyFileSync(`${one}/root.key`, `${two}/root.key`);
  await using standby = await PostgresServer.standbyOf(primary);
  const nodes = await Promise.all(
    [one, two].map((data) =>
      startProcess(["serve", "--data", data, "--database", address, "--port", "0", "--workers", "1"]),
    ),
  );
  const credentials = accessKeyIn(init.stdout);
  const clients = nodes.map(({ endpoint }) => new KMS({ endpoint, region: "us-east-1", credentials, maxAttempts: 1 }));
  const [first, second] = [present(clients[0]), present(clients[1])];
  try {
    const { KeyId: kept } = present((await answered(() => first.createKey({}))).KeyMetadata);
    await answered(() => first.encrypt({ KeyId: kept, Plaintext: PLAINTEXT }));
    const [{ lsn } = { lsn: "" }] = await primary.query("SELECT pg_current_wal_lsn()::text AS lsn");
    for (;;) {
      const [row] = await standby.query(`SELECT pg_last_wal_replay_lsn() >= '${lsn}' AS has_all`);
      if (row?.["has_all"] === true) break;
      await after(20);
    }
    await standby.stop("immediate");

    // The tail: acknowledged by the primary, seen by both nodes, and on no other machine.
    await answered(() => second.disableKey({ KeyId: kept }));
    const { KeyId: lost } = present((await answered(() => second.createKey({}))).KeyMetadata);
    for (const kms of clients) {
      const asked = answered(() => kms.encrypt({ KeyId: kept, Plaintext: PLAINTEXT }));
      await assert.rejects(asked, { name: "DisabledException" });
      await answered(() => kms.encrypt({ KeyId: lost, Plaintext: PLAINTEXT }));
    }

    await primary.stop("immediate");
    await after(LEASE_MS);
    for (const kms of clients) {
      assert.equal(await outcomeOf(kms, lost), NO_ANSWER);
    }
    await standby.run();
    standby.promote();
    way.leadTo(standby.port);

    for (const kms of clients) {
      let kept_ = NO_ANSWER;
      while (kept_ === NO_ANSWER) {
        const lost_ = await outcomeOf(kms, lost);
        assert.ok([NO_ANSWER, "NotFoundException"].includes(lost_), `the lost key: ${lost_}`);
        kept_ = await outcomeOf(kms, kept);
      }
      assert.equal(kept_, "encrypted", "the key was not disabled in what is left");
      await assert.rejects(
        answered(() => kms.encrypt({ KeyId: lost, Plaintext: PLAINTEXT })),
        { name: "NotFoundException" },
      );
    }
    await answered(() => first.disableKey({ KeyId: kept }));
    await assert.rejects(
      answered(() => second.encrypt({ KeyId: kept, Plaintext: PLAINTEXT })),
      { name: "DisabledException" },
    );
  } finally {
    for (const kms of clients) kms.destroy();
    await Promise.all(nodes.map((node) => node.stop()));
    way.close();
  }
});
