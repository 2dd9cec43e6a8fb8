/** Erases files of bodies that are nobody's any more. */

import type { DueHandler } from "../../pipeline/due-work.ts";
import type { Bodies } from "./bodies.ts";

/** The due work that does it: the file first, so that one whose row is taken is gone. */
export function eraseFileWhenDue(bodies: Bodies): DueHandler<void> {
  return {
    destructive: true,
    prepare: ({ subject }) => bodies.remove(subject),
    async perform() {
      // Taking the row is all that is left.
    },
  };
}
