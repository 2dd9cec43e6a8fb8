/** The tab "Regionality" of a multi-Region key: its related keys, and what a primary key can do about them. */

import { DescribeKeyCommand, type KeyMetadata, type KeyState, UpdatePrimaryRegionCommand } from "@aws-sdk/client-kms";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import Table from "@cloudscape-design/components/table";
import { useCallback, useState } from "react";
import { Link, useNavigate } from "react-router-dom";
import { regionalityOf } from "../model/key-kinds.ts";
import { regionOption } from "../model/regions.ts";
import { relatedKeys } from "../model/related-keys.ts";
import { ActionDialog } from "../parts/action-dialog.tsx";
import { StateIndicator } from "../parts/key-status.tsx";
import { useLoaded } from "../parts/use-loaded.ts";
import { useConsole } from "../session/use-console.ts";
import type { TabProps } from "./tab-content.tsx";

export function RegionalityTab({ metadata, onChange }: TabProps) {
  const { link, region } = useConsole();
  const navigate = useNavigate();
  const [isMoving, setMoving] = useState(false);
  const related = relatedKeys(metadata);
  const isPrimary = metadata.MultiRegionConfiguration?.MultiRegionKeyType === "PRIMARY";
  const primary = metadata.MultiRegionConfiguration?.PrimaryKey?.Region ?? region;
  return (
    <SpaceBetween size="l">
      <Container
        header={
          <Header
            variant="h2"
            {...(isPrimary && {
              actions: (
                <Button disabled={related.length === 0} onClick={() => setMoving(true)}>
                  Change primary Region
                </Button>
              ),
            })}
          >
            Primary key
          </Header>
        }
      >
        <KeyValuePairs
          columns={2}
          items={[
            { label: "Regionality", value: regionalityOf(metadata) },
            { label: "Primary Region", value: regionOption(primary).label },
          ]}
        />
      </Container>
      <Table
        trackBy="arn"
        wrapLines
        items={related}
        ariaLabels={{ tableLabel: "Related multi-Region keys" }}
        columnDefinitions={[
          {
            id: "arn",
            header: "Key ARN",
            isRowHeader: true,
            cell: ({ arn, region: other }) => <Link to={link(`keys/${metadata.KeyId}`, other)}>{arn}</Link>,
          },
          { id: "region", header: "Region", cell: ({ region: other }) => regionOption(other).label },
          { id: "role", header: "Regionality", cell: ({ role }) => role },
          {
            id: "status",
            header: "Status",
            cell: ({ region: other }) => <RelatedStatus metadata={metadata} region={other} />,
          },
        ]}
        empty={<Box textAlign="center">No related keys</Box>}
        header={
          <Header
            variant="h2"
            counter={`(${related.length})`}
            {...(isPrimary && {
              actions: (
                <Button onClick={() => navigate(link(`keys/${metadata.KeyId}/replicate`))}>
                  Create new replica keys
                </Button>
              ),
            })}
          >
            Related multi-Region keys
          </Header>
        }
      />
      {isMoving && (
        <ChangePrimaryRegion
          keyId={metadata.KeyId ?? ""}
          regions={related.map((key) => key.region)}
          onClose={() => setMoving(false)}
          onDone={onChange}
        />
      )}
    </SpaceBetween>
  );
}

/** The state of a related key, which its own Region tells. */
function RelatedStatus({ metadata, region }: { readonly metadata: KeyMetadata; readonly region: string }) {
  const { kmsIn } = useConsole();
  const { value, failure } = useLoaded(
    useCallback(async (): Promise<KeyState | undefined> => {
      const { KeyMetadata } = await kmsIn(region).send(new DescribeKeyCommand({ KeyId: metadata.KeyId }));
      return KeyMetadata?.KeyState;
    }, [kmsIn, region, metadata]),
    "kms:DescribeKey",
  );
  if (failure !== undefined) return <StatusIndicator type="error">{failure.title}</StatusIndicator>;
  return value === undefined ? (
    <StatusIndicator type="loading">Loading</StatusIndicator>
  ) : (
    <StateIndicator state={value} />
  );
}

interface ChangePrimaryRegionProps {
  readonly keyId: string;
  readonly regions: readonly string[];
  onClose(): void;
  onDone(): void;
}

function ChangePrimaryRegion({ keyId, regions, onClose, onDone }: ChangePrimaryRegionProps) {
  const { clients } = useConsole();
  const [chosen, setChosen] = useState<string>();
  return (
    <ActionDialog
      title="Change primary Region"
      button="Change primary Region"
      permission="kms:UpdatePrimaryRegion"
      disabled={chosen === undefined}
      act={async () => {
        await clients.kms.send(new UpdatePrimaryRegionCommand({ KeyId: keyId, PrimaryRegion: chosen }));
        return `The primary key is now in ${chosen}.`;
      }}
      onClose={onClose}
      onTried={onDone}
    >
      <FormField label="New primary Region" description="The replica key there becomes the primary key.">
        <Select
          placeholder="Choose a Region"
          options={regions.map(regionOption)}
          selectedOption={chosen === undefined ? null : regionOption(chosen)}
          onChange={({ detail }) => setChosen(detail.selectedOption.value)}
        />
      </FormField>
    </ActionDialog>
  );
}
