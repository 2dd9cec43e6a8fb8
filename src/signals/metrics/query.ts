/** Queries of CloudWatch Metrics Insights that come to one line of data points, such as `SELECT SUM(XksProxyErrors) FROM "AWS/KMS"`. */

import type { Statistic } from "@aws-sdk/client-cloudwatch";
import { UnsupportedOperationException, ValidationException } from "../../base/errors.ts";
import { findMetric } from "./catalog.ts";
import type { Series } from "./recorder.ts";

/** What a query asks for. */
export interface MetricsQuery {
  readonly statistic: Statistic;
  readonly metric: string;
  readonly namespace: string;
  /** The dimensions that a series has, and no others; undefined: whatever it has. */
  readonly schema?: readonly string[];
  /** All of them hold. */
  readonly conditions: readonly Comparison[];
}

interface Comparison {
  readonly name: string;
  readonly isEqual: boolean;
  readonly value: string;
}

const FUNCTIONS: ReadonlyMap<string, Statistic> = new Map([
  ["AVG", "Average"],
  ["COUNT", "SampleCount"],
  ["MAX", "Maximum"],
  ["MIN", "Minimum"],
  ["SUM", "Sum"],
]);

/** A name in double quotes, a value in single ones, a bare name or keyword, or a mark. */
const TOKEN = /\s*(?:"([^"]+)"|'([^']*)'|(\w+)|(!=|[=(),]))/y;

interface Token {
  readonly kind: "name" | "value" | "word" | "mark";
  readonly text: string;
}

/**
 * Reads a query (CloudWatch user guide, Metrics Insights query components and syntax): keywords in any case, names exactly.
 *
 * @throws ValidationException it is none
 * @throws UnsupportedOperationException it comes to several lines
 */
export function parseQuery(text: string): MetricsQuery {
  const tokens = new Tokens(text);
  tokens.must("SELECT");
  const statistic = FUNCTIONS.get(tokens.next("word").toUpperCase());
  if (statistic === undefined) throw tokens.wrong();
  tokens.must("(");
  const metric = tokens.name();
  tokens.must(")");
  tokens.must("FROM");
  const source = sourceOf(tokens);
  const conditions: Comparison[] = [];
  if (tokens.takes("WHERE")) {
    do conditions.push(comparisonOf(tokens));
    while (tokens.takes("AND"));
  }
  if (tokens.takes("GROUP") || tokens.takes("ORDER") || tokens.takes("LIMIT")) {
    throw new UnsupportedOperationException("Keystead does not support GROUP BY, ORDER BY and LIMIT in queries yet.");
  }
  if (!tokens.areOver) throw tokens.wrong();
  return { statistic, metric, ...source, conditions };
}

function sourceOf(tokens: Tokens): Pick<MetricsQuery, "namespace" | "schema"> {
  if (!tokens.takes("SCHEMA")) return { namespace: tokens.name() };
  tokens.must("(");
  const namespace = tokens.name();
  const schema: string[] = [];
  while (tokens.takes(",")) schema.push(tokens.name());
  tokens.must(")");
  return { namespace, schema };
}

function comparisonOf(tokens: Tokens): Comparison {
  const name = tokens.name();
  const isEqual = tokens.takes("=");
  if (!isEqual) tokens.must("!=");
  return { name, isEqual, value: tokens.next("value") };
}

/** Whether a query means a series. One without a dimension fits no comparison with it. */
export function isMeant({ namespace, metric, schema, conditions }: MetricsQuery, series: Series): boolean {
  const { dimensions } = series;
  const names = Object.keys(dimensions);
  return (
    findMetric(namespace, metric) === series.metric &&
    (schema === undefined || (schema.length === names.length && schema.every((name) => names.includes(name)))) &&
    conditions.every(({ name, isEqual, value }) => names.includes(name) && (dimensions[name] === value) === isEqual)
  );
}

/** The tokens of a query, from the first on. */
class Tokens {
  readonly #tokens: readonly Token[];
  #index = 0;

  constructor(text: string) {
    this.#tokens = tokensOf(text);
  }

  get areOver(): boolean {
    return this.#index === this.#tokens.length;
  }

  /** Takes a keyword or a mark where it comes next. */
  takes(text: string): boolean {
    const token = this.#tokens[this.#index];
    const isNext = (token?.kind === "word" || token?.kind === "mark") && token.text.toUpperCase() === text;
    if (isNext) this.#index += 1;
    return isNext;
  }

  must(text: string): void {
    if (!this.takes(text)) throw this.wrong();
  }

  name(): string {
    return this.#tokens[this.#index]?.kind === "name" ? this.next("name") : this.next("word");
  }

  next(kind: Token["kind"]): string {
    const token = this.#tokens[this.#index];
    if (token?.kind !== kind) throw this.wrong();
    this.#index += 1;
    return token.text;
  }

  wrong(): ValidationException {
    const { text } = this.#tokens[this.#index] ?? { text: "its end" };
    return new ValidationException(`Error in expression: the query can't be read at ${text}.`);
  }
}

function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  const pattern = new RegExp(TOKEN);
  const end = text.trimEnd().length;
  while (pattern.lastIndex < end) {
    const [, name, value, word, mark] = pattern.exec(text) ?? [];
    if (name !== undefined) tokens.push({ kind: "name", text: name });
    else if (value !== undefined) tokens.push({ kind: "value", text: value });
    else if (word !== undefined) tokens.push({ kind: "word", text: word });
    else if (mark !== undefined) tokens.push({ kind: "mark", text: mark });
    else throw new ValidationException("Error in expression: the query has a character that is not one of queries.");
  }
  return tokens;
}
