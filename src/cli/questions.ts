/** Questions about a store that commands answer from the disk, or have a development server answer. */

import { z } from "zod";
import { UsageError } from "./options.ts";

/**
 * Reads a question that came as JSON.
 *
 * @throws UsageError it is none
 */
export function parseQuestion<T>(form: z.ZodType<T>, body: Uint8Array): T {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(body).toString("utf8"));
  } catch (cause) {
    throw new UsageError("The question is no JSON.", { cause });
  }
  return checkedQuestion(form, json);
}

/** @throws UsageError it is no question of that form */
export function checkedQuestion<T>(form: z.ZodType<T>, json: unknown): T {
  const asked = form.safeParse(json);
  if (!asked.success) throw new UsageError(z.prettifyError(asked.error));
  return asked.data;
}

/**
 * Asks the development server at `endpoint`.
 *
 * @returns the body of its answer
 * @throws UsageError none answers there, or it refuses the question
 */
export async function askServer(endpoint: string, path: string, question: unknown): Promise<string> {
  let response: Response;
  try {
    response = await fetch(new URL(path, endpoint), { method: "POST", body: JSON.stringify(question) });
  } catch (cause) {
    throw new UsageError(`No development server answers at ${endpoint}; for a store on disk give --data.`, { cause });
  }
  const text = await response.text();
  if (response.status === 404) throw new UsageError(`${endpoint} is no development server; for a store give --data.`);
  if (!response.ok) throw new UsageError(text.trim());
  return text;
}
