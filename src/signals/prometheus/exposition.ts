/** Metrics as Prometheus reads them (text exposition format 0.0.4). */

import { BUCKETS_MS, type OperationCounts } from "./requests.ts";

/** What the format is called in `Content-Type`. */
export const EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** One metric with its samples. */
export interface Family {
  /** With its unit last, and `_total` where it only grows. */
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly samples: readonly Sample[];
}

export interface Sample {
  /** What follows the family's name, such as `_bucket`. */
  readonly suffix?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Writes metrics in their order. */
export function exposition(families: readonly Family[]): string {
  return families
    .map(({ name, help, type, samples }) => {
      const lines = samples.map(
        ({ suffix = "", labels = {}, value }) => `${name}${suffix}${labelsText(labels)} ${value}`,
      );
      return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines, ""].join("\n");
    })
    .join("");
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value.replace(/["\\\n]/g, escapeText)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escapeText(character: string): string {
  return character === "\n" ? "\\n" : `\\${character}`;
}

const MS_PER_SECOND = 1_000;

/** How many requests there were, and how long they took. */
export function requestFamilies(counts: readonly OperationCounts[]): readonly Family[] {
  const total = counts.flatMap(({ service, operation, codes }) =>
    codes.map(([code, value]) => ({ labels: { service, operation, code: code === "" ? "OK" : code }, value })),
  );
  return [
    {
      name: "keystead_requests_total",
      help: "Requests by service, operation and error code; OK is a success.",
      type: "counter",
      samples: total,
    },
    {
      name: "keystead_request_duration_seconds",
      help: "How long requests took, from when their turn came to their answer.",
      type: "histogram",
      samples: counts.flatMap(durations),
    },
  ];
}

function durations({ service, operation, buckets, sumMs }: OperationCounts): Sample[] {
  const labels = { service, operation };
  let count = 0;
  const cumulative = buckets.map((inBucket, index) => {
    count += inBucket;
    const bound = BUCKETS_MS[index];
    const le = bound === undefined ? "+Inf" : String(bound / MS_PER_SECOND);
    return { suffix: "_bucket", labels: { ...labels, le }, value: count };
  });
  return [
    ...cumulative,
    { suffix: "_sum", labels, value: sumMs / MS_PER_SECOND },
    { suffix: "_count", labels, value: count },
  ];
}
