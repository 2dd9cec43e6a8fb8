/** A folder of its own for a test. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Goes away with the scope that made it. */
export class Folder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "keystead-audit-"));

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
