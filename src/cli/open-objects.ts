/** Opens what the objects of S3 lie in. */

import { join } from "node:path";
import type { DueHandler } from "../pipeline/due-work.ts";
import { Bodies } from "../services/s3/bodies.ts";
import { eraseFileWhenDue } from "../services/s3/erasure.ts";
import { ERASE_OBJECT_FILE } from "../storage/objects.ts";
import type { ServerConfig } from "./parts.ts";

/** Where the bodies of objects are: where the operator says, else in the directory, else in a temporary one. */
export function openBodies({ objects, directory }: Pick<ServerConfig, "objects" | "directory">): Bodies {
  return new Bodies(objects ?? (directory && join(directory, "objects")));
}

/** The due work of objects, by kind. */
export function objectHandlers(bodies: Bodies): readonly (readonly [string, DueHandler])[] {
  return [[ERASE_OBJECT_FILE, eraseFileWhenDue(bodies) as DueHandler]];
}
