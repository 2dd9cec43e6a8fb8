/** What examinations of a store collect: what is wrong, and how much was looked at. */

/** Something that is wrong, or that the operator should know. */
export interface Finding {
  /** Errors make the command fail. */
  readonly severity: "error" | "warning";
  /** What was examined, in a word. */
  readonly area: string;
  /** Names what it is about; holds no secret. */
  readonly message: string;
}

/** Collects findings and what was looked at. */
export class Examination {
  readonly findings: Finding[] = [];
  readonly examined: Record<string, number> = {};

  error(area: string, message: string): void {
    this.findings.push({ severity: "error", area, message });
  }

  warn(area: string, message: string): void {
    this.findings.push({ severity: "warning", area, message });
  }

  count(what: string, number = 1): void {
    this.examined[what] = (this.examined[what] ?? 0) + number;
  }
}

/** Runs a check of one thing; what it throws is an error of that thing. */
export async function examineOne(examination: Examination, area: string, check: () => unknown): Promise<void> {
  try {
    await check();
  } catch (cause) {
    if (!(cause instanceof Error) || cause instanceof TypeError) throw cause;
    examination.error(area, cause.message);
  }
}
