/** Looks again while a store is on its way into a state. */

import { useEffect } from "react";
import { isPassing, type KeyStore } from "../model/key-stores.ts";

const AGAIN_MS = 1_000;

/** Reloads, a moment after the last answer, as long as one of the stores is being connected or disconnected. */
export function useSettling(stores: readonly KeyStore[] | undefined, reload: () => void): void {
  useEffect(() => {
    if (!stores?.some(({ ConnectionState }) => isPassing(ConnectionState))) return;
    const timer = window.setTimeout(reload, AGAIN_MS);
    return () => window.clearTimeout(timer);
  }, [stores, reload]);
}
