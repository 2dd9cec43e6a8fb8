/** AllowedPattern of PutParameter: what the values of a parameter are like (API reference, PutParameter). */

import { findTextPattern } from "../../base/text-pattern.ts";
import { InvalidAllowedPatternException, ParameterPatternMismatchException } from "./errors.ts";

/**
 * Requires that a pattern, unless it is empty, matches the whole of a value.
 *
 * @throws InvalidAllowedPatternException no pattern of ours
 * @throws ParameterPatternMismatchException the value is not what the pattern allows; the text is AWS's
 */
export function requirePattern(allowedPattern: string, value: string): void {
  if (allowedPattern === "") return;
  const matches = findTextPattern(allowedPattern);
  if (matches === undefined) {
    throw new InvalidAllowedPatternException("The pattern is not a regular expression that Keystead supports.");
  }
  if (matches(value)) return;
  throw new ParameterPatternMismatchException(
    `Parameter value, cannot be validated against allowedPattern: ${allowedPattern}`,
  );
}
