/** The page of one key: its general configuration, and a tab for each of its other sides. */

import { DescribeKeyCommand, type KeyMetadata } from "@aws-sdk/client-kms";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import Tabs from "@cloudscape-design/components/tabs";
import { useCallback } from "react";
import { useNavigate, useParams } from "react-router-dom";
import { allAliases } from "../api/list-keys.ts";
import { KeyActions } from "../keys/key-actions.tsx";
import { aliasLabel, type KeyRow } from "../model/key-rows.ts";
import { tabsOf } from "../model/key-tabs.ts";
import { FailureAlert } from "../parts/failure-alert.tsx";
import { useLoaded } from "../parts/use-loaded.ts";
import { useConsole } from "../session/use-console.ts";
import { GeneralConfiguration } from "./general-configuration.tsx";
import { TabContent } from "./tab-content.tsx";

/** What the page has of its key. */
interface Described {
  readonly metadata: KeyMetadata;
  /** Undefined where they can't be listed. */
  readonly aliases: readonly string[] | undefined;
}

export function KeyPage() {
  const { keyId = "", tab } = useParams();
  const { clients, link } = useConsole();
  const navigate = useNavigate();
  const load = useCallback(async (): Promise<Described> => {
    const [described, aliases] = await Promise.all([
      clients.kms.send(new DescribeKeyCommand({ KeyId: keyId })),
      allAliases(clients.kms, keyId).then(
        (list) => list.map(({ AliasName = "" }) => aliasLabel(AliasName)).sort(),
        () => undefined,
      ),
    ]);
    return { metadata: described.KeyMetadata ?? { KeyId: keyId }, aliases };
  }, [clients, keyId]);
  const { value, failure, loading, reload } = useLoaded(load, "kms:DescribeKey");
  if (value === undefined) {
    return loading ? <Spinner size="large" /> : <FailureAlert failure={failure} />;
  }
  const { metadata, aliases } = value;
  const row: KeyRow = { id: keyId, arn: metadata.Arn ?? "", aliases: aliases ?? [], metadata };
  const isCustomer = metadata.KeyManager === "CUSTOMER";
  const tabs = tabsOf(metadata);
  return (
    <SpaceBetween size="l">
      <Header variant="h1" {...(isCustomer && { actions: <KeyActions rows={[row]} onDone={reload} /> })}>
        {aliases?.[0] ?? keyId}
      </Header>
      <FailureAlert failure={failure} />
      <GeneralConfiguration metadata={metadata} aliases={aliases} onChange={reload} />
      <Tabs
        ariaLabel="Key details"
        activeTabId={tabs.find(({ id }) => id === tab)?.id ?? "policy"}
        onChange={({ detail }) => navigate(link(`keys/${keyId}/${detail.activeTabId}`), { replace: true })}
        tabs={tabs.map(({ id, label }) => ({
          id,
          label,
          content: <TabContent tab={id} metadata={metadata} onChange={reload} />,
        }))}
      />
    </SpaceBetween>
  );
}
