/** `keystead doctor`: opens everything that is sealed, checks what holds of a store, and changes nothing. */

import { systemClock } from "../base/clock.ts";
import { openCustody } from "../custody/software.ts";
import { SCHEMA_VERSION } from "../storage/migrations.ts";
import type { Snapshot } from "../storage/snapshot.ts";
import { snapshotDomainKeys } from "./backup.ts";
import { examineFiles, examineTrail } from "./doctor-files.ts";
import { examineInvariants, examinePolicies, examineRecords, examineSealed } from "./doctor-rows.ts";
import { Examination } from "./examination.ts";
import { openSnapshot } from "./open-store.ts";
import { openRootKey, type RootKeyOptions, rootKeyPath } from "./root-keys.ts";

interface DoctorOptions extends RootKeyOptions {
  readonly json?: boolean;
}

/** Examines a store, beside a server or without one. Exit code 0: no errors; 1: some, or it could not be examined. */
export async function doctor(options: DoctorOptions): Promise<void> {
  report(await examine(options), options.json === true);
}

/** Everything that `doctor` looks at. */
export async function examine(options: RootKeyOptions): Promise<Examination> {
  const examination = new Examination();
  examineFiles(examination, {
    directory: options.data,
    rootKey: options.rootKeyCredential === undefined ? rootKeyPath(options) : undefined,
  });
  await using snapshot = await openSnapshot(options);
  for (const text of await snapshot.damage()) examination.error("database", text);
  if (snapshot.facts.schemaVersion === SCHEMA_VERSION) await examineRows(examination, snapshot, options);
  else
    examination.warn(
      "schema",
      "The store has an older schema: the next start of serve brings it up to date. Its rows were not examined.",
    );
  await examineTrail(examination, options.data);
  return examination;
}

async function examineRows(examination: Examination, snapshot: Snapshot, options: RootKeyOptions): Promise<void> {
  const rootKey = await openRootKey(options);
  const custody = await openCustody({
    store: snapshotDomainKeys(snapshot),
    rootKeys: [rootKey],
    clock: systemClock,
    publicFingerprints: snapshot.facts.kind === "dev",
    warn: (text) => examination.warn("openssl", text),
  });
  try {
    await examineInvariants(examination, snapshot);
    await examineSealed(examination, snapshot, custody);
    await examinePolicies(examination, snapshot);
    await examineRecords(examination, snapshot);
  } finally {
    custody.close();
  }
}

function report({ findings, examined }: Examination, asJson: boolean): void {
  const errors = findings.filter(({ severity }) => severity === "error").length;
  if (errors > 0) process.exitCode = 1;
  if (asJson) {
    process.stdout.write(`${JSON.stringify({ ok: errors === 0, findings, examined })}\n`);
    return;
  }
  for (const { severity, area, message } of findings)
    process.stdout.write(`${severity.padEnd(8)} ${area}: ${message}\n`);
  const looked = Object.entries(examined).map(([what, number]) => `${number} ${what}`);
  process.stdout.write(`Examined ${looked.join(", ")}: ${errors} errors, ${findings.length - errors} warnings.\n`);
}
