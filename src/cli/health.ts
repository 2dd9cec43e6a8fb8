/** `/healthz` and `/readyz`: whether the process answers, and whether it can do its work. */

import type { LocalAnswer, Log, Route } from "../gateway/gateway.ts";
import type { ServerParts } from "./parts.ts";

/**
 * The routes of load balancers and supervisors. `/healthz`: the process answers. `/readyz`: the store does, too, and keys
 * can be used: a canary that no API shows is opened, and encrypts and decrypts; and records can be written, without which no
 * request is answered. Else 503 with a reason that gives nothing away.
 */
export function healthRoutes(
  { store, custody, recorder }: Pick<ServerParts, "store" | "custody" | "recorder">,
  log: Log,
): Map<string, Route> {
  const checks = [
    {
      failed: "the store does not answer",
      run: () => store.db.selectFrom("store").select("id").executeTakeFirstOrThrow(),
    },
    { failed: "keys can't be used", run: () => custody.checkCanary() },
    { failed: "records can't be written", run: () => recorder.probe() },
  ];
  return new Map<string, Route>([
    ["/healthz", () => ({ status: 200, body: "ok\n" })],
    [
      "/readyz",
      async (): Promise<LocalAnswer> => {
        for (const { failed, run } of checks) {
          try {
            await run();
          } catch (cause) {
            log.error({ err: cause }, `Not ready: ${failed}.`);
            return { status: 503, body: `not ready: ${failed}\n` };
          }
        }
        return { status: 200, body: "ready\n" };
      },
    ],
  ]);
}
