/** What the service manager that started a server is told of it: that it is ready, and that it ends (sd_notify(3)). */

import { findFfi } from "../custody/ffi.ts";
import type { Log } from "../gateway/gateway.ts";

/** What is told, in the words of the protocol. */
export type ServiceState = "READY=1" | "STOPPING=1";

/** The socket functions of the C library, since Node has no datagram sockets of files. */
const definitions = {
  socket: { return: "i32", arguments: ["i32", "i32", "i32"] },
  sendto: { return: "i64", arguments: ["i32", "pointer", "u64", "i32", "pointer", "u32"] },
  close: { return: "i32", arguments: ["i32"] },
} as const;

/** Of Linux, the same on every processor that there is a package of Node for. */
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_NOSIGNAL = 0x4000;

/**
 * Tells the service manager, where there is one that wants to know; the log says when it can't be told.
 *
 * @param path the value of NOTIFY_SOCKET, which systemd sets for units of `Type=notify`
 */
export function tellServiceManager(path: string | undefined, state: ServiceState, log: Log): void {
  if (path === undefined || path === "") return;
  try {
    send(path, new TextEncoder().encode(state));
  } catch (cause) {
    log.warn({ err: cause }, `The service manager at ${path} could not be told ${state}.`);
  }
}

function send(path: string, message: Uint8Array): void {
  const { socket, sendto, close } = requireFfi().dlopen(null, definitions).functions;
  const descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) throw new Error("There is no socket to be had.");
  try {
    const address = socketAddress(path);
    const sent = sendto(descriptor, message, BigInt(message.length), MSG_NOSIGNAL, address, address.length);
    if (sent !== BigInt(message.length)) throw new Error("The socket did not take the message.");
  } finally {
    close(descriptor);
  }
}

function requireFfi(): NonNullable<ReturnType<typeof findFfi>> {
  const ffi = findFfi();
  if (ffi === undefined) throw new Error("This process has no node:ffi.");
  return ffi;
}

/**
 * The address of a socket as the kernel takes it (unix(7)).
 *
 * @returns the family in the machine's order (2 bytes) ‖ the path and a zero byte; an abstract name, written with `@`, has its
 *   zero byte in front instead
 */
function socketAddress(path: string): Uint8Array {
  const bytes = new TextEncoder().encode(path.startsWith("@") ? `\0${path.slice(1)}` : `${path}\0`);
  const address = new Uint8Array(2 + bytes.length);
  new Uint16Array(address.buffer, 0, 1)[0] = AF_UNIX;
  address.set(bytes, 2);
  return address;
}
