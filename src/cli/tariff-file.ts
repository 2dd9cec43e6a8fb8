/** The file of `keystead meter --tariff`: prices instead of AWS's. */

import { parse as parseYaml } from "yaml";
import { z } from "zod";
import { findMoney, type Money } from "../kms/metering/money.ts";
import { DEFAULT_TARIFF, REQUEST_KINDS, type Tariff } from "../kms/metering/tariff.ts";
import { UsageError } from "./options.ts";

/** A number in the file is the text that it is written as in short, so that no price passes through binary fractions. */
const price = z.union([z.string(), z.number()]).transform((value, context): Money => {
  const amount = findMoney(String(value));
  if (amount !== undefined) return amount;
  context.addIssue({ code: "custom", message: "a price has up to nine digits, a point, and up to nine digits" });
  return z.NEVER;
});

const count = z.int().min(0).max(1_000_000_000_000);

const tariffFile = z.strictObject({
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, "a currency is like EUR")
    .default(DEFAULT_TARIFF.currency),
  keyMonth: price.default(DEFAULT_TARIFF.keyMonth),
  rotatedVersionMonth: price.default(DEFAULT_TARIFF.rotatedVersionMonth),
  rotatedVersionsMax: count.default(DEFAULT_TARIFF.rotatedVersionsMax),
  freeRequests: count.default(DEFAULT_TARIFF.freeRequests),
  requests: z.partialRecord(z.enum(REQUEST_KINDS), price).default({}),
});

/** @throws UsageError the text is no YAML, or says something that is not there to be said */
export function parseTariff(text: string): Tariff {
  const result = tariffFile.safeParse(parsed(text) ?? {});
  if (!result.success) {
    const places = result.error.issues.map(({ path, message }) => `  ${path.join(".") || "(top)"}: ${message}`);
    throw new UsageError(`The tariff is not right:\n${places.join("\n")}`);
  }
  return { ...result.data, requests: { ...DEFAULT_TARIFF.requests, ...result.data.requests } };
}

function parsed(text: string): unknown {
  try {
    return parseYaml(text, { maxAliasCount: 100 });
  } catch (cause) {
    throw new UsageError(`The tariff is not YAML: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}
