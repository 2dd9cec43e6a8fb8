/** Where the modules lie that threads and processes begin with: source files in a checkout, bundles in what is published. */

/** Modules that run in a thread or process of their own; `npm run build` makes a bundle of each. */
export const THREAD_MODULES = [
  "audit/history/index-worker.ts",
  "custody/key-worker.ts",
  "custody/pkcs11/token-process.ts",
  "storage/writer-worker.ts",
] as const;

/**
 * The URL of such a module: its source in a checkout, and in the published package, where all bundles lie side by side, the
 * bundle of its name.
 */
export function entryPoint(module: (typeof THREAD_MODULES)[number]): URL {
  if (import.meta.url.endsWith(".ts")) return new URL(`../${module}`, import.meta.url);
  return new URL(module.replace(/^.*\/(.*)\.ts$/, "./$1.js"), import.meta.url);
}
