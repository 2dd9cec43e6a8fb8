/** Options of the commands: each also as `KEYSTEAD_…` in the environment, and none that can't take effect is passed over. */

import { mkdirSync, readFileSync, statSync } from "node:fs";
import { Option } from "commander";
import { OperatorError } from "../base/errors.ts";
import type { Listener } from "../gateway/gateway.ts";

/** A command was given what it can't take. */
export class UsageError extends OperatorError {}

const ENVIRONMENT_PREFIX = "KEYSTEAD_";

/** An option that is also read from the environment: `--tls-cert` from `KEYSTEAD_TLS_CERT`. Its value is never empty. */
export function option(flags: string, description: string): Option {
  const made = new Option(flags, description);
  const name = ENVIRONMENT_PREFIX + made.name().replaceAll("-", "_").toUpperCase();
  if (!flags.includes("<")) {
    switches.push(name);
    return made.env(name);
  }
  return made.env(name).argParser((text: string) => {
    if (text === "") throw new UsageError(`--${made.name()} (${name}) takes a value that is not empty.`);
    return text;
  });
}

/** An option that may be given several times; the environment gives one value. */
export function repeatable(flags: string, description: string): Option {
  const made = option(flags, description);
  const parseOne = made.parseArg as (text: string) => string;
  return made.argParser((text: string, previous: readonly string[] = []) => [...previous, parseOne(text)]);
}

/** The variables of options without a value. */
const switches: string[] = [];

/** Reads switches as words: a variable that says no is as if it were not set. */
export function readSwitches(environment: NodeJS.ProcessEnv): void {
  for (const name of switches) {
    const word = environment[name]?.toLowerCase();
    if (word === undefined || ["1", "true", "yes", "on"].includes(word)) continue;
    if (!["", "0", "false", "no", "off"].includes(word)) throw new UsageError(`${name} is true or false.`);
    delete environment[name];
  }
}

/** Makes a directory for its owner alone, where there is none. */
export function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new UsageError(`${path} can't be a data directory: ${codeOf(cause)}.`, { cause });
  }
}

function codeOf(cause: unknown): string {
  return (cause as NodeJS.ErrnoException).code ?? String(cause);
}

/** Parses a port number, 0 for any free one. */
export function port(text: string): number {
  const value = Number(text);
  if (!/^[0-9]{1,5}$/.test(text) || value > 65_535) throw new UsageError(`--port takes 0 to 65535, not '${text}'.`);
  return value;
}

/**
 * `--outbound-allow HOST[:PORT]`, as often as there are hosts; in the environment they are separated by commas or spaces.
 */
export function outboundOption(): Option {
  const described = option(
    "--outbound-allow <host[:port]>",
    "host that URLs of tenants (identity providers) may lead to though it is not on the public internet; repeatable",
  );
  return described.argParser((text: string, earlier: readonly string[] | undefined) => [
    ...(earlier ?? []),
    ...hostsOf(text),
  ]);
}

function hostsOf(text: string): readonly string[] {
  const hosts = text.split(/[\s,]+/).filter((host) => host !== "");
  const isHost = (host: string): boolean => /^(?:[A-Za-z0-9._-]+(?::[0-9]{1,5})?|[0-9A-Fa-f:.]+)$/.test(host);
  if (hosts.length === 0 || !hosts.every(isHost)) {
    throw new UsageError(`--outbound-allow takes HOST or HOST:PORT, not '${text}'.`);
  }
  return hosts;
}

const VPC_ENDPOINT = /^(?<id>vpce-[0-9a-f]+)=(?:\[(?<v6>[0-9a-f:]+)\]|(?<v4>[^:=[\]]+)):(?<port>[0-9]{1,5})$/i;

/** Adds the listeners of VPC endpoints, `vpce-…=ADDRESS:PORT` with commas between them, to those before. */
export function vpcEndpoints(text: string, before: readonly Listener[] = []): readonly Listener[] {
  const listeners = text.split(",").map((part) => {
    const { id, v4, v6, port: number } = VPC_ENDPOINT.exec(part)?.groups ?? {};
    const host = v4 ?? v6;
    if (id === undefined || host === undefined || number === undefined) {
      throw new UsageError(`--vpc-endpoint takes vpce-…=ADDRESS:PORT, not '${part}'.`);
    }
    return { vpcEndpoint: id, host, port: port(number) };
  });
  return [...before, ...listeners];
}

/** The most workers that `serve` runs: more than one for each core of a large machine helps nobody. */
const WORKERS_MAX = 256;

/** Parses a number of workers. */
export function workers(text: string): number {
  const value = Number(text);
  if (!/^[0-9]{1,3}$/.test(text) || value < 1 || value > WORKERS_MAX) {
    throw new UsageError(`--workers takes 1 to ${WORKERS_MAX}, not '${text}'.`);
  }
  return value;
}

/** The parser of an option that takes a number of seconds, up to an hour. */
export function secondsOf(flag: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^[0-9]{1,4}(?:\.[0-9]{1,3})?$/.test(text) || value > 3600) {
      throw new UsageError(`${flag} takes 0 to 3600 seconds, not '${text}'.`);
    }
    return value;
  };
}

/** Reads a file that the operator named. */
export function readNamedFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new UsageError(`${path} can't be read: ${codeOf(cause)}.`, {
      cause,
    });
  }
}

/** `--trail-directory`. */
export function trailDirectoryOption(): Option {
  return option(
    "--trail-directory <directory>",
    "where the buckets of CloudTrail trails are: each is a folder in it, which has to be there",
  );
}

/** @throws UsageError it is no directory */
export function trailDirectoryOf(options: { readonly trailDirectory?: string }): { readonly trailDirectory?: string } {
  const { trailDirectory } = options;
  if (trailDirectory === undefined) return {};
  if (statSync(trailDirectory, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new UsageError(`--trail-directory ${trailDirectory} is no directory.`);
  }
  return { trailDirectory };
}

/** Whether a host can be reached from this machine alone. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(?:\.[0-9]{1,3}){3}$/.test(host);
}

/** `--tls-fips`, of every command that serves HTTPS. */
export function fipsOption(): Option {
  return option("--tls-fips", "take NIST curves and AES-GCM alone, as FIPS endpoints do: no hybrid post-quantum group");
}
