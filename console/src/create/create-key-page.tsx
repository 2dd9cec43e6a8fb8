/** The wizard "Create key". */

import { CreateAliasCommand, CreateKeyCommand } from "@aws-sdk/client-kms";
import Spinner from "@cloudscape-design/components/spinner";
import { useCallback, useState } from "react";
import { useNavigate, useSearchParams } from "react-router-dom";
import { describeKeyStore } from "../api/list-key-stores.ts";
import { createKeyInput, isStepDone, type KeyDraft, NEW_DRAFT, withOrigin } from "../model/key-draft.ts";
import { storeKindOf } from "../model/key-kinds.ts";
import { FailureAlert } from "../parts/failure-alert.tsx";
import { useNotify } from "../parts/notices.ts";
import { useAction } from "../parts/use-action.ts";
import { useLoaded } from "../parts/use-loaded.ts";
import { useConsole } from "../session/use-console.ts";
import { ConfigureKey } from "./configure-key.tsx";
import { KeyWizard } from "./key-wizard.tsx";
import { StoreStep } from "./store-step.tsx";

/** `?keyStore=cks-…` in the address has chosen a custom key store already. */
export function CreateKeyPage() {
  const [query] = useSearchParams();
  const storeId = query.get("keyStore");
  return storeId === null ? <CreateKey first={NEW_DRAFT} /> : <CreateKeyIn storeId={storeId} />;
}

function CreateKeyIn({ storeId }: { readonly storeId: string }) {
  const { clients, owner } = useConsole();
  const { value, failure } = useLoaded(
    useCallback(() => describeKeyStore(clients.kms, storeId), [clients, storeId]),
    "kms:DescribeCustomKeyStores",
  );
  if (value === undefined) return failure === undefined ? <Spinner size="large" /> : <FailureAlert failure={failure} />;
  const draft = withOrigin(NEW_DRAFT, value.CustomKeyStoreType ?? "EXTERNAL_KEY_STORE", owner.partition);
  return <CreateKey first={{ ...draft, keyStoreId: storeId }} />;
}

function CreateKey({ first }: { readonly first: KeyDraft }) {
  const { clients, owner, link } = useConsole();
  const navigate = useNavigate();
  const notify = useNotify();
  const { busy, failure, run } = useAction();
  const [draft, setDraft] = useState(first);
  // Where the alias is refused, the key is there: trying again makes no second one.
  const [createdId, setCreatedId] = useState<string>();
  const finish = async () => {
    let keyId = createdId;
    const isKey = await run(async () => {
      if (keyId !== undefined) return;
      const { KeyMetadata } = await clients.kms.send(new CreateKeyCommand(createKeyInput(draft, owner)));
      keyId = KeyMetadata?.KeyId;
      setCreatedId(keyId);
    }, "kms:CreateKey");
    if (!isKey) return;
    const isDone = await run(async () => {
      await clients.kms.send(new CreateAliasCommand({ AliasName: `alias/${draft.alias}`, TargetKeyId: keyId }));
    }, "kms:CreateAlias");
    if (!isDone) return;
    notify(`Key ${draft.alias} was created with key ID ${keyId}.`);
    navigate(link(draft.origin === "EXTERNAL" ? `keys/${keyId}/import` : "keys"));
  };
  const notice =
    createdId === undefined || failure === undefined
      ? undefined
      : `The key was created with key ID ${createdId}, but has no alias yet.`;
  return (
    <KeyWizard
      draft={draft}
      onChange={setDraft}
      firstStep={{
        title: "Configure key",
        content: <ConfigureKey draft={draft} partition={owner.partition} onChange={setDraft} />,
        isDone: isStepDone("configure", draft, owner),
        problem: "Confirm that you understand the implications of this origin.",
      }}
      {...(storeKindOf(draft.origin) !== undefined && {
        storeStep: <StoreStep draft={draft} onChange={setDraft} />,
      })}
      busy={busy}
      failure={failure}
      notice={notice}
      onFinish={() => void finish()}
      onCancel={() => navigate(link("keys"))}
    />
  );
}
