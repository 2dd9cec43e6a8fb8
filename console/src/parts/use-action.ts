/** Does what a button asks, once at a time, and keeps what went wrong. */

import { useCallback, useState } from "react";
import { type Failure, failureOf } from "../model/failures.ts";

export interface Action {
  readonly busy: boolean;
  readonly failure: Failure | undefined;
  /** Does it; tells afterwards whether it was done. */
  run(work: () => Promise<void>, action?: string): Promise<boolean>;
  clear(): void;
}

export function useAction(): Action {
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure>();
  const run = useCallback(async (work: () => Promise<void>, action?: string): Promise<boolean> => {
    setBusy(true);
    setFailure(undefined);
    try {
      await work();
      return true;
    } catch (cause) {
      setFailure(failureOf(cause, action));
      return false;
    } finally {
      setBusy(false);
    }
  }, []);
  const clear = useCallback(() => setFailure(undefined), []);
  return { busy, failure, run, clear };
}
