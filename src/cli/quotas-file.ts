/** The file of `--quotas`: what holds instead of AWS's quotas, for everybody or for accounts and Regions. */

import { parse as parseYaml } from "yaml";
import { z } from "zod";
import { lookupQuota } from "../audit/api/lookup-events.ts";
import { findPartition } from "../base/arn.ts";
import { kmsQuotas } from "../kms/quotas/limits.ts";
import type { QuotaProfile, QuotaSetting } from "../pipeline/quotas.ts";
import { UsageError } from "./options.ts";

const count = z.number().min(0).max(10_000_000_000);
const rate = z.strictObject({
  requests: z.int().min(0).max(1_000_000_000),
  seconds: z.number().min(0.001).max(86_400),
});

const quotasByName = new Map(
  [...kmsQuotas, lookupQuota].flatMap((quota) => [quota.code, quota.name].map((name) => [name, quota])),
);

const values = z.record(z.string(), z.union([count, rate])).superRefine((named, context) => {
  for (const [name, value] of Object.entries(named)) {
    const quota = quotasByName.get(name);
    const message =
      quota === undefined
        ? "no quota of KMS has this name or code"
        : quota.kind === "resource" && !Number.isInteger(value)
          ? "a resource quota is a whole number"
          : undefined;
    if (message !== undefined) context.addIssue({ code: "custom", path: [name], message });
  }
});

const quotasFile = z.strictObject({
  requestRates: z.enum(["aws", "off"]).default("off"),
  increases: z.enum(["approve", "hold"]).optional(),
  nodes: z.int().min(1).max(10_000).default(1),
  quotas: z
    .array(
      z.strictObject({
        account: z
          .string()
          .regex(/^[0-9]{12}$/, "an account id has 12 digits; put it in quotes")
          .optional(),
        region: z
          .string()
          .refine((region) => findPartition(region) !== undefined, "no Region of AWS")
          .optional(),
        values,
      }),
    )
    .default([]),
});

/** @throws UsageError the text is no YAML, or says something that is not there to be said */
export function parseQuotas(text: string): Omit<QuotaProfile, "increases"> & Partial<Pick<QuotaProfile, "increases">> {
  const result = quotasFile.safeParse(parsed(text));
  if (!result.success) {
    const places = result.error.issues.map(({ path, message }) => `  ${path.join(".") || "(top)"}: ${message}`);
    throw new UsageError(`The quotas file is not right:\n${places.join("\n")}`);
  }
  const { requestRates, increases, nodes, quotas } = result.data;
  const settings = quotas.flatMap(({ account, region, values }) =>
    Object.entries(values).map(
      ([name, value]): QuotaSetting => ({
        code: quotasByName.get(name)?.code ?? name,
        ...(account !== undefined && { account }),
        ...(region !== undefined && { region }),
        value,
      }),
    ),
  );
  return { requestRates, processes: nodes, settings, ...(increases !== undefined && { increases }) };
}

function parsed(text: string): unknown {
  try {
    return parseYaml(text, { maxAliasCount: 100 });
  } catch (cause) {
    throw new UsageError(`The quotas file is not YAML: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}
