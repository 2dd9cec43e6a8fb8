/** The keys of a table as they become known. */

import { useCallback, useEffect, useState } from "react";
import { describeRows, listKeys, withStoreNames } from "../api/list-keys.ts";
import type { Failure } from "../model/failures.ts";
import { isAwsManaged, type KeyRow } from "../model/key-rows.ts";
import { useConsole } from "../session/use-console.ts";

export interface Keys {
  readonly rows: readonly KeyRow[];
  readonly failures: readonly Failure[];
  readonly loading: boolean;
  reload(): void;
}

export function useKeys(manager: "customer" | "aws"): Keys {
  const { clients } = useConsole();
  const [turn, setTurn] = useState(0);
  const [state, setState] = useState<Omit<Keys, "reload">>({ rows: [], failures: [], loading: true });
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new turn asks again
  useEffect(() => {
    let isCurrent = true;
    setState((last) => ({ ...last, loading: true }));
    const load = async (): Promise<void> => {
      const { rows, failures } = await listKeys(clients);
      if (!isCurrent) return;
      const mine = rows.filter((row) => isAwsManaged(row) === (manager === "aws"));
      setState(({ rows: before }) => ({ rows: withOldMetadata(mine, before), failures, loading: false }));
      let described: readonly KeyRow[] = mine;
      await describeRows(clients.kms, mine, (next) => {
        described = next;
        if (isCurrent) setState((last) => ({ ...last, rows: described }));
        return isCurrent;
      });
      if (!described.some(({ metadata }) => metadata?.CustomKeyStoreId !== undefined)) return;
      const named = await withStoreNames(clients.kms, described);
      if (isCurrent) setState((last) => ({ ...last, rows: named.rows, failures: [...failures, ...named.failures] }));
    };
    void load();
    return () => {
      isCurrent = false;
    };
  }, [clients, manager, turn]);
  const reload = useCallback(() => setTurn((last) => last + 1), []);
  return { ...state, reload };
}

/** After a reload, cells show what they showed until they are told anew. */
function withOldMetadata(rows: readonly KeyRow[], before: readonly KeyRow[]): readonly KeyRow[] {
  const old = new Map(before.map(({ id, metadata }) => [id, metadata]));
  return rows.map((row) => {
    const metadata = old.get(row.id);
    return metadata === undefined ? row : { ...row, metadata };
  });
}
