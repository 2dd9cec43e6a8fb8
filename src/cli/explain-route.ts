/** `POST /_keystead/explain` of `keystead dev`: why a request would be allowed or denied. */

import type { Clock } from "../base/clock.ts";
import type { LocalAnswer, Route } from "../gateway/gateway.ts";
import type { Store } from "../storage/store.ts";
import { UsageError } from "./options.ts";

export const EXPLAIN_PATH = "/_keystead/explain";

/** The route; it shows policies, which everybody who can reach a development server may see anyway. */
export function explainRoutes(store: Store, clock: Clock): ReadonlyMap<string, Route> {
  return new Map([[EXPLAIN_PATH, ({ method, body }) => answer({ method, body }, store, clock)]]);
}

/** What it needs is loaded when somebody asks: most servers are never asked. */
async function answer(
  { method, body }: { readonly method: string; readonly body: Uint8Array },
  store: Store,
  clock: Clock,
): Promise<LocalAnswer> {
  if (method !== "POST") return { status: 405, body: "Use POST.\n" };
  const { explainText, parseExplainQuestion } = await import("./explain.ts");
  try {
    return { status: 200, body: await explainText(store, parseExplainQuestion(body), clock.now()) };
  } catch (cause) {
    if (cause instanceof UsageError) return { status: 400, body: `${cause.message}\n` };
    throw cause;
  }
}
