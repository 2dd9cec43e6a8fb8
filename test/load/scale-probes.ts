/** What is asked of a store to see whether its size shows: one request after another, each timed by itself. */

import { Agent } from "node:http";
import type { RunningProcess } from "../faults/processes.ts";
import type { RandomChoices } from "../faults/random-choices.ts";
import { kmsDraft, mustCallKms, REGION, type ServerAddress, send, sign } from "../faults/signed-requests.ts";
import { ACCOUNT, HUB, type Loaded, scaleAlias, scaleKeyId } from "./scale-data.ts";

/** A running server on a store that was loaded. */
export interface Subject {
  readonly loaded: Loaded;
  readonly server: RunningProcess;
  /** Keys of the account that nobody has used yet, as n of `scaleKeyId`, in random order. */
  readonly unused: number[];
  readonly agent: Agent;
}

/** One kind of request. */
export interface Probe {
  readonly name: string;
  /** How many of them a round has. */
  readonly count: number;
  /** What has to be known of the store before, such as the marker of a deep page. */
  prepare?(subject: Subject): Promise<Readonly<Record<string, unknown>>>;
  readonly operation: string;
  input(subject: Subject, choices: RandomChoices, prepared: Readonly<Record<string, unknown>>): unknown;
  /** Undoes what an answered request did; not timed. */
  undo?(subject: Subject, input: unknown, output: Readonly<Record<string, unknown>>): Promise<void>;
}

/** Pages that are turned to come to a deep one. */
const PAGES_TURNED_MAX = 300;
const HOT_KEYS = 10;
const PLAINTEXT = Buffer.alloc(32, 7).toString("base64");
const GRANTEE = `arn:aws:iam::${ACCOUNT}:root`;

/** Makes a subject; the order in which its keys are used is chosen once. */
export function subjectOf(loaded: Loaded, server: RunningProcess, choices: RandomChoices): Subject {
  const own = Array.from({ length: Math.floor(loaded.size.keys / 2) }, (_, index) => index * 2);
  const unused = own.filter((n) => n >= HOT_KEYS * 2);
  for (let left = unused.length - 1; left > 0; left -= 1) {
    const other = choices.integer(0, left);
    [unused[left], unused[other]] = [unused[other] ?? 0, unused[left] ?? 0];
  }
  return { loaded, server, unused, agent: new Agent({ keepAlive: true }) };
}

export function addressOf({ loaded, server }: Subject): ServerAddress {
  return { endpoint: server.endpoint, credentials: loaded.credentials };
}

/** A key that no request has named yet, or, once all were, one that was long ago. */
export function nextUnused({ unused }: Subject): number {
  const n = unused.pop();
  if (n === undefined) throw new Error("Every key of the account has been used.");
  return n;
}

/** All probes, the one with the fewest demands on the database first. */
export const PROBES: readonly Probe[] = [
  {
    name: "Encrypt, ten keys in turn",
    operation: "Encrypt",
    count: 200,
    input: (subject, choices) => encryptInput(subject, choices.integer(0, HOT_KEYS - 1) * 2),
  },
  {
    name: "Encrypt, a key never used before",
    operation: "Encrypt",
    count: 100,
    input: (subject) => encryptInput(subject, nextUnused(subject)),
  },
  {
    name: "DescribeKey, a key never used before",
    operation: "DescribeKey",
    count: 50,
    input: (subject) => ({ KeyId: keyIdOf(subject, nextUnused(subject)) }),
  },
  {
    name: "DescribeKey by an alias never used before",
    operation: "DescribeKey",
    count: 50,
    input: (subject) => ({ KeyId: scaleAlias(nextUnused(subject)) }),
  },
  ...listProbes("ListKeys", { Limit: 100 }, () => ({})),
  ...listProbes("ListAliases", { Limit: 100 }, () => ({})),
  ...listProbes("ListGrants", { Limit: 100 }, (subject) => ({ KeyId: keyIdOf(subject, HUB) })),
  ...listProbes("ListRetirableGrants", { Limit: 100 }, () => ({ RetiringPrincipal: GRANTEE })),
  grantProbe("CreateGrant on a key with few grants", (subject) => keyIdOf(subject, 4)),
  {
    name: "CreateKey",
    operation: "CreateKey",
    count: 20,
    input: () => ({ Description: "probe" }),
  },
  {
    name: "TagResource",
    operation: "TagResource",
    count: 20,
    input: (subject, choices) => ({
      KeyId: keyIdOf(subject, choices.integer(0, HOT_KEYS - 1) * 2),
      Tags: [{ TagKey: "round", TagValue: choices.text(8) }],
    }),
  },
];

/** Times one round of a probe, in milliseconds each. */
export async function runProbe(
  probe: Probe,
  subject: Subject,
  choices: RandomChoices,
  prepared: Readonly<Record<string, unknown>>,
): Promise<readonly number[]> {
  const address = addressOf(subject);
  const inputs = Array.from({ length: probe.count }, () => probe.input(subject, choices, prepared));
  const signed = await Promise.all(inputs.map((input) => sign(address, kmsDraft(probe.operation, input))));
  const times: number[] = [];
  for (const [index, request] of signed.entries()) {
    const sentAt = performance.now();
    const { status, body } = await send(address.endpoint, request, { agent: subject.agent });
    times.push(performance.now() - sentAt);
    if (status !== 200) throw new Error(`${probe.name} answered ${status}: ${body.toString("utf8")}`);
    await probe.undo?.(subject, inputs[index], JSON.parse(body.toString("utf8") || "{}") as Record<string, unknown>);
  }
  return times;
}

function encryptInput(subject: Subject, n: number): unknown {
  return { KeyId: keyIdOf(subject, n), Plaintext: PLAINTEXT };
}

/** The ARN of the n-th key. */
export function keyIdOf({ loaded }: Subject, n: number): string {
  return `arn:aws:kms:${REGION}:${ACCOUNT}:key/${scaleKeyId(n, loaded.size.keys)}`;
}

/** The first page of a list, and one far behind it. */
function listProbes(
  operation: string,
  paging: Readonly<Record<string, unknown>>,
  filter: (subject: Subject) => Readonly<Record<string, unknown>>,
): readonly Probe[] {
  const input = (subject: Subject) => ({ ...filter(subject), ...paging });
  return [
    { name: `${operation}, first page`, operation, count: 20, input },
    {
      name: `${operation}, a deep page`,
      operation,
      count: 20,
      async prepare(subject) {
        let Marker: unknown;
        for (let page = 0; page < PAGES_TURNED_MAX; page += 1) {
          const turned = { ...input(subject), ...(Marker !== undefined && { Marker }) };
          const { output } = await mustCallKms(addressOf(subject), operation, turned, { agent: subject.agent });
          if (output["Truncated"] !== true) break;
          Marker = output["NextMarker"];
        }
        return Marker === undefined ? {} : { Marker };
      },
      input: (subject, _choices, prepared) => ({ ...input(subject), ...prepared }),
    },
  ];
}

function grantProbe(name: string, keyOf: (subject: Subject) => string): Probe {
  return {
    name,
    operation: "CreateGrant",
    count: 20,
    input: (subject) => ({ KeyId: keyOf(subject), GranteePrincipal: GRANTEE, Operations: ["Decrypt"] }),
    async undo(subject, input, { GrantId }) {
      const { KeyId } = input as { readonly KeyId: string };
      await mustCallKms(addressOf(subject), "RevokeGrant", { KeyId, GrantId }, { agent: subject.agent });
    },
  };
}
