/** The tab "Key rotation": automatic rotation, rotation on demand, and every key material so far. */

import { DisableKeyRotationCommand, EnableKeyRotationCommand, RotateKeyOnDemandCommand } from "@aws-sdk/client-kms";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Checkbox from "@cloudscape-design/components/checkbox";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import Table from "@cloudscape-design/components/table";
import { useCallback, useState } from "react";
import { listRotations, rotationStatus } from "../api/list-rotations.ts";
import { dateText, NONE } from "../model/key-rows.ts";
import {
  isRotationShown,
  materialStates,
  PERIOD_DAYS,
  periodDays,
  rotationLock,
  rotationTypes,
} from "../model/rotation.ts";
import { ActionDialog } from "../parts/action-dialog.tsx";
import { FailureAlert } from "../parts/failure-alert.tsx";
import { useNotify } from "../parts/notices.ts";
import { useAction } from "../parts/use-action.ts";
import { useLoaded } from "../parts/use-loaded.ts";
import { useConsole } from "../session/use-console.ts";
import type { TabProps } from "./tab-content.tsx";

export function RotationTab({ metadata }: TabProps) {
  const { clients } = useConsole();
  const keyId = metadata.KeyId ?? "";
  const status = useLoaded(
    useCallback(() => rotationStatus(clients.kms, keyId), [clients, keyId]),
    "kms:GetKeyRotationStatus",
  );
  const rotations = useLoaded(
    useCallback(() => listRotations(clients.kms, keyId), [clients, keyId]),
    "kms:ListKeyRotations",
  );
  const reload = () => {
    status.reload();
    rotations.reload();
  };
  const { KeyRotationEnabled = false, RotationPeriodInDays, NextRotationDate } = status.value ?? {};
  return (
    <SpaceBetween size="l">
      <FailureAlert failure={status.failure} />
      {status.loading && status.value === undefined && <Spinner />}
      {status.value !== undefined && (
        <AutomaticRotation
          key={`${KeyRotationEnabled}-${RotationPeriodInDays}-${metadata.KeyState}`}
          metadata={metadata}
          enabled={KeyRotationEnabled}
          period={RotationPeriodInDays}
          next={NextRotationDate}
          onChange={reload}
        />
      )}
      <FailureAlert failure={rotations.failure} />
      <Table
        trackBy="KeyMaterialId"
        items={rotations.value ?? []}
        loading={rotations.loading && rotations.value === undefined}
        loadingText="Loading key material"
        ariaLabels={{ tableLabel: "Key materials" }}
        columnDefinitions={[
          { id: "id", header: "Key material ID", cell: ({ KeyMaterialId }) => KeyMaterialId, isRowHeader: true },
          {
            id: "state",
            header: "State",
            cell: ({ KeyMaterialState = "" }) => materialStates[KeyMaterialState] ?? NONE,
          },
          { id: "date", header: "Rotation date", cell: ({ RotationDate }) => dateText(RotationDate) },
          { id: "type", header: "Rotation type", cell: ({ RotationType = "" }) => rotationTypes[RotationType] ?? NONE },
        ]}
        empty={<Box textAlign="center">No key material to show</Box>}
        header={
          <Header
            variant="h2"
            {...(metadata.KeyManager === "CUSTOMER" && {
              actions: <RotateNow keyId={keyId} disabled={rotationLock(metadata) !== undefined} onDone={reload} />,
            })}
          >
            Key materials
          </Header>
        }
      />
    </SpaceBetween>
  );
}

interface AutomaticRotationProps extends TabProps {
  readonly enabled: boolean;
  readonly period: number | undefined;
  readonly next: Date | undefined;
}

function AutomaticRotation({ metadata, enabled, period, next, onChange }: AutomaticRotationProps) {
  const { clients } = useConsole();
  const notify = useNotify();
  const { busy, failure, run } = useAction();
  const shown = isRotationShown(enabled, metadata);
  const [isTicked, setTicked] = useState(shown);
  const [text, setText] = useState(String(period ?? PERIOD_DAYS.usual));
  const lock = rotationLock(metadata);
  const days = periodDays(text);
  const isChanged = isTicked !== shown || (isTicked && days !== period);
  const KeyId = metadata.KeyId ?? "";
  const save = async () => {
    const isDone = isTicked
      ? await run(async () => {
          await clients.kms.send(new EnableKeyRotationCommand({ KeyId, RotationPeriodInDays: days }));
        }, "kms:EnableKeyRotation")
      : await run(async () => {
          await clients.kms.send(new DisableKeyRotationCommand({ KeyId }));
        }, "kms:DisableKeyRotation");
    if (!isDone) return;
    notify(
      isTicked ? `The key will be rotated every ${days} days.` : "The key will no longer be rotated automatically.",
    );
    onChange();
  };
  return (
    <Container
      header={
        <Header
          variant="h2"
          actions={
            <Button
              loading={busy}
              disabled={lock !== undefined || !isChanged || (isTicked && days === undefined)}
              onClick={() => void save()}
            >
              Save
            </Button>
          }
        >
          Automatic key rotation
        </Header>
      }
    >
      <SpaceBetween size="m">
        <FailureAlert failure={failure} />
        <Checkbox
          checked={isTicked}
          disabled={lock !== undefined}
          description={lock}
          onChange={({ detail }) => setTicked(detail.checked)}
        >
          Automatically rotate this KMS key
        </Checkbox>
        {isTicked && (
          <FormField
            label="Rotation period (in days)"
            errorText={days === undefined && `Enter ${PERIOD_DAYS.least} to ${PERIOD_DAYS.most}.`}
          >
            <Input
              type="number"
              inputMode="numeric"
              value={text}
              disabled={lock !== undefined}
              onChange={({ detail }) => setText(detail.value)}
            />
          </FormField>
        )}
        <KeyValuePairs items={[{ label: "Next rotation", value: dateText(next) }]} />
      </SpaceBetween>
    </Container>
  );
}

function RotateNow({
  keyId,
  disabled,
  onDone,
}: {
  readonly keyId: string;
  readonly disabled: boolean;
  onDone(): void;
}) {
  const { clients } = useConsole();
  const [isAsking, setAsking] = useState(false);
  return (
    <>
      <Button disabled={disabled} onClick={() => setAsking(true)}>
        Rotate now
      </Button>
      {isAsking && (
        <ActionDialog
          title="Rotate key now"
          button="Rotate key"
          permission="kms:RotateKeyOnDemand"
          act={async () => {
            await clients.kms.send(new RotateKeyOnDemandCommand({ KeyId: keyId }));
            return "The key is being rotated.";
          }}
          onClose={() => setAsking(false)}
          onTried={onDone}
        >
          The key gets new key material for what is encrypted from now on; older ciphertexts are decrypted as before. A
          key can be rotated on demand 25 times.
        </ActionDialog>
      )}
    </>
  );
}
