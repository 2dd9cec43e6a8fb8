/** Loads what a page shows, and again when it is told to. */

import { useCallback, useEffect, useState } from "react";
import { type Failure, failureOf } from "../model/failures.ts";

export interface Loaded<T> {
  readonly value: T | undefined;
  readonly failure: Failure | undefined;
  readonly loading: boolean;
  reload(): void;
}

/**
 * Loads with a function that `useCallback` made: it is called when it changes. What is asked for by an older one is dropped; what
 * is loaded stays until its successor is there.
 */
export function useLoaded<T>(load: () => Promise<T>, action?: string): Loaded<T> {
  const [turn, setTurn] = useState(0);
  const [state, setState] = useState<{ value?: T; failure?: Failure; loading: boolean }>({ loading: true });
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new turn asks again
  useEffect(() => {
    let isCurrent = true;
    setState(({ value }) => ({ ...(value !== undefined && { value }), loading: true }));
    load().then(
      (value) => isCurrent && setState({ value, loading: false }),
      (cause: unknown) => isCurrent && setState({ failure: failureOf(cause, action), loading: false }),
    );
    return () => {
      isCurrent = false;
    };
  }, [load, action, turn]);
  const reload = useCallback(() => setTurn((last) => last + 1), []);
  return { value: state.value, failure: state.failure, loading: state.loading, reload };
}
