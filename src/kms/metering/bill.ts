/** What accounts are charged for a month: keys by the hour, requests by their kind (AWS KMS pricing; spec 08, SC-21). */

import type { Kysely } from "kysely";
import { type ChargedKey, chargedKeys, listRequests } from "../../storage/meter.ts";
import type { RequestCountRow } from "../../storage/meter-schema.ts";
import type { Schema } from "../../storage/schema.ts";
import { exactText, type Money, priced, roundedText, sum } from "./money.ts";
import { hoursBetween, type Month } from "./month.ts";
import { REQUEST_KINDS, REQUESTS_PER_PRICE, type RequestKind, requestKind, type Tariff } from "./tariff.ts";

/** A sum of money. */
export interface Charged {
  /** To a hundredth, such as `3.69`. */
  readonly amount: string;
  /** With all its digits. */
  readonly exact: string;
}

/** One thing that is charged. */
export interface BillLine extends Charged {
  readonly item: "keys" | "rotatedVersions" | RequestKind;
  /** Hours of keys or versions, or requests. */
  readonly quantity: number;
  readonly unit: "hours" | "requests";
  /** Of the quantity, what is free. */
  readonly free: number;
}

export interface AccountBill extends Charged {
  readonly account: string;
  readonly lines: readonly BillLine[];
  /** What was counted. */
  readonly requests: readonly Omit<RequestCountRow, "month" | "account">[];
}

export interface Bill extends Charged {
  readonly month: string;
  /** Of the month. */
  readonly hours: number;
  /** Up to when keys are counted: the end of the month, or now. ISO 8601. */
  readonly until: string;
  readonly currency: string;
  /** Those with something to be charged, or that would be but for what is free. */
  readonly accounts: readonly AccountBill[];
}

export interface BillQuestion {
  readonly month: Month;
  /** Milliseconds since the epoch: what comes later is not charged yet. */
  readonly now: number;
  readonly tariff: Tariff;
  /** Of all accounts if not given. */
  readonly account?: string | undefined;
}

/** Hours of an account. */
interface Hours {
  keys: number;
  versions: number;
}

/** The bills of a month. Keys that were scheduled for deletion and called back are charged as if they had never been. */
export async function billOf(db: Kysely<Schema>, { month, now, tariff, account }: BillQuestion): Promise<Bill> {
  const period = { from: month.from, until: Math.max(month.from, Math.min(month.until, now)) };
  const hours = new Map<string, Hours>();
  for await (const key of chargedKeys(db, { ...period, account })) {
    const ofAccount = hours.getOrInsertComputed(key.account, () => ({ keys: 0, versions: 0 }));
    ofAccount.keys += keyHours(key, key.createdAt, period);
    for (const rotatedAt of key.rotations.slice(0, tariff.rotatedVersionsMax)) {
      ofAccount.versions += keyHours(key, Math.max(key.createdAt, rotatedAt), period);
    }
  }
  const requests = Map.groupBy(await listRequests(db, month.name, account), (row) => row.account);
  const monthHours = hoursBetween(month.from, month.until);
  const bills = [...new Set([...hours.keys(), ...requests.keys()])].sort().map((id) => {
    const { keys, versions } = hours.get(id) ?? { keys: 0, versions: 0 };
    const counted = requests.get(id) ?? [];
    const lines = [
      lineOf({ item: "keys", unit: "hours", quantity: keys, price: tariff.keyMonth, per: monthHours }),
      lineOf({
        item: "rotatedVersions",
        unit: "hours",
        quantity: versions,
        price: tariff.rotatedVersionMonth,
        per: monthHours,
      }),
      ...requestLines(counted, tariff),
    ].filter(({ line: { quantity } }) => quantity > 0);
    return { account: id, lines, counted, money: sum(lines.map(({ money }) => money)) };
  });
  return {
    month: month.name,
    hours: monthHours,
    until: new Date(period.until).toISOString(),
    currency: tariff.currency,
    accounts: bills
      .filter(({ lines }) => lines.length > 0)
      .map(({ account: id, lines, counted, money }) => ({
        account: id,
        lines: lines.map(({ line }) => line),
        ...charged(money),
        requests: counted.map(({ month: _month, account: _account, ...counts }) => counts),
      })),
    ...charged(sum(bills.map(({ money }) => money))),
  };
}

interface Period {
  readonly from: number;
  readonly until: number;
}

/** Hours of a period for which a key is charged that has been there, or had a version, since a moment. */
function keyHours({ endedAt = Number.POSITIVE_INFINITY }: ChargedKey, since: number, { from, until }: Period): number {
  return hoursBetween(Math.max(from, since), Math.min(until, endedAt));
}

function requestLines(counted: readonly RequestCountRow[], { requests, freeRequests }: Tariff) {
  return REQUEST_KINDS.map((item) => {
    const ofKind = counted.filter((row) => requestKind(row) === item);
    const quantity = ofKind.reduce((count, row) => count + row.requests, 0);
    const free = item === "requests" ? Math.min(quantity, freeRequests) : 0;
    return lineOf({ item, unit: "requests", quantity, free, price: requests[item], per: REQUESTS_PER_PRICE });
  });
}

/** A line, and what it comes to. */
function lineOf({
  price,
  per,
  free = 0,
  ...counted
}: Pick<BillLine, "item" | "unit" | "quantity"> & {
  readonly free?: number;
  readonly price: Money;
  readonly per: number;
}): { readonly line: BillLine; readonly money: Money } {
  const money = priced(price, counted.quantity - free, per);
  return { line: { ...counted, free, ...charged(money) }, money };
}

function charged(money: Money): Charged {
  return { amount: roundedText(money), exact: exactText(money) };
}
