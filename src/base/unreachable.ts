/** Ends a switch over a union: a forgotten case does not compile, and a value outside its type is our bug. */
export function unreachable(value: never): never {
  throw new Error(`Unreachable case: ${typeof value}`);
}
