/** `/console/`: the web console's static files, by a table of exact paths that is read once, when the server starts. */

import { existsSync, readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { LocalAnswer, Route } from "../gateway/gateway.ts";

export const CONSOLE_PATH = "/console/";

/** Where `npm run build:console` leaves the console: in a checkout `dist/console`, in the published package beside the bundles. */
const CONSOLE_DIRECTORY = fileURLToPath(
  new URL(import.meta.url.endsWith(".ts") ? "../../dist/console" : "./console", import.meta.url),
);

const PAGE = "index.html";
const ASSETS = "assets";

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".woff2": "font/woff2",
  ".svg": "image/svg+xml",
};

/** The page may load from this server alone, speak to it alone, and be framed by nobody. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "font-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "Content-Security-Policy": CONTENT_SECURITY_POLICY,
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
};

/** Names of assets hold a hash of what is in them; the page that names them is asked for each time. */
const IMMUTABLE = "public, max-age=31536000, immutable";
const ALWAYS_NEW = "no-cache";

const NOT_BUILT = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Keystead console</title></head>
<body><h1>The console is not built</h1><p>Run <code>npm run build:console</code>, then start the server again.</p></body></html>
`;

/**
 * The routes of the console. A request's path is looked up and never joined to anything: what is not in the table at start
 * does not exist. Contents are read with the first request and kept.
 */
export function consoleRoutes(directory = CONSOLE_DIRECTORY): ReadonlyMap<string, Route> {
  const toConsole = { status: 308, body: "", headers: { ...SECURITY_HEADERS, Location: CONSOLE_PATH } };
  const redirect: [string, Route] = [CONSOLE_PATH.slice(0, -1), ({ method }) => readOnly(method) ?? toConsole];
  if (!existsSync(join(directory, PAGE))) return new Map<string, Route>([redirect, [CONSOLE_PATH, notBuilt]]);
  // `globSync` would load a matcher of patterns: a twentieth of a start.
  const names = [PAGE, ...readdirSync(join(directory, ASSETS)).map((name) => `${ASSETS}/${name}`)];
  const files = names.filter((name) => extname(name) in CONTENT_TYPES);
  return new Map([
    redirect,
    ...files.map((name): [string, Route] => {
      const path = name === PAGE ? CONSOLE_PATH : CONSOLE_PATH + name;
      return [path, fileRoute(join(directory, name), names.includes(`${name}.gz`))];
    }),
  ]);
}

function fileRoute(path: string, hasGzip: boolean): Route {
  const plain = remembered(path);
  const gzipped = hasGzip ? remembered(`${path}.gz`) : undefined;
  const isPage = path.endsWith(".html");
  return async ({ method, headers }) => {
    const zipped = gzipped !== undefined && /\bgzip\b/.test(headers["accept-encoding"] ?? "");
    return (
      readOnly(method) ?? {
        status: 200,
        contentType: CONTENT_TYPES[extname(path)] ?? "",
        body: await (zipped ? gzipped() : plain()),
        headers: {
          ...SECURITY_HEADERS,
          "Cache-Control": isPage ? ALWAYS_NEW : IMMUTABLE,
          Vary: "Accept-Encoding",
          ...(zipped && { "Content-Encoding": "gzip" }),
        },
      }
    );
  };
}

function notBuilt({ method }: { readonly method: string }): LocalAnswer {
  const contentType = CONTENT_TYPES[".html"] ?? "";
  const headers = { ...SECURITY_HEADERS, "Cache-Control": "no-store" };
  return readOnly(method) ?? { status: 503, contentType, body: NOT_BUILT, headers };
}

function readOnly(method: string): LocalAnswer | undefined {
  if (method === "GET" || method === "HEAD") return undefined;
  return { status: 405, body: "Use GET.\n", headers: { Allow: "GET, HEAD" } };
}

/** A file's bytes, read when they are first asked for; a read that fails is tried again with the next request. */
function remembered(path: string): () => Promise<Uint8Array> {
  let bytes: Promise<Uint8Array> | undefined;
  return () => {
    bytes ??= readFile(path).catch((cause: unknown) => {
      bytes = undefined;
      throw cause;
    });
    return bytes;
  };
}
