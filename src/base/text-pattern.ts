/**
 * Regular expressions of strangers, matched in time that grows with pattern and text alone: as a set of states (Thompson, 1968), without
 * backtracking. What can't be matched so (back references, look-around) is no pattern here.
 */

/** A whole text that is tested. */
export type TextPattern = (text: string) => boolean;

/** States of one pattern, so that 8 KB are matched in a tenth of a second at worst; a repetition has those of what it repeats once for each time. */
const STATES_MAX = 2048;
const REPEATS_MAX = 1000;
const DEPTH_MAX = 50;

type Test = (character: string) => boolean;

/** What a pattern is made of. */
type Node =
  | { readonly kind: "one"; readonly test: Test }
  | { readonly kind: "start" }
  | { readonly kind: "end" }
  | { readonly kind: "sequence"; readonly parts: readonly Node[] }
  | { readonly kind: "choice"; readonly parts: readonly Node[] }
  | { readonly kind: "repeat"; readonly part: Node; readonly min: number; readonly max: number };

/** No pattern, or none of ours. */
class NotAPattern extends Error {}

/**
 * Compiles a pattern of the syntax that Java, JavaScript and Perl share: characters and `.`, classes in brackets, `\d \w \s` and their opposites,
 * groups, `|`, `* + ? {n} {n,} {n,m}`, `^` and `$`.
 *
 * @returns what tests whether a pattern matches a whole text; undefined for what is no such pattern, or has too many states
 */
export function findTextPattern(pattern: string): TextPattern | undefined {
  try {
    const parser = new Parser([...pattern]);
    const program = new Program(parser.whole());
    return (text) => program.matches([...text]);
  } catch (cause) {
    if (cause instanceof NotAPattern) return undefined;
    throw cause;
  }
}

const isDigit: Test = (character) => character >= "0" && character <= "9";
const isWord: Test = (character) =>
  isDigit(character) ||
  (character >= "a" && character <= "z") ||
  (character >= "A" && character <= "Z") ||
  character === "_";
const SPACES = " \t\n\u000b\f\r";
const isSpace: Test = (character) => SPACES.includes(character);
const not =
  (test: Test): Test =>
  (character) =>
    !test(character);

const CLASSES: Readonly<Record<string, Test>> = {
  d: isDigit,
  D: not(isDigit),
  w: isWord,
  W: not(isWord),
  s: isSpace,
  S: not(isSpace),
};
const CONTROLS: Readonly<Record<string, string>> = { t: "\t", n: "\n", r: "\r", f: "\f" };

class Parser {
  readonly #characters: readonly string[];
  #at = 0;
  #depth = 0;

  constructor(characters: readonly string[]) {
    this.#characters = characters;
  }

  whole(): Node {
    const node = this.#choice();
    if (this.#at < this.#characters.length) throw new NotAPattern();
    return node;
  }

  get #next(): string | undefined {
    return this.#characters[this.#at];
  }

  #take(): string {
    const character = this.#next;
    if (character === undefined) throw new NotAPattern();
    this.#at += 1;
    return character;
  }

  #skip(character: string): boolean {
    if (this.#next !== character) return false;
    this.#at += 1;
    return true;
  }

  #choice(): Node {
    const parts = [this.#sequence()];
    while (this.#skip("|")) parts.push(this.#sequence());
    return { kind: "choice", parts };
  }

  #sequence(): Node {
    const parts: Node[] = [];
    while (this.#next !== undefined && this.#next !== "|" && this.#next !== ")") parts.push(this.#repeated());
    return { kind: "sequence", parts };
  }

  #repeated(): Node {
    let node = this.#atom();
    for (let times = 0; ; times += 1) {
      const bounds = this.#bounds();
      if (bounds === undefined) return node;
      if (times > 0 || node.kind === "start" || node.kind === "end") throw new NotAPattern();
      this.#skip("?"); // as few as will do: a whole text is matched either way
      node = { kind: "repeat", part: node, ...bounds };
    }
  }

  #bounds(): { readonly min: number; readonly max: number } | undefined {
    if (this.#skip("*")) return { min: 0, max: Infinity };
    if (this.#skip("+")) return { min: 1, max: Infinity };
    if (this.#skip("?")) return { min: 0, max: 1 };
    if (!this.#skip("{")) return undefined;
    const min = this.#number();
    const isRange = this.#skip(",");
    const max = !isRange ? min : this.#next === "}" ? Infinity : this.#number();
    if (!this.#skip("}") || max < min) throw new NotAPattern();
    return { min, max };
  }

  #number(): number {
    let digits = "";
    while (this.#next !== undefined && isDigit(this.#next)) digits += this.#take();
    if (digits === "" || digits.length > 4 || Number(digits) > REPEATS_MAX) throw new NotAPattern();
    return Number(digits);
  }

  #atom(): Node {
    const character = this.#take();
    switch (character) {
      case "(":
        return this.#group();
      case "[":
        return { kind: "one", test: this.#set() };
      case ".":
        return { kind: "one", test: (one) => one !== "\n" && one !== "\r" && one !== "\u2028" && one !== "\u2029" };
      case "^":
        return { kind: "start" };
      case "$":
        return { kind: "end" };
      case "\\":
        return { kind: "one", test: this.#escaped() };
      case "*":
      case "+":
      case "?":
      case "{":
      case "}":
      case "]":
        throw new NotAPattern();
      default:
        return { kind: "one", test: (one) => one === character };
    }
  }

  #group(): Node {
    this.#depth += 1;
    if (this.#depth > DEPTH_MAX) throw new NotAPattern();
    if (this.#skip("?") && !this.#skip(":")) throw new NotAPattern();
    const node = this.#choice();
    if (!this.#skip(")")) throw new NotAPattern();
    this.#depth -= 1;
    return node;
  }

  #escaped(): Test {
    const character = this.#take();
    const test = CLASSES[character];
    if (test !== undefined) return test;
    const literal = literalOf(character);
    return (one) => one === literal;
  }

  #set(): Test {
    const isNegated = this.#skip("^");
    const tests: Test[] = [];
    do tests.push(this.#member());
    while (this.#next !== "]");
    this.#take();
    const isIn: Test = (one) => tests.some((test) => test(one));
    return isNegated ? not(isIn) : isIn;
  }

  /** A character, a range or a class between brackets. */
  #member(): Test {
    const first = this.#setCharacter();
    if (typeof first !== "string") return first;
    const isRange = this.#next === "-" && this.#characters[this.#at + 1] !== "]";
    if (!isRange) return (one) => one === first;
    this.#take();
    const last = this.#setCharacter();
    if (typeof last !== "string") throw new NotAPattern();
    const [from, to] = [codeOf(first), codeOf(last)];
    if (from > to) throw new NotAPattern();
    return (one) => codeOf(one) >= from && codeOf(one) <= to;
  }

  #setCharacter(): string | Test {
    const character = this.#take();
    // What has a meaning between brackets in one of the languages and none in another is none of ours.
    if (character === "[" || character === "]" || (character === "&" && this.#next === "&")) throw new NotAPattern();
    if (character !== "\\") return character;
    const escaped = this.#take();
    return CLASSES[escaped] ?? literalOf(escaped);
  }
}

function codeOf(character: string): number {
  return character.codePointAt(0) ?? 0;
}

/** What a character after a backslash stands for; letters and digits without a meaning here are none of ours. */
function literalOf(character: string): string {
  const control = CONTROLS[character];
  if (control !== undefined) return control;
  if (isWord(character)) throw new NotAPattern();
  return character;
}

type State =
  | { readonly kind: "one"; readonly test: Test; next: number }
  | { readonly kind: "start" | "end"; next: number }
  | { readonly kind: "split"; readonly targets: number[] }
  | { readonly kind: "match" };

/** A pattern as states; each run is in a set of them at once. */
class Program {
  readonly #states: State[] = [];
  readonly #first: number;

  constructor(node: Node) {
    this.#first = this.#compile(node, this.#add({ kind: "match" }));
  }

  #add(state: State): number {
    if (this.#states.length >= STATES_MAX) throw new NotAPattern();
    return this.#states.push(state) - 1;
  }

  /** Adds the states of a node, which go on at `next`. @returns where they begin */
  #compile(node: Node, next: number): number {
    switch (node.kind) {
      case "one":
        return this.#add({ kind: "one", test: node.test, next });
      case "start":
      case "end":
        return this.#add({ kind: node.kind, next });
      case "sequence":
        return node.parts.reduceRight((after, part) => this.#compile(part, after), next);
      case "choice":
        return this.#add({ kind: "split", targets: node.parts.map((part) => this.#compile(part, next)) });
      case "repeat":
        return this.#compileRepeat(node, next);
    }
  }

  #compileRepeat({ part, min, max }: Extract<Node, { kind: "repeat" }>, next: number): number {
    let start = next;
    if (max === Infinity) {
      const targets: number[] = [];
      start = this.#add({ kind: "split", targets });
      targets.push(this.#compile(part, start), next);
    } else {
      for (let times = min; times < max; times += 1) {
        start = this.#add({ kind: "split", targets: [this.#compile(part, start), next] });
      }
    }
    for (let times = 0; times < min; times += 1) start = this.#compile(part, start);
    return start;
  }

  matches(text: readonly string[]): boolean {
    const seen = new Uint32Array(this.#states.length);
    let current = this.#closure([this.#first], { seen, turn: 1, isStart: true, isEnd: text.length === 0 });
    for (const [index, character] of text.entries()) {
      const reached: number[] = [];
      for (const at of current) {
        const state = this.#states[at];
        if (state?.kind === "one" && state.test(character)) reached.push(state.next);
      }
      if (reached.length === 0) return false;
      current = this.#closure(reached, { seen, turn: index + 2, isStart: false, isEnd: index === text.length - 1 });
    }
    return current.some((at) => this.#states[at]?.kind === "match");
  }

  /** All states that are reached without a character, each once: `seen` has the last turn in which it was. */
  #closure(open: number[], { seen, turn, isStart, isEnd }: Turn): readonly number[] {
    const reached: number[] = [];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (seen[at] === turn) continue;
      seen[at] = turn;
      reached.push(at);
      const state = this.#states[at];
      if (state?.kind === "split") open.push(...state.targets);
      if ((state?.kind === "start" && isStart) || (state?.kind === "end" && isEnd)) open.push(state.next);
    }
    return reached;
  }
}

interface Turn {
  readonly seen: Uint32Array;
  readonly turn: number;
  readonly isStart: boolean;
  readonly isEnd: boolean;
}
