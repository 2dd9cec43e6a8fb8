/** Random inputs of operations, by the shapes of their service's model: mostly plausible, often at a bound, sometimes absurd. */

import type { RandomChoices } from "./random-choices.ts";

/** A shape, as the models in src/wire/models have it. */
export interface Shape {
  readonly type: string;
  readonly members?: Readonly<Record<string, { readonly shape: string }>>;
  readonly required?: readonly string[];
  readonly member?: { readonly shape: string };
  readonly key?: { readonly shape: string };
  readonly value?: { readonly shape: string };
  readonly enum?: readonly string[];
  readonly min?: number;
  readonly max?: number;
}
export type Shapes = Readonly<Record<string, Shape>>;

const DEPTH_MAX = 6;
const TEXTS_MAX = 1_000;
const TEXT_LENGTH_MAX = 2_500;
const STATEMENT = '"Effect":"Allow","Action":"kms:*","Resource":"*"';

/** Texts that mean something somewhere, and texts that mean nothing anywhere. */
const TEXTS: readonly string[] = [
  ...["", "a", "name", "/path/", "default", "111122223333", "444455556666", "us-east-1", "us-east-1a", "bucket-one"],
  ...[
    "arn:aws:iam::111122223333:root",
    "arn:aws:iam::111122223333:role/r",
    "arn:aws:iam::111122223333:user/u",
    "u",
    "r",
  ],
  ...["alias/a", "alias/aws/kms", "AES_256", "AWSCURRENT", "kms:*", "rate(5 minutes)", "aws:kms", "vol-0", "snap-0"],
  ...["*", "{}", "[]", "null", "-1", "0", "true", "AAAA", "QUJD", "2026-01-01", "i-0123456789abcdef0"],
  ...["\0", "é✓", "__proto__", "constructor", "../..", "a".repeat(300), "x".repeat(5_000)],
  '{"source":["aws.kms"]}',
  `{"Version":"2012-10-17","Statement":[{${STATEMENT}}]}`,
  `{"Version":"2012-10-17","Statement":[{${STATEMENT},"Principal":"*"}]}`,
];

/** Which texts fit a member, by its name. */
const FITTING: readonly (readonly [member: RegExp, text: RegExp])[] = [
  [/keyid|kmskey|targetkey/i, /^[0-9a-f]{8}-|:key\/|^mrk-|^alias\//],
  [/policydocument|policy$/i, /^\{/],
  [/arn/i, /^arn:/],
  [/secretid/i, /:secret:|^name$/],
  [/bucket/i, /^[a-z0-9][a-z0-9.-]{2,20}$/],
  [/volumeid/i, /^vol-/],
  [/snapshotid/i, /^snap-/],
  [/grant/i, /^[\w+/=-]{40,}$/],
  [/name$/i, /^[\w/-]{1,40}$/],
];

/** Makes inputs, out of texts that it is told of, too: what the server answered. */
export class ModelInputs {
  readonly #choices: RandomChoices;
  readonly #texts = new Set(TEXTS);

  constructor(choices: RandomChoices) {
    this.#choices = choices;
  }

  /** An input of a shape. */
  input(shapes: Shapes, shape: string): Record<string, unknown> {
    return this.#value(shapes, shape, "", 0) as Record<string, unknown>;
  }

  /** Keeps the texts of an answer: ids, names and tokens that later inputs may have. */
  learn(value: unknown): void {
    if (typeof value === "string") {
      if (value.length <= TEXT_LENGTH_MAX && this.#texts.size < TEXTS_MAX) this.#texts.add(value);
    } else if (typeof value === "object" && value !== null && !ArrayBuffer.isView(value)) {
      for (const each of Object.values(value).slice(0, 30)) this.learn(each);
    }
  }

  #value(shapes: Shapes, name: string, member: string, depth: number): unknown {
    const choices = this.#choices;
    const shape = shapes[name];
    switch (shape?.type) {
      case "structure":
        return depth > DEPTH_MAX ? {} : this.#structure(shapes, shape, depth + 1);
      case "list":
        return this.#several(() => this.#value(shapes, shape.member?.shape ?? "", member, depth + 1));
      case "map":
        return Object.fromEntries(
          this.#several(() => [
            String(this.#value(shapes, shape.key?.shape ?? "", member, depth + 1)),
            this.#value(shapes, shape.value?.shape ?? "", member, depth + 1),
          ]),
        );
      case "integer":
      case "long":
        return choices.pick([
          shape.min ?? 0,
          shape.max ?? 100,
          (shape.min ?? 0) - 1,
          (shape.max ?? 100) + 1,
          1,
          7,
          2 ** 31,
        ]);
      case "double":
      case "float":
        return choices.pick([0, 1, -1.5, 60, 1e308]);
      case "boolean":
        return choices.pick([true, false]);
      case "blob":
        return choices.bytes(choices.pick([0, 1, 32, 256, 4_097]));
      case "timestamp":
        return new Date(choices.pick([0, Date.now(), Date.now() + 864e6, 253_402_300_799_000]));
      default:
        return this.#text(shape, member);
    }
  }

  #structure(shapes: Shapes, { members = {}, required = [] }: Shape, depth: number): Record<string, unknown> {
    const chosen = Object.entries(members).filter(
      ([member]) => this.#choices.integer(1, 100) <= (required.includes(member) ? 97 : 25),
    );
    return Object.fromEntries(chosen.map(([member, { shape }]) => [member, this.#value(shapes, shape, member, depth)]));
  }

  #several<T>(make: () => T): T[] {
    return Array.from({ length: this.#choices.pick([0, 1, 1, 1, 2, 3]) }, make);
  }

  #text(shape: Shape | undefined, member: string): string {
    const choices = this.#choices;
    if (shape?.enum !== undefined && choices.integer(1, 10) <= 9) return choices.pick(shape.enum);
    const texts = [...this.#texts];
    const fit = FITTING.find(([pattern]) => pattern.test(member))?.[1];
    const fitting = fit === undefined ? [] : texts.filter((text) => fit.test(text));
    return choices.pick(fitting.length > 0 && choices.integer(1, 4) <= 3 ? fitting : texts);
  }
}
