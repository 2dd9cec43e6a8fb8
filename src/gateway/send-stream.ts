/** Sends bodies that are too long to be in memory at once, as fast as they are read and no faster. */

import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { BodyStream } from "../wire/protocol.ts";
import { LIMITS } from "./limits.ts";

/**
 * Sends a body whose length the head has told. A reader who takes nothing for a while is cut off; so is one whose body can't be read to
 * its end, since the answer's status is with him by then.
 *
 * @throws Error what the body itself throws; the answer is cut off by then
 */
export async function sendStream(response: ServerResponse, body: BodyStream): Promise<void> {
  try {
    for await (const chunk of body.chunks()) {
      if (response.destroyed) return;
      if (!response.write(chunk)) await untilTaken(response);
    }
    response.end();
  } catch (cause) {
    response.destroy();
    throw cause;
  }
}

async function untilTaken(response: ServerResponse): Promise<void> {
  const ended = new AbortController();
  const timer = setTimeout(() => response.destroy(), LIMITS.answerTimeout);
  timer.unref();
  const events = ["drain", "close"].map((name) =>
    once(response, name, { signal: ended.signal }).catch(() => undefined),
  );
  try {
    await Promise.race(events);
  } finally {
    clearTimeout(timer);
    ended.abort();
  }
}
