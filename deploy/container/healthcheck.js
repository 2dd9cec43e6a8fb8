/**
 * The image's health check: ends with 0 when the server in this container answers `/healthz`. It goes by the variables that `serve` reads
 * (KEYSTEAD_PORT, KEYSTEAD_TLS_CERT); it talks to its own container, so it takes any certificate.
 */

import http from "node:http";
import https from "node:https";

const { KEYSTEAD_PORT: port = "4599", KEYSTEAD_TLS_CERT: certificate } = process.env;
const TIMEOUT_MS = 4_000;

const request = (certificate === undefined ? http : https).get({
  host: "127.0.0.1",
  port,
  path: "/healthz",
  rejectUnauthorized: false,
  timeout: TIMEOUT_MS,
});
request.on("response", ({ statusCode }) => end(statusCode === 200, `/healthz answered ${statusCode}`));
request.on("timeout", () => end(false, `/healthz did not answer in ${TIMEOUT_MS} ms`));
request.on("error", ({ message }) => end(false, message));

function end(isHealthy, why) {
  if (!isHealthy) process.stderr.write(`${why}\n`);
  process.exit(isHealthy ? 0 : 1);
}
