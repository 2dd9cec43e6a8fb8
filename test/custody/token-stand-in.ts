/** Stands in for the process that has a PKCS #11 library, and does what a real token does too seldom: locks, fills up, hangs, dies. */

import type { TokenReply, TokenRequest } from "../../src/custody/pkcs11/requests.ts";

/** How many bytes are asked for says what is to happen. */
export const HANG = 1;
export const DIE = 2;
export const NO_SESSION = 3;
export const LOST_DEVICE = 4;

const codes: ReadonlyMap<number, number> = new Map([
  [NO_SESSION, 0xb1],
  [LOST_DEVICE, 0x32],
]);

if (process.send !== undefined) {
  process.on("message", ({ id, args }: TokenRequest) => {
    const reply = (message: TokenReply) => process.send?.(message);
    if ("pins" in args) {
      // The token's label is what the login returns.
      const code = Number.parseInt(args.token, 16);
      return code === 0 ? reply({ id, value: 0 }) : reply({ id, error: "C_Login", code });
    }
    if ("text" in args) return reply({ id, value: { iv: args.iv, sealed: new Uint8Array(args.text.length + 16) } });
    if (!("lengthBytes" in args) || args.lengthBytes === HANG) return;
    if (args.lengthBytes === DIE) process.exit(7);
    const code = codes.get(args.lengthBytes);
    return code === undefined
      ? reply({ id, value: new Uint8Array(args.lengthBytes) })
      : reply({ id, error: "C_GenerateRandom", code });
  });
  process.once("disconnect", () => process.exit());
}
