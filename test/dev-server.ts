/** Development servers for tests that ask them over the network alone: in a host where the test runner has one. */

import {
  devCommand,
  type Keystead,
  type StartOptions,
  serverPrinting,
  startKeystead,
  withoutOptions,
} from "../src/testing.ts";
import { hasHost, runHosted } from "./hosting/hosted.ts";

/** A server whose process is nobody's business. */
export type DevServer = Omit<Keystead, "process" | "log">;

/** Starts `keystead dev` as `startKeystead` does. Rejects, with what it wrote, when it does not become ready. */
export async function startDevServer({ args = [], env = {} }: StartOptions = {}): Promise<DevServer> {
  if (!hasHost()) return await startKeystead({ args, env });
  const command = await devCommand(args);
  const run = await runHosted(command.args, {
    ...withoutOptions(process.env),
    KEYSTEAD_NO_READY_PAIRS: "true",
    ...env,
  });
  const { code, stdout, stderr } = run.ended;
  if (!run.isServing) throw new Error(`Keystead did not start: it ended with ${code}\n${stdout}${stderr}`);
  const end = async (): Promise<void> => {
    await run.stop();
    await command.remove();
  };
  let ended: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    ended ??= end();
    return ended;
  };
  return { ...serverPrinting(stdout), stop, [Symbol.asyncDispose]: stop };
}
