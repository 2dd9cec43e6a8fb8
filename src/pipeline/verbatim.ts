/** Structures whose member names records keep as they are. */

/** A copy of a JSON value whose objects are maps to the renderer of records, which lowers no key of a map. */
export function verbatim(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(verbatim);
  if (typeof value !== "object" || value === null) return value;
  return verbatimMembers(value as Readonly<Record<string, unknown>>);
}

/** The same of an object. */
export function verbatimMembers(members: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const map: Record<string, unknown> = Object.create(null);
  for (const [name, member] of Object.entries(members)) map[name] = verbatim(member);
  return map;
}
