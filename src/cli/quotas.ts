/** `--quotas`: off, AWS's, or those of a file. */

import type { Option } from "commander";
import { DEFAULT_PROFILE, type QuotaProfile } from "../pipeline/quotas.ts";
import { option, readNamedFile } from "./options.ts";

/** `--quotas off|aws|FILE`. */
export function quotasOption(): Option {
  return option(
    "--quotas <what>",
    "request quotas: off, aws for AWS's numbers, or a YAML file of your own; resource quotas are always on",
  ).default("off");
}

/**
 * What the option means.
 *
 * @param increases what becomes of requests for more where no file says it
 * @throws UsageError the file can't be read or is not right
 */
export async function quotaProfile(what: string, increases: QuotaProfile["increases"]): Promise<QuotaProfile> {
  if (what === "off") return { ...DEFAULT_PROFILE, increases };
  if (what === "aws") return { ...DEFAULT_PROFILE, increases, requestRates: "aws" };
  const text = readNamedFile(what);
  return { increases, ...(await import("./quotas-file.ts")).parseQuotas(text) };
}
