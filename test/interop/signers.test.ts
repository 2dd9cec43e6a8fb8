/** Signers of SigV4 that share nothing with AWS's code or ours: bash and OpenSSL's command line, over a bare socket, and curl. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, describe, it } from "node:test";
import { type DevServer, startDevServer } from "../dev-server.ts";
import { CURL, OPENSSL } from "../tools.ts";

/**
 * Signs one call of GenerateRandom as the specification of Signature Version 4 says, in its own words and order, and prints
 * the whole answer. Takes: openssl, address, port, the value of Host, access key id, secret, Region, body.
 */
const SCRIPT = `
set -euo pipefail
openssl=$1 address=$2 port=$3 host=$4 id=$5 secret=$6 region=$7 body=$8
sha256() { printf '%s' "$1" | "$openssl" dgst -sha256 | sed 's/^.*= //'; }
hmac() { printf '%s' "$2" | "$openssl" dgst -sha256 -mac HMAC -macopt "hexkey:$1" | sed 's/^.*= //'; }
now=$(date -u +%Y%m%dT%H%M%SZ)
day=\${now%%T*}
type=application/x-amz-json-1.1
target=TrentService.GenerateRandom
signed='content-type;host;x-amz-date;x-amz-target'
canonical="POST
/

content-type:$type
host:$host
x-amz-date:$now
x-amz-target:$target

$signed
$(sha256 "$body")"
scope=$day/$region/kms/aws4_request
key=$(printf '%s' "AWS4$secret" | od -An -v -tx1 | tr -d ' \\n')
for part in "$day" "$region" kms aws4_request; do key=$(hmac "$key" "$part"); done
signature=$(hmac "$key" "AWS4-HMAC-SHA256
$now
$scope
$(sha256 "$canonical")")
exec 3<>"/dev/tcp/$address/$port"
printf '%s\\r\\n' 'POST / HTTP/1.1' "Host: $host" "Content-Type: $type" "X-Amz-Date: $now" "X-Amz-Target: $target" \\
  "Authorization: AWS4-HMAC-SHA256 Credential=$id/$scope, SignedHeaders=$signed, Signature=$signature" \\
  "Content-Length: \${#body}" 'Connection: close' '' >&3
printf '%s' "$body" >&3
cat <&3
`;

let server: DevServer;
before(async () => {
  server = await startDevServer();
});
after(() => server.stop());

/** Runs a program to its end, which has to be a good one, and returns what it printed. */
async function printedBy(program: string, args: readonly string[]): Promise<string> {
  const child = spawn(program, args, {
    env: { PATH: "/usr/bin:/bin", LC_ALL: "C" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let answer = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    answer += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  const [code] = (await once(child, "close")) as [number | null];
  assert.deepEqual({ code, errors }, { code: 0, errors: "" });
  return answer;
}

/** Has the script make a call, and returns the status and body of the answer. */
async function call(
  host: string,
  { secret = server.credentials.secretAccessKey, region = "eu-central-1", body = '{"NumberOfBytes":33}' } = {},
): Promise<{ status: number; body: Record<string, unknown> }> {
  const { hostname, port } = new URL(server.endpoint);
  const args = [OPENSSL, hostname, port, host, server.credentials.accessKeyId, secret, region, body];
  const answer = await printedBy("/bin/bash", ["-c", SCRIPT, "sign", ...args]);
  const end = answer.indexOf("\r\n\r\n");
  return {
    status: Number(/^HTTP\/1\.1 ([0-9]{3}) /.exec(answer)?.[1]),
    body: JSON.parse(answer.slice(end + 4)) as Record<string, unknown>,
  };
}

describe("a signer made of bash and OpenSSL", () => {
  const names: readonly { title: string; host(): string }[] = [
    { title: "with its port", host: () => new URL(server.endpoint).host },
    { title: "without its port", host: () => new URL(server.endpoint).hostname },
    { title: "by the name that AWS has", host: () => "kms.eu-central-1.amazonaws.com" },
  ];
  for (const { title, host } of names) {
    it(`gets its random bytes when it signs and sends the host ${title}`, async () => {
      const { status, body } = await call(host());
      assert.equal(status, 200, JSON.stringify(body));
      assert.deepEqual(Object.keys(body), ["Plaintext"]);
      assert.equal(Uint8Array.fromBase64(String(body["Plaintext"])).length, 33);
    });
  }

  it("may lay its body out as it likes", async () => {
    const { status, body } = await call("localhost", { body: '\n{ "NumberOfBytes" : 1 ,"Unknown":[{}]}\t' });
    assert.equal(status, 200, JSON.stringify(body));
  });

  it("is refused with another secret", async () => {
    const { status, body } = await call("localhost", { secret: "another/secret" });
    assert.equal(status, 400);
    assert.equal(body["__type"], "InvalidSignatureException");
  });
});

describe("curl with --aws-sigv4, as docs/clients.md has it", () => {
  const asked = async (secret: string): Promise<Record<string, unknown>> => {
    const headers = ["Content-Type: application/x-amz-json-1.1", "X-Amz-Target: TrentService.GenerateRandom"];
    const printed = await printedBy(CURL, [
      ...["--silent", "--show-error", "--disable", "--aws-sigv4", "aws:amz:us-east-1:kms"],
      ...["--user", `${server.credentials.accessKeyId}:${secret}`],
      ...headers.flatMap((header) => ["--header", header]),
      ...["--data", '{"NumberOfBytes":32}', server.endpoint],
    ]);
    return JSON.parse(printed) as Record<string, unknown>;
  };

  it("gets its random bytes", async () => {
    const body = await asked(server.credentials.secretAccessKey);
    assert.equal(Uint8Array.fromBase64(String(body["Plaintext"])).length, 32);
  });

  it("is refused with another secret", async () => {
    assert.equal((await asked("another/secret"))["__type"], "InvalidSignatureException");
  });
});
