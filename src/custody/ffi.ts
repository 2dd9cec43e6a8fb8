/** `node:ffi`, where this Node has it and the process may use it. */

type Ffi = typeof import("node:ffi");

/** Node warns at every start that its ffi is experimental, which is our concern (ARCHITECTURE.md) and not the operator's. */
export function findFfi(): Ffi | undefined {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return process.getBuiltinModule("node:ffi") as Ffi | undefined;
  } finally {
    process.emitWarning = emitWarning;
  }
}
