/** Overload: what one account's flood of changes and of requests beyond all bounds leaves to another account. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { after, before, describe, it } from "node:test";
import { KMS } from "@aws-sdk/client-kms";
import { Conversation, type Heard } from "../../bench/conversation.ts";
import { bytes, newKey, startWorld, type World } from "../kms-client.ts";
import { bytesOf, kmsDraft, type ServerAddress, send, sign } from "./signed-requests.ts";

let world: World;
let flooder: ServerAddress;
before(async () => {
  world = await startWorld();
  flooder = { endpoint: world.server.endpoint, credentials: world.otherCredentials };
});
after(() => world.stop());

describe("a flood of changes of one account", () => {
  const CHANGES = 1_000;
  /** Two commits' worth are in the store's queue, and as many may be told with the one that was waited for. */
  const AHEAD_MAX = 400;

  it("leaves another's change behind a few of them, and all have their records", async () => {
    const { KeyId } = await newKey(world.kms);
    const agent = new Agent({ keepAlive: true });
    const requests = await Promise.all(
      Array.from({ length: CHANGES }, () => sign(flooder, kmsDraft("CreateKey", { Description: "flood" }))),
    );
    let answered = 0;
    const first = Promise.withResolvers<void>();
    const flood = requests.map(async (request) => {
      const { status } = await send(flooder.endpoint, request, { agent });
      answered += 1;
      if (answered === 10) first.resolve();
      return status;
    });
    await first.promise;
    const before = answered;
    assert.ok(CHANGES - before > 2 * AHEAD_MAX, "most of the flood is still to come");
    await world.kms.updateKeyDescription({ KeyId, Description: "mine" });
    assert.ok(answered - before < AHEAD_MAX, `${answered - before} were before it`);
    const statuses = await Promise.all(flood);
    agent.destroy();
    const made = statuses.filter((status) => status === 200).length;
    assert.ok(made >= CHANGES / 2 && statuses.every((status) => status === 200 || status === 400));
    const isOfFlood = (record: { eventName: string; requestParameters: unknown }): boolean =>
      record.eventName === "CreateKey" && JSON.stringify(record.requestParameters).includes("flood");
    while (world.records.all().filter(isOfFlood).length < made) await world.kms.listAliases({});
    assert.equal(world.records.all().filter((record) => isOfFlood(record)).length, CHANGES);
  });
});

describe("more requests of one account than a process lets in", () => {
  const CONNECTIONS = 60;
  const OF_EACH = 60;
  /** Another's request waits for a few turns of 32, not for the thousand that the flood gets done at least. */
  const AHEAD_MAX = 400;
  let throttled: Heard | undefined;
  let encrypted: Heard;

  it("are refused beyond its share and all answered, while another's wait for a few; what was done has its record", async () => {
    const [{ KeyId: flooded }, { KeyId }] = await Promise.all([newKey(world.other), newKey(world.kms)]);
    const port = Number(new URL(flooder.endpoint).port);
    const draft = kmsDraft("Encrypt", { KeyId: flooded, Plaintext: Buffer.from(bytes(32)).toString("base64") });
    const request = bytesOf(await sign(flooder, draft));
    const own = bytesOf(
      await sign(world.server, kmsDraft("Encrypt", { KeyId, Plaintext: Buffer.from(bytes(32)).toString("base64") })),
    );
    const sockets = await Promise.all(Array.from({ length: CONNECTIONS }, () => Conversation.open(port)));
    const outcomes: Heard[] = await Promise.all(sockets.map((socket) => socket.ask(request)));
    assert.ok(outcomes.every(({ status }) => status === 200));
    using quiet = await Conversation.open(port);
    encrypted = await quiet.ask(own);
    const burst = Buffer.concat(Array.from({ length: OF_EACH }, () => request));
    const flood = sockets.map((socket) => socket.askAll(burst, OF_EACH, (heard) => outcomes.push(heard)));
    const done = (): number => outcomes.filter(({ status }) => status === 200).length;
    const ahead: number[] = []; // of what was done alone: how many are refused meanwhile is a matter of the machine's time
    const isDone = Promise.all(flood).then(() => true);
    do {
      const before = done();
      assert.equal((await quiet.ask(own)).status, 200);
      ahead.push(done() - before);
    } while (!(await Promise.race([isDone, Promise.resolve(false)])));
    for (const socket of sockets) socket[Symbol.dispose]();
    assert.equal(outcomes.length, CONNECTIONS * (OF_EACH + 1));
    throttled = outcomes.find(({ status }) => status === 400);
    assert.ok(Math.max(...ahead) < AHEAD_MAX, `${Math.max(...ahead)} were before one of another's`);
    const refused = outcomes.filter(({ status }) => status !== 200);
    assert.ok(refused.length > 0 && outcomes.length > refused.length, `${refused.length} refused`);
    for (const { bytes: answer, status } of refused) {
      assert.equal(status, 400);
      assert.match(answer.toString("latin1"), /\{"__type":"ThrottlingException","message":"You have exceeded the rate/);
    }
    const records = world.records
      .all()
      .filter(
        ({ eventName, requestParameters }) => eventName === "Encrypt" && requestParameters?.["keyId"] === flooded,
      );
    assert.equal(records.length, outcomes.length - refused.length);
  });

  it("get an answer that the SDK tries again after", async () => {
    const answers = [throttled?.bytes ?? assert.fail("nothing was refused"), encrypted.bytes];
    let asked = 0;
    const replay = createServer((socket) => {
      socket.on("data", () => {
        socket.write(answers[asked] ?? "");
        asked += 1;
      });
    });
    replay.listen(0, "127.0.0.1");
    await once(replay, "listening");
    const { port } = replay.address() as AddressInfo;
    const { credentials } = world.server;
    const kms = new KMS({ endpoint: `http://127.0.0.1:${port}`, region: "us-east-1", credentials });
    const { CiphertextBlob } = await kms.encrypt({ KeyId: "alias/any", Plaintext: bytes(32) });
    kms.destroy();
    replay.close();
    assert.ok(CiphertextBlob !== undefined);
    assert.equal(asked, 2);
  });
});
