/**
 * A process that has Keystead loaded, and runs its commands for tests: a start in it takes a tenth of the time of a process.
 *
 * It listens on the socket that its argument names, for lines of JSON (`messages.ts`). What a connection has started ends with
 * it. Every command gets a `process` of its own (`virtual-process.ts`) and else is the published bundle.
 */

import { createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { MAIN } from "../../src/testing-main.ts";
import type { Asked, Told } from "./messages.ts";
import { Program, shareProcess } from "./virtual-process.ts";

let started = 0;
let connections = 0;

function serve(socket: Socket): void {
  const servers = new Map<number, Program>();
  const tell = (told: Told): void => {
    if (!socket.destroyed) socket.write(`${JSON.stringify(told)}\n`);
  };
  connections += 1;
  tell({ kind: "welcome", connections });
  const answer = async (asked: Asked): Promise<void> => {
    if (asked.kind === "run") await run(asked, servers, tell);
    else await end(asked.id, servers, tell);
  };
  createInterface(socket).on("line", (line) => void answer(JSON.parse(line) as Asked));
  socket.on("error", () => undefined);
  socket.once("close", () => {
    connections -= 1;
    for (const id of servers.keys()) void end(id, servers, tell);
  });
}

/** Evaluates the command's module anew, which is the command: what it imports is there already. */
async function run(
  { id, args, env }: Extract<Asked, { kind: "run" }>,
  servers: Map<number, Program>,
  tell: (told: Told) => void,
): Promise<void> {
  const program = new Program([process.execPath, MAIN, ...args], env);
  started += 1;
  await program.run(() => import(`${pathToFileURL(MAIN).href}?start=${started}`));
  if (program.isServing) {
    servers.set(id, program);
    tell({ kind: "serving", id, ...program.ended });
  } else {
    tell({ kind: "ended", id, ...program.ended });
  }
}

async function end(id: number, servers: Map<number, Program>, tell: (told: Told) => void): Promise<void> {
  const program = servers.get(id);
  servers.delete(id);
  if (program === undefined) return;
  await program.terminate();
  tell({ kind: "ended", id, ...program.ended });
}

shareProcess();
const [path = ""] = process.argv.slice(2);
createServer(serve).listen(path, () => process.send?.("listening"));
process.once("disconnect", () => process.exit());
