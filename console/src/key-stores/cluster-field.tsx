/** The field for the cluster of a CloudHSM key store: those that no store has are offered, and an ID can be typed. */

import Autosuggest from "@cloudscape-design/components/autosuggest";
import FormField from "@cloudscape-design/components/form-field";
import { useCallback } from "react";
import { listKeyStores } from "../api/list-key-stores.ts";
import { freeClusters } from "../model/key-stores.ts";
import { useLoaded } from "../parts/use-loaded.ts";
import { useConsole } from "../session/use-console.ts";

export interface ClusterFieldProps {
  readonly value: string;
  /** The cluster of the store that is edited. */
  readonly edited: string | undefined;
  readonly problem: string | undefined;
  onChange(clusterId: string): void;
}

export function ClusterField({ value, edited, problem, onChange }: ClusterFieldProps) {
  const { clients } = useConsole();
  const { value: found, failure } = useLoaded(
    useCallback(async () => {
      const [clusters, stores] = await Promise.all([clients.cloudhsm.describeClusters(), listKeyStores(clients.kms)]);
      return freeClusters(clusters, stores, edited);
    }, [clients, edited]),
    "cloudhsm:DescribeClusters",
  );
  return (
    <FormField
      label="CloudHSM cluster ID"
      description="A cluster of this account and Region that no other custom key store has."
      {...(problem !== undefined && { errorText: problem })}
    >
      <Autosuggest
        value={value}
        placeholder="cluster-…"
        options={(found ?? []).map((id) => ({ value: id }))}
        enteredTextLabel={(text) => `Use ${text}`}
        empty="No clusters to choose: type an ID."
        statusType={failure === undefined ? (found === undefined ? "loading" : "finished") : "error"}
        loadingText="Loading clusters"
        errorText={failure === undefined ? "" : `${failure.title}: ${failure.message}`}
        onChange={({ detail }) => onChange(detail.value)}
      />
    </FormField>
  );
}
