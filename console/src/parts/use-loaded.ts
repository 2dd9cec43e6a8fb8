/** Loads what a page shows, and again when it is told to. */

import { useCallback, useEffect, useState } from "react";
import { type Failure, failureOf } from "../model/failures.ts";

export interface Loaded<T> {
  readonly value: T | undefined;
  readonly failure: Failure | undefined;
  readonly loading: boolean;
  reload(): void;
}

interface State<T> {
  /** What was asked for. */
  readonly load?: () => Promise<T>;
  readonly value?: T;
  readonly failure?: Failure;
  readonly loading: boolean;
}

/**
 * Loads with a function that `useCallback` made. When it is another one, what the earlier one loaded is gone at once; when it is the
 * same and told to reload, what it loaded stays until its successor is there.
 */
export function useLoaded<T>(load: () => Promise<T>, action?: string): Loaded<T> {
  const [turn, setTurn] = useState(0);
  const [state, setState] = useState<State<T>>({ loading: true });
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new turn asks again
  useEffect(() => {
    let isCurrent = true;
    setState((last) => ({ ...(last.load === load ? last : {}), load, loading: true }));
    load().then(
      (value) => isCurrent && setState({ load, value, loading: false }),
      (cause: unknown) => isCurrent && setState({ load, failure: failureOf(cause, action), loading: false }),
    );
    return () => {
      isCurrent = false;
    };
  }, [load, action, turn]);
  const reload = useCallback(() => setTurn((last) => last + 1), []);
  const { value, failure, loading }: State<T> = state.load === load ? state : { loading: true };
  return { value, failure, loading, reload };
}
