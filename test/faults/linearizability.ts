/** Load on registers through all nodes while faults happen, and the check of what was answered. */

import { setTimeout as after } from "node:timers/promises";
import { type Anomaly, findAnomaly, findStaleRead } from "./history.ts";
import { KINDS, type NodeClients, Register, type RegisterPrincipals } from "./registers.ts";

/** Something that goes wrong; resolves when it is over and the cluster is whole again. */
export interface Fault {
  readonly name: string;
  happen(): Promise<void>;
}

export interface HistoryOptions {
  readonly nodes: readonly NodeClients[];
  readonly principals: RegisterPrincipals;
  /** They happen one after another, by turns, with calm before, between and after. */
  readonly faults: readonly Fault[];
  /** How many happen in all; then the run ends. */
  readonly rounds: number;
  /** After this time no further one happens. */
  readonly msMax?: number;
  /** Told of each as it is over. */
  readonly onFault?: (name: string, round: number) => void;
  /** Registers of each kind that are written at the same time. */
  readonly registersOfKind: number;
  readonly readers: number;
}

export interface HistoryReport {
  readonly registers: number;
  readonly acknowledged: number;
  /** Writes whose outcome nobody was told. */
  readonly unknown: number;
  readonly reads: number;
  /** Requests that were not answered, or with an error of the server. */
  readonly unanswered: number;
  readonly faults: Readonly<Record<string, number>>;
  /** Reads that missed what had been answered before them. */
  readonly stale: readonly Anomaly[];
  /** Reads that no order explains, stale or not: what one has seen of a change that nobody was told of yet, a later one had not. */
  readonly anomalies: readonly Anomaly[];
  /** The longest time in which no write at all was acknowledged, in ms. */
  readonly longestPauseMs: number;
}

/** A pause between two writes of one register, so that reads fall between them. */
const WRITE_PAUSE_MS = 15;
/** A pause between two reads of one reader: they are to meet writes and faults, not to keep the machine from both. */
const READ_PAUSE_MS = 5;
/** Writes that are acknowledged between two faults, so that each fault finds the cluster at work, however slow the machine. */
const CALM_WRITES = 8;
const CALM_MS_MAX = 120_000;
/** While nodes are gone, who is refused at once does not ask again at once. */
const REFUSED_PAUSE_MS = 20;

/** Runs the load while the faults happen, then reads every register through every node once more, and checks all histories. */
export async function runHistory(options: HistoryOptions): Promise<HistoryReport> {
  const { nodes, principals, rounds, faults, registersOfKind, readers, msMax = Number.POSITIVE_INFINITY } = options;
  const startedAt = performance.now();
  const all: Register[] = [];
  const live = new Map<number, Register>();
  const counts: Record<string, number> = {};
  let unanswered = 0;
  let next = 0;
  let ended = false;
  const isOver = (): boolean => ended;
  const anyNode = (): NodeClients => nodeAt(nodes, next++);

  const write = async (slot: number): Promise<void> => {
    const kind = KINDS[slot % KINDS.length];
    if (kind === undefined) return;
    while (!isOver()) {
      const register = live.get(slot);
      if (register === undefined || register.isOver) {
        try {
          const made = await Register.create(kind, anyNode(), principals);
          all.push(made);
          live.set(slot, made);
        } catch {
          unanswered += 1;
          await after(REFUSED_PAUSE_MS);
        }
        continue;
      }
      await register.write(anyNode());
      await after(WRITE_PAUSE_MS);
    }
  };
  const read = async (): Promise<void> => {
    while (!isOver()) {
      const register = live.get(Math.floor(Math.random() * KINDS.length * registersOfKind));
      const wasAnswered = register !== undefined && (await register.read(anyNode()));
      if (!wasAnswered) unanswered += 1;
      await after(wasAnswered ? READ_PAUSE_MS : REFUSED_PAUSE_MS);
    }
  };
  const calm = async (): Promise<void> => {
    const goal = acknowledgedOf(all) + CALM_WRITES;
    const latest = performance.now() + CALM_MS_MAX;
    while (acknowledgedOf(all) < goal) {
      if (performance.now() > latest) throw new Error("The cluster does not come back to work.");
      await after(WRITE_PAUSE_MS);
    }
  };
  const fail = async (): Promise<void> => {
    try {
      for (let turn = 0; turn < rounds && performance.now() - startedAt < msMax; turn += 1) {
        await calm();
        const fault = faults[turn % faults.length];
        await fault?.happen();
        if (fault === undefined) continue;
        counts[fault.name] = (counts[fault.name] ?? 0) + 1;
        options.onFault?.(fault.name, turn + 1);
      }
      await calm();
    } finally {
      ended = true;
    }
  };
  await Promise.all([
    ...Array.from({ length: KINDS.length * registersOfKind }, (_, slot) => write(slot)),
    ...Array.from({ length: readers }, () => read()),
    fail(),
  ]);
  for (const register of all) for (const node of nodes) if (!(await register.read(node))) unanswered += 1;

  const writes = all.flatMap((register) => register.writes);
  const acknowledgedAt = writes.flatMap(({ end: at }) => at ?? []).sort((left, right) => left - right);
  return {
    registers: all.length,
    acknowledged: acknowledgedAt.length,
    unknown: writes.length - acknowledgedAt.length,
    reads: all.reduce((total, register) => total + register.reads.length, 0),
    unanswered,
    faults: counts,
    stale: all.flatMap((register) => findStaleRead(register.writes, register.reads) ?? []),
    anomalies: all.flatMap((register) => findAnomaly(register.writes, register.reads) ?? []),
    longestPauseMs: Math.max(0, ...acknowledgedAt.slice(1).map((at, index) => at - (acknowledgedAt[index] ?? at))),
  };
}

function acknowledgedOf(registers: readonly Register[]): number {
  return registers.reduce((total, { writes }) => total + writes.filter(({ end }) => end !== undefined).length, 0);
}

function nodeAt(nodes: readonly NodeClients[], index: number): NodeClients {
  const node = nodes[index % nodes.length];
  if (node === undefined) throw new Error("A cluster has nodes.");
  return node;
}
