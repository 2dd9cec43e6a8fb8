/** The wizard "Create key", filled in as a user would. */

import type { Page } from "playwright-core";

export interface WizardKey {
  readonly type?: "Asymmetric";
  /** As the console calls it. */
  readonly usage?: string;
  readonly spec?: string;
  readonly origin?: "External (Import key material)";
  readonly multiRegion?: true;
  readonly alias: string;
  readonly description?: string;
  readonly tags?: Readonly<Record<string, string>>;
  /** Names of users and roles. */
  readonly administrators?: readonly string[];
  readonly administratorsMayNotDelete?: true;
  readonly users?: readonly string[];
  readonly otherAccounts?: readonly string[];
}

/** Creates a key from the list of keys on, and returns when what comes after is shown. */
export async function createKey(page: Page, key: WizardKey): Promise<void> {
  await fillIn(page, key);
  await page.getByRole("button", { name: "Finish" }).click();
  await page.getByText(`Key ${key.alias} was created`).waitFor();
}

/** Goes from the list of keys to the wizard's last step. */
export async function fillIn(page: Page, key: WizardKey): Promise<void> {
  await page.getByRole("button", { name: "Create key" }).click();
  await configure(page, key);
  await next(page);
  await label(page, key);
  await next(page);
  await tick(page, "Key administrators", key.administrators);
  if (key.administratorsMayNotDelete) {
    await page.getByRole("checkbox", { name: "Allow key administrators to delete this key." }).uncheck();
  }
  await next(page);
  await tick(page, "Key users", key.users);
  for (const [index, account] of (key.otherAccounts ?? []).entries()) {
    await page.getByRole("button", { name: "Add another AWS account" }).click();
    await page.getByRole("textbox", { name: `Account ID ${index + 1}` }).fill(account);
  }
  await next(page);
}

/** The wizard's next step. */
export async function next(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Next", exact: true }).click();
}

/** The first step. */
async function configure(page: Page, { type, usage, spec, origin, multiRegion }: WizardKey): Promise<void> {
  if (type !== undefined) await page.getByRole("radio", { name: type }).check();
  if (usage !== undefined) await page.getByRole("radio", { name: usage }).check();
  if (spec !== undefined) await page.getByRole("radio", { name: spec, exact: true }).check();
  if (origin === undefined && multiRegion === undefined) return;
  await page.getByRole("button", { name: "Advanced options" }).click();
  if (origin !== undefined) {
    await page.getByRole("radio", { name: origin }).check();
    await page.getByRole("checkbox", { name: /^I understand the security and durability/ }).check();
  }
  if (multiRegion) await page.getByRole("radio", { name: "Multi-Region key" }).check();
}

async function label(page: Page, { alias, description, tags = {} }: WizardKey): Promise<void> {
  await page.getByRole("textbox", { name: "Alias" }).fill(alias);
  if (description !== undefined) await page.getByRole("textbox", { name: "Description" }).fill(description);
  for (const [index, [key, value]] of Object.entries(tags).entries()) {
    await page.getByRole("button", { name: "Add tag" }).click();
    await page.getByRole("textbox", { name: `Tag key ${index + 1}` }).fill(key);
    await page.getByRole("textbox", { name: `Tag value ${index + 1}` }).fill(value);
  }
}

/** Ticks users and roles in a table. */
export async function tick(page: Page, table: string, names: readonly string[] = []): Promise<void> {
  for (const name of names) await page.getByRole("checkbox", { name: `${table}: ${name}`, exact: true }).check();
}
