/** HTTPS: which versions and groups are taken, and that the API is the same behind it. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, it } from "node:test";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { type Keystead, startKeystead } from "../../src/testing.ts";
import { callKms, mustCallKms } from "../faults/signed-requests.ts";

let server: Keystead;
before(async () => {
  server = await startKeystead({ args: ["--tls", "self-signed"] });
});
after(() => server.stop());

/** A handshake with the server; rejects when there is none. */
async function shake(options: ConnectionOptions): Promise<TLSSocket> {
  const { hostname, port } = new URL(server.endpoint);
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

function groupOf(socket: TLSSocket): string {
  const info = socket.getEphemeralKeyInfo() as { name?: string } | null;
  return info?.name ?? "";
}
