/** HTTPS: which versions and groups are taken, and that the API is the same behind it. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { type Keystead, startKeystead } from "../../src/testing.ts";
import { callKms, kmsDraft, mustCallKms, sign } from "../faults/signed-requests.ts";

const directory = mkdtempSync(join(tmpdir(), "keystead-tls-"));
const auditLog = join(directory, "audit.log");
let server: Keystead;
before(async () => {
  server = await startKeystead({ args: ["--tls", "self-signed", "--audit-log", auditLog] });
});
after(async () => {
  await server.stop();
  rmSync(directory, { recursive: true });
});

/** A handshake with the server; rejects when there is none. */
async function shake(options: ConnectionOptions, { endpoint } = server): Promise<TLSSocket> {
  const { hostname, port } = new URL(endpoint);
  const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false, ...options });
  await once(socket, "secureConnect");
  return socket;
}

describe("a server with a certificate of its own", () => {
  it("says https in its ready line and answers the API", async () => {
    assert.match(server.endpoint, /^https:/);
    const { output } = await mustCallKms(server, "CreateKey", {}, { insecureTls: true });
    assert.ok(output["KeyMetadata"]);
    assert.equal((await callKms(server, "DescribeKey", {}, { insecureTls: true })).code, "ValidationException");
  });

  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    it(`takes ${version}`, async () => {
      const socket = await shake({ minVersion: version, maxVersion: version });
      assert.equal(socket.getProtocol(), version);
      socket.destroy();
    });
  }

  for (const version of ["TLSv1", "TLSv1.1"] as const) {
    it(`S07-013: refuses ${version}, which the client would have taken`, async () => {
      const old = { minVersion: version, maxVersion: version, ciphers: "DEFAULT:@SECLEVEL=0" } as const;
      // The alert comes from the server: the client's own refusal has another code.
      await assert.rejects(shake(old), { code: "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION" });
    });
  }

  it("negotiates X25519MLKEM768 with a client that offers nothing else", async () => {
    const socket = await shake({ ecdhCurve: "X25519MLKEM768", minVersion: "TLSv1.3" });
    assert.equal(socket.getProtocol(), "TLSv1.3");
    socket.destroy();
  });

  it("prefers X25519MLKEM768 where a client offers it after others", async () => {
    const socket = await shake({ ecdhCurve: "X25519:X25519MLKEM768:P-256", minVersion: "TLSv1.3" });
    assert.equal(groupOf(socket), "X25519MLKEM768");
    socket.destroy();
  });

  it("takes X25519 and P-256 from clients that know no other", async () => {
    for (const group of ["X25519", "P-256"]) (await shake({ ecdhCurve: group, minVersion: "TLSv1.3" })).destroy();
  });

  for (const { options, keyExchange } of [
    { options: {}, keyExchange: "X25519MLKEM768" },
    { options: { ecdhCurve: "X25519" }, keyExchange: "x25519" },
    { options: { ecdhCurve: "P-384" }, keyExchange: "secp384r1" },
    { options: { ecdhCurve: "X25519:P-256", maxVersion: "TLSv1.2" }, keyExchange: "x25519" },
  ] satisfies { options: ConnectionOptions; keyExchange: string }[]) {
    it(`S04-038: records the group ${keyExchange} of ${options.maxVersion ?? "TLSv1.3"}, on a resumed session too`, async () => {
      const first = await shake(options);
      const cipherSuite = first.getCipher().standardName;
      const session = await listKeys(first, server);
      const again = await shake({ ...options, session });
      assert.equal(again.isSessionReused(), true);
      await listKeys(again, server);
      // A change's record comes out of its outbox when it can: the one of the key that was made above may be the last.
      const written = readFileSync(auditLog, "utf8").trimEnd().split("\n");
      const records = written.map((line) => JSON.parse(line)).filter(({ eventName }) => eventName === "ListKeys");
      const details = {
        tlsVersion: options.maxVersion ?? "TLSv1.3",
        cipherSuite,
        clientProvidedHostHeader: new URL(server.endpoint).host,
        keyExchange,
      };
      assert.deepEqual(
        records.slice(-2).map(({ tlsDetails }) => tlsDetails),
        [details, details],
      );
    });
  }

  it("refuses a client that offers a group it does not have", async () => {
    await assert.rejects(shake({ ecdhCurve: "brainpoolP256r1tls13", minVersion: "TLSv1.3" }));
  });

  it("has a certificate for the loopback names", async () => {
    const socket = await shake({});
    const { subjectaltname = "" } = socket.getPeerCertificate();
    for (const name of ["DNS:localhost", "IP Address:127.0.0.1"])
      assert.ok(subjectaltname.includes(name), subjectaltname);
    socket.destroy();
  });

  it("answers plain HTTP with nothing that could be taken for an answer of the API", async () => {
    await assert.rejects(callKms({ ...server, endpoint: server.endpoint.replace("https:", "http:") }, "ListKeys", {}));
    assert.equal(server.process.exitCode, null);
  });
});

describe("a server with --tls-fips", () => {
  let fips: Keystead;
  before(async () => {
    fips = await startKeystead({ args: ["--tls", "self-signed", "--tls-fips"] });
  });
  after(() => fips.stop());

  it("S04-038: agrees on a NIST curve with a client that would rather have a hybrid group", async () => {
    const socket = await shake({}, fips);
    assert.equal(groupOf(socket), "prime256v1");
    socket.destroy();
  });

  for (const ecdhCurve of ["X25519MLKEM768", "SecP256r1MLKEM768", "X25519"]) {
    it(`S04-038: refuses a client that offers ${ecdhCurve} alone`, async () => {
      await assert.rejects(shake({ ecdhCurve }, fips), { code: "ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE" });
    });
  }

  it("refuses ChaCha20", async () => {
    const chacha = { ciphers: "TLS_CHACHA20_POLY1305_SHA256", minVersion: "TLSv1.3" } as const;
    await assert.rejects(shake(chacha, fips), { code: "ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE" });
    (await shake(chacha)).destroy();
  });

  it("does not start without a certificate", async () => {
    await assert.rejects(startKeystead({ args: ["--tls-fips"] }), /--tls-fips has no effect without --tls/);
  });
});

/** Calls ListKeys on a connection and closes it. Resolves to its session, to be resumed. */
async function listKeys(socket: TLSSocket, target: Keystead): Promise<Buffer | undefined> {
  const { headers, body } = await sign(target, kmsDraft("ListKeys", {}));
  const lines = Object.entries({ ...headers, connection: "close" }).map(([name, value]) => `${name}: ${value}\r\n`);
  let answer = "";
  socket.setEncoding("utf8").on("data", (text) => {
    answer += text;
  });
  socket.write(`POST / HTTP/1.1\r\n${lines.join("")}\r\n${Buffer.from(body).toString()}`);
  await once(socket, "end");
  assert.match(answer, /^HTTP\/1.1 200 /);
  const session = socket.getSession();
  socket.destroy();
  return session;
}

function groupOf(socket: TLSSocket): string {
  const info = socket.getEphemeralKeyInfo() as { name?: string } | null;
  return info?.name ?? "";
}
