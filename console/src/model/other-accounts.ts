/** The ids of other accounts that a user types. */

/** What is wrong with an account id, or undefined. */
export function accountProblem(
  id: string,
  { ownAccount, others }: { readonly ownAccount: string; readonly others: readonly string[] },
): string | undefined {
  if (!/^\d{12}$/.test(id)) return "An account ID has 12 digits.";
  if (id === ownAccount) return "This is the key's own account.";
  return others.includes(id) ? "This account is already in the list." : undefined;
}

/** Whether a list may be sent: each id is sound and there once; fields left empty count for nothing. */
export function areAccountsSound(accounts: readonly string[], ownAccount: string): boolean {
  const given = accounts.filter((id) => id !== "");
  return given.every(
    (id, index) => accountProblem(id, { ownAccount, others: given.toSpliced(index, 1) }) === undefined,
  );
}
