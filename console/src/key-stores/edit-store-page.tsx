/** The page that edits a custom key store: what is changed, a warning, and then the update. */

import { UpdateCustomKeyStoreCommand } from "@aws-sdk/client-kms";
import Alert from "@cloudscape-design/components/alert";
import Checkbox from "@cloudscape-design/components/checkbox";
import Spinner from "@cloudscape-design/components/spinner";
import { useCallback, useState } from "react";
import { useNavigate, useParams } from "react-router-dom";
import { describeKeyStore } from "../api/list-key-stores.ts";
import { changedSettings, draftOfStore, type StoreDraft, updateInput } from "../model/key-store-draft.ts";
import { type KeyStore, keyStoreKinds } from "../model/key-stores.ts";
import { ActionDialog } from "../parts/action-dialog.tsx";
import { FailureAlert } from "../parts/failure-alert.tsx";
import { useLoaded } from "../parts/use-loaded.ts";
import { useConsole } from "../session/use-console.ts";
import { keyStorePath } from "./key-store-actions.tsx";
import { StoreForm } from "./store-form.tsx";

export function EditStorePage() {
  const { storeId = "" } = useParams();
  const { clients } = useConsole();
  const { value, failure } = useLoaded(
    useCallback(() => describeKeyStore(clients.kms, storeId), [clients, storeId]),
    "kms:DescribeCustomKeyStores",
  );
  if (value === undefined) return failure === undefined ? <Spinner size="large" /> : <FailureAlert failure={failure} />;
  return <EditStore store={value} />;
}

function EditStore({ store }: { readonly store: KeyStore }) {
  const { link } = useConsole();
  const navigate = useNavigate();
  const [asked, setAsked] = useState<StoreDraft>();
  const kind = store.CustomKeyStoreType ?? "EXTERNAL_KEY_STORE";
  const button = `Update ${keyStoreKinds[kind].inText}`;
  const page = link(keyStorePath(store));
  return (
    <>
      <StoreForm
        title={`Edit ${store.CustomKeyStoreName}`}
        button={button}
        kind={kind}
        first={draftOfStore(store)}
        before={store}
        busy={false}
        failure={undefined}
        onSubmit={setAsked}
        onCancel={() => navigate(page)}
      />
      {asked !== undefined && (
        <ConfirmUpdate
          store={store}
          draft={asked}
          button={button}
          onClose={() => setAsked(undefined)}
          onDone={() => navigate(page)}
        />
      )}
    </>
  );
}

interface ConfirmUpdateProps {
  readonly store: KeyStore;
  readonly draft: StoreDraft;
  readonly button: string;
  onClose(): void;
  onDone(): void;
}

function ConfirmUpdate({ store, draft, button, onClose, onDone }: ConfirmUpdateProps) {
  const { clients } = useConsole();
  const [isUnderstood, setUnderstood] = useState(false);
  const input = updateInput(store, draft);
  const settings = changedSettings(input);
  return (
    <ActionDialog
      title={button}
      button={button}
      permission="kms:UpdateCustomKeyStore"
      disabled={!isUnderstood || settings.length === 0}
      act={async () => {
        await clients.kms.send(new UpdateCustomKeyStoreCommand(input));
        onDone();
        return `Custom key store ${draft.name} was updated: ${settings.join(", ")}.`;
      }}
      onClose={onClose}
      onTried={() => {}}
    >
      {settings.length === 0 ? (
        <Alert type="info">Nothing was changed.</Alert>
      ) : (
        <Alert type="warning" header={`To be changed: ${settings.join(", ")}`}>
          The new values have to lead to the same keys. What was encrypted under keys that can no longer be reached
          can't be decrypted.
        </Alert>
      )}
      <Checkbox
        checked={isUnderstood}
        disabled={settings.length === 0}
        onChange={({ detail }) => setUnderstood(detail.checked)}
      >
        I understand, and want to update this key store.
      </Checkbox>
    </ActionDialog>
  );
}
