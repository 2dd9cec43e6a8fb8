/** `keystead meter`: what accounts are charged for a month by a tariff, as a table or as JSON. */

import type { Kysely } from "kysely";
import { z } from "zod";
import { systemClock } from "../base/clock.ts";
import { type AccountBill, type Bill, type BillLine, billOf } from "../kms/metering/bill.ts";
import { findMonth, monthOf } from "../kms/metering/month.ts";
import { DEFAULT_TARIFF } from "../kms/metering/tariff.ts";
import { SCHEMA_VERSION } from "../storage/migrations.ts";
import type { Schema } from "../storage/schema.ts";
import { METER_PATH } from "./meter-route.ts";
import { openSnapshot, requireStoreAt } from "./open-store.ts";
import { readNamedFile, UsageError } from "./options.ts";
import { askServer, checkedQuestion, parseQuestion } from "./questions.ts";
import { databaseOf } from "./root-keys.ts";
import { parseTariff } from "./tariff-file.ts";

const questionForm = z.strictObject({
  /** Such as `2026-11`; the one that runs, if not given. */
  month: z.string().optional(),
  account: z
    .string()
    .regex(/^[0-9]{12}$/, "an account id has 12 digits")
    .optional(),
  /** The text of a tariff file. */
  tariff: z.string().optional(),
});

/** What is asked. */
export type MeterQuestion = z.output<typeof questionForm>;

interface MeterOptions {
  readonly month?: string;
  readonly account?: string;
  readonly tariff?: string;
  readonly json?: boolean;
  readonly data?: string;
  readonly database?: string;
  readonly endpoint: string;
}

/** As `parseQuestion` of questions.ts. */
export function parseMeterQuestion(body: Uint8Array): MeterQuestion {
  return parseQuestion(questionForm, body);
}

/**
 * The bill that is asked for.
 *
 * @throws UsageError there is no such month, or the tariff is not right
 */
export async function billAsked(
  db: Kysely<Schema>,
  { month, account, tariff }: MeterQuestion,
  now: number,
): Promise<Bill> {
  const named = month === undefined ? monthOf(now) : findMonth(month);
  if (named === undefined) throw new UsageError(`--month takes a month such as 2026-11, not '${month}'.`);
  return await billOf(db, {
    month: named,
    now,
    account,
    tariff: tariff === undefined ? DEFAULT_TARIFF : parseTariff(tariff),
  });
}

/** Prints what is charged; of the store in `--data` or `--database`, else of the development server at `--endpoint`. */
export async function meter(options: MeterOptions): Promise<void> {
  const { data, database, json, month, account, tariff } = options;
  const question = checkedQuestion(questionForm, {
    month,
    account,
    ...(tariff !== undefined && { tariff: readNamedFile(tariff) }),
  });
  const bill =
    data === undefined && database === undefined
      ? (JSON.parse(await askServer(options.endpoint, METER_PATH, question)) as Bill)
      : await readStore(options, question);
  process.stdout.write(json === true ? `${JSON.stringify(bill)}\n` : billText(bill));
}

async function readStore(options: MeterOptions, question: MeterQuestion): Promise<Bill> {
  const place = { data: options.data ?? "", ...databaseOf(options) };
  requireStoreAt(place);
  await using snapshot = await openSnapshot(place);
  if (snapshot.facts.schemaVersion !== SCHEMA_VERSION) {
    throw new UsageError("The store has an older schema: the next start of serve brings it up to date.");
  }
  return await billAsked(snapshot.db, question, systemClock.now());
}

const ITEMS: Readonly<Record<BillLine["item"], string>> = {
  keys: "Customer managed keys",
  rotatedVersions: "Rotated versions",
  requests: "Requests",
  rsa2048: "Requests with RSA_2048 keys",
  asymmetric: "Requests with other asymmetric keys",
  eccDataKeyPair: "Data key pairs, elliptic curves and others",
  rsaDataKeyPair: "Data key pairs, RSA",
};

function billText(bill: Bill): string {
  const { month, hours, until, currency, accounts, amount } = bill;
  return [
    `${month} (UTC), ${hours} hours, up to ${until}, in ${currency}`,
    ...accounts.flatMap((account) => accountText(account)),
    row("All accounts", "", amount),
    "",
  ].join("\n");
}

function accountText({ account, lines, amount }: AccountBill): string[] {
  return [`Account ${account}`, ...lines.map(lineText), row("  Total", "", amount)];
}

function lineText({ item, quantity, unit, free, amount }: BillLine): string {
  const counted = `${quantity} ${unit}${free > 0 ? `, ${free} free` : ""}`;
  return row(`  ${ITEMS[item]}`, counted, amount);
}

function row(what: string, quantity: string, amount: string): string {
  return `${what.padEnd(46)}${quantity.padEnd(34)}${amount.padStart(14)}`;
}
