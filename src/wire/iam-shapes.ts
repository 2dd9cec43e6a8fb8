/** What IAM's validation errors say otherwise than those of other services. */

import type { ShapeDefinition } from "./shapes.ts";

type Shapes = Readonly<Record<string, object>>;

const NAME = "It must contain only alphanumeric characters and/or the following: +=,.@_-";
const PATH = "It must begin and end with / and contain only alphanumeric characters and/or / characters.";
const PATH_PREFIX = "It must begin with the / character and contain only alphanumeric characters and/or / characters.";

/** What IAM says of texts that do not match a pattern, by the pattern, as users quote it. */
const WORDS: ReadonlyMap<string, string> = new Map([
  ["[\\w+=,.@-]+", NAME],
  ["[\\w]+", "It must contain only alphanumeric characters."],
  ["(\\u002F)|(\\u002F[\\u0021-\\u007E]+\\u002F)", PATH],
  ["((/[A-Za-z0-9\\.,\\+@=_-]+)*)/", PATH],
  ["\\u002F[\\u0021-\\u007F]*", PATH_PREFIX],
  ["[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+", "It must contain only printable ASCII characters."],
]);

/**
 * IAM never repeats a value in its validation errors (public test suites recorded on IAM), and says in sentences of its own
 * that a name, path or policy has other characters than it may have.
 */
export function iamShapes(shapes: Shapes): Shapes {
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => {
      const words = WORDS.get((shape as ShapeDefinition).pattern ?? "");
      return [name, { ...shape, sensitive: true, ...(words !== undefined && { patternWords: sentence(words) }) }];
    }),
  );
}

/** A list of policies may be asked for by the beginning of a path, whose pattern is that of a whole one. */
function sentence(words: string): (path: string) => string {
  return (path) => {
    const rule = path === "pathPrefix" ? PATH_PREFIX : words;
    return `The specified value for ${path} is invalid. ${rule}`;
  };
}
