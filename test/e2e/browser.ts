/** A browser in front of a server with the console, for tests that click: built once, one browser and one server for a file. */

import assert from "node:assert/strict";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { buildConsole } from "../../build/console.ts";
import type { AccessKey } from "../faults/signed-requests.ts";
import { type IamWorld, startIamWorld } from "../iam-world.ts";
import { REGION } from "../kms-client.ts";
import { CHROMIUM } from "../tools.ts";

/** How long a page may take to show what it is to show. */
const SHOWN_MS_MAX = 60_000;

/** A server, a browser, and pages of people who are signed in. */
export interface ConsoleWorld extends IamWorld {
  /** A page in a context of its own: its storage is nobody else's. */
  page(): Promise<Page>;
  /** A page of whoever has this access key, on the list of customer managed keys. */
  signedIn(key?: AccessKey, region?: string): Promise<Page>;
  /** The address of a page of the console, such as `keys/create`. */
  address(path: string, region?: string): string;
  /** What pages complained of so far: errors of scripts, refusals by the page's policy. */
  readonly complaints: readonly string[];
}

/** Builds the console where its sources changed, and starts a server, with further arguments of `keystead dev`, and a browser. */
export async function startConsoleWorld(args: readonly string[] = []): Promise<ConsoleWorld> {
  await buildConsole();
  const world = await startIamWorld(args);
  const browser: Browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
  });
  const complaints: string[] = [];
  const contexts: BrowserContext[] = [];
  const { endpoint, credentials } = world.server;
  const address = (path: string, region = REGION): string => `${endpoint}/console/#/${region}/kms/${path}`;
  const page = async (): Promise<Page> => {
    const context = await browser.newContext({
      viewport: { width: 1400, height: 1000 },
      reducedMotion: "reduce",
      permissions: ["clipboard-read", "clipboard-write"],
    });
    contexts.push(context);
    const made = await context.newPage();
    made.setDefaultTimeout(SHOWN_MS_MAX);
    made.on("pageerror", (error) => complaints.push(error.message));
    made.on("console", (message) => {
      const text = message.text();
      // The browser tells of every answer that is an error; those are the API's, and the page shows them.
      if (message.type() === "error" && !text.startsWith("Failed to load resource")) complaints.push(text);
    });
    return made;
  };
  const stop = async (): Promise<void> => {
    await browser.close();
    await world.stop();
  };
  return {
    ...world,
    complaints,
    page,
    address,
    async signedIn(key = credentials, region = REGION) {
      const made = await page();
      await made.goto(`${endpoint}/console/`);
      await signIn(made, key, region);
      return made;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Signs in on the page that asks for it, and waits for the list of keys. */
export async function signIn(page: Page, key: AccessKey & { sessionToken?: string }, region = REGION): Promise<void> {
  await page.getByLabel("Access key ID").fill(key.accessKeyId);
  await page.getByLabel("Secret access key").fill(key.secretAccessKey);
  if (key.sessionToken !== undefined) await page.getByLabel("Session token").fill(key.sessionToken);
  if (region !== REGION) {
    await page.getByRole("button", { name: /^Region/ }).click();
    await page.getByRole("option", { name: region }).click();
  }
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: /^Customer managed keys/ }).waitFor();
}

/** Signs out and in as somebody else. */
export async function switchTo(page: Page, key: AccessKey, region = REGION): Promise<void> {
  await signOut(page);
  await signIn(page, key, region);
}

/** Leaves a page with nobody signed in. */
export async function signOut(page: Page): Promise<void> {
  await page.getByRole("button", { name: / @ \d{12}/ }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.getByRole("button", { name: "Sign in" }).waitFor();
}

/** The texts of a table's column, by its header, in the order of the rows. */
export async function columnOf(page: Page, table: string, header: string): Promise<readonly string[]> {
  const headers = await page.getByRole("table", { name: table }).getByRole("columnheader").allTextContents();
  const index = headers.findIndex((text) => text.trim() === header);
  assert.notEqual(index, -1, `${table} has no column ${header}`);
  const cells = page.getByRole("table", { name: table }).locator(`tbody tr > :nth-child(${index + 1})`);
  return (await cells.allTextContents()).map((text) => text.trim());
}

const CONTROLS = [
  "button",
  "checkbox",
  "combobox",
  "link",
  "menuitem",
  "radio",
  "spinbutton",
  "tab",
  "table",
  "textbox",
];

/** The controls of a page that have no name for whoever does not see them, by their roles. */
export async function namelessControls(page: Page): Promise<readonly string[]> {
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send("Accessibility.getFullAXTree");
  await session.detach();
  const roles = nodes.flatMap(({ ignored, role, name }) => (ignored || name?.value ? [] : String(role?.value)));
  return roles.filter((role) => CONTROLS.includes(role));
}

/** Waits until something is as it is to be; pages have no moment at which they are done. */
export async function eventually(check: () => Promise<void>): Promise<void> {
  const end = performance.now() + SHOWN_MS_MAX;
  for (;;) {
    try {
      return await check();
    } catch (cause) {
      if (!(cause instanceof assert.AssertionError) || performance.now() > end) throw cause;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
