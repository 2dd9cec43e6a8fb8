/** Sums of money, exactly: whole numbers of billionths. */

declare const brand: unique symbol;

/** Billionths of the currency. */
export type Money = bigint & { readonly [brand]: "Money" };

const DIGITS = 9;
const UNIT = 10n ** BigInt(DIGITS);
const AMOUNT = /^(?<whole>[0-9]{1,9})(?:\.(?<fraction>[0-9]{1,9}))?$/;

/** Reads `12.5`; undefined where a text is no amount. */
export function findMoney(text: string): Money | undefined {
  const { whole, fraction = "" } = AMOUNT.exec(text)?.groups ?? {};
  if (whole === undefined) return undefined;
  return (BigInt(whole) * UNIT + BigInt(fraction.padEnd(DIGITS, "0"))) as Money;
}

/** An amount that a table of ours names. @throws RangeError the text is none */
export function money(text: string): Money {
  const amount = findMoney(text);
  if (amount === undefined) throw new RangeError(`${text} is no amount.`);
  return amount;
}

export function sum(amounts: readonly Money[]): Money {
  return amounts.reduce((total, amount) => total + amount, 0n) as Money;
}

/** `count` times a price that is for `per` of them, rounded to a billionth, half up. */
export function priced(price: Money, count: number, per: number): Money {
  const divisor = BigInt(per);
  return ((2n * price * BigInt(count) + divisor) / (2n * divisor)) as Money;
}

/** With all its digits, at least two: `0.03`, `0.0027`. */
export function exactText(amount: Money): string {
  const fraction = (amount % UNIT).toString().padStart(DIGITS, "0");
  return `${amount / UNIT}.${fraction.replace(/0{1,7}$/, "")}`;
}

/** To a hundredth, half up: `3.69`. */
export function roundedText(amount: Money): string {
  const hundredths = priced(amount, 1, Number(UNIT / 100n));
  return `${hundredths / 100n}.${(hundredths % 100n).toString().padStart(2, "0")}`;
}
