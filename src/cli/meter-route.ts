/** `POST /_keystead/meter` of `keystead dev`: what its keys and requests would cost. */

import type { Clock } from "../base/clock.ts";
import type { LocalAnswer, Route } from "../gateway/gateway.ts";
import type { RequestMeter } from "../kms/metering/request-meter.ts";
import type { Store } from "../storage/store.ts";
import { UsageError } from "./options.ts";

export const METER_PATH = "/_keystead/meter";

interface Metered {
  readonly store: Store;
  readonly requestMeter: Pick<RequestMeter, "flush">;
  readonly clock: Clock;
}

/** The route; whoever can reach a development server can use its keys, too. */
export function meterRoutes(metered: Metered): ReadonlyMap<string, Route> {
  return new Map([[METER_PATH, ({ method, body }) => answer({ method, body }, metered)]]);
}

/** What it needs is loaded when somebody asks: most servers are never asked. */
async function answer(
  { method, body }: { readonly method: string; readonly body: Uint8Array },
  { store, requestMeter, clock }: Metered,
): Promise<LocalAnswer> {
  if (method !== "POST") return { status: 405, body: "Use POST.\n" };
  const { billAsked, parseMeterQuestion } = await import("./meter.ts");
  try {
    const question = parseMeterQuestion(body);
    await requestMeter.flush();
    const bill = await billAsked(store.db, question, clock.now());
    return { status: 200, contentType: "application/json", body: JSON.stringify(bill) };
  } catch (cause) {
    if (cause instanceof UsageError) return { status: 400, body: `${cause.message}\n` };
    throw cause;
  }
}
