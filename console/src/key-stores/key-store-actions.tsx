/** The menu "Key store actions", for the ticked row of a list and for the page of one store. */

import {
  ConnectCustomKeyStoreCommand,
  DeleteCustomKeyStoreCommand,
  DisconnectCustomKeyStoreCommand,
  type KMSClient,
} from "@aws-sdk/client-kms";
import Alert from "@cloudscape-design/components/alert";
import ButtonDropdown from "@cloudscape-design/components/button-dropdown";
import { useState } from "react";
import { useNavigate } from "react-router-dom";
import {
  type KeyStore,
  keyStoreKinds,
  type StoreActionId,
  storeActionProblem,
  storeActions,
} from "../model/key-stores.ts";
import { ActionDialog } from "../parts/action-dialog.tsx";
import { useConsole } from "../session/use-console.ts";

interface Confirmed {
  readonly question: string;
  readonly permission: string;
  readonly done: string;
  call(kms: KMSClient, CustomKeyStoreId: string | undefined): Promise<unknown>;
}

/** What is asked before each, and said after it. */
const CONFIRMED: Readonly<Record<Exclude<StoreActionId, "edit">, Confirmed>> = {
  connect: {
    question: "While the key store is connected, keys can be created in it and used.",
    permission: "kms:ConnectCustomKeyStore",
    done: "is being connected",
    call: (kms, CustomKeyStoreId) => kms.send(new ConnectCustomKeyStoreCommand({ CustomKeyStoreId })),
  },
  disconnect: {
    question: "Until the key store is connected again, its keys can't be used, and none can be created in it.",
    permission: "kms:DisconnectCustomKeyStore",
    done: "is being disconnected",
    call: (kms, CustomKeyStoreId) => kms.send(new DisconnectCustomKeyStoreCommand({ CustomKeyStoreId })),
  },
  delete: {
    question:
      "Only a key store without keys can be deleted. What is behind it, proxy and external keys or cluster, stays as it is.",
    permission: "kms:DeleteCustomKeyStore",
    done: "was deleted",
    call: (kms, CustomKeyStoreId) => kms.send(new DeleteCustomKeyStoreCommand({ CustomKeyStoreId })),
  },
};

export interface KeyStoreActionsProps {
  readonly store: KeyStore | undefined;
  /** To be told when an action was tried. */
  onTried(action: StoreActionId, isDone: boolean): void;
}

export function KeyStoreActions({ store, onTried }: KeyStoreActionsProps) {
  const { link } = useConsole();
  const navigate = useNavigate();
  const [asked, setAsked] = useState<Exclude<StoreActionId, "edit">>();
  const choose = (id: StoreActionId) => {
    if (id !== "edit") setAsked(id);
    else navigate(link(`${keyStorePath(store)}/edit`));
  };
  return (
    <>
      <ButtonDropdown
        items={storeActions.map(({ id, text }) => {
          const problem = storeActionProblem(id, store);
          return { id, text, ...(problem !== undefined && { disabled: true, disabledReason: problem }) };
        })}
        disabled={store === undefined}
        onItemClick={({ detail }) => choose(detail.id as StoreActionId)}
        expandToViewport
      >
        Key store actions
      </ButtonDropdown>
      {asked !== undefined && store !== undefined && (
        <StoreConfirmation
          action={asked}
          store={store}
          onClose={() => setAsked(undefined)}
          onTried={(isDone) => onTried(asked, isDone)}
        />
      )}
    </>
  );
}

export interface StoreConfirmationProps {
  readonly action: keyof typeof CONFIRMED;
  readonly store: KeyStore;
  onClose(): void;
  onTried(isDone: boolean): void;
}

/** Asks whether to do it, and does it. */
export function StoreConfirmation({ action, store, onClose, onTried }: StoreConfirmationProps) {
  const { clients } = useConsole();
  const { question, permission, done, call } = CONFIRMED[action];
  const text = storeActions.find(({ id }) => id === action)?.text ?? "";
  const { CustomKeyStoreName: name, CustomKeyStoreId: id } = store;
  return (
    <ActionDialog
      title={`${text} custom key store`}
      button={text}
      permission={permission}
      act={async () => {
        await call(clients.kms, id);
        return `Custom key store ${name} ${done}.`;
      }}
      onClose={onClose}
      onTried={onTried}
    >
      <Alert type={action === "connect" ? "info" : "warning"}>{question}</Alert>
      <div>
        {name} ({id})
      </div>
    </ActionDialog>
  );
}

/** The path of a store's page. */
export function keyStorePath(store: KeyStore | undefined): string {
  const { path } = keyStoreKinds[store?.CustomKeyStoreType ?? "EXTERNAL_KEY_STORE"];
  return `keyStores/${path}/${store?.CustomKeyStoreId}`;
}
