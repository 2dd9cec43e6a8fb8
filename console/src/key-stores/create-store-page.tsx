/** The pages "Create external key store" and "Create AWS CloudHSM key store". */

import { CreateCustomKeyStoreCommand } from "@aws-sdk/client-kms";
import { useNavigate, useParams } from "react-router-dom";
import { createClusterInput, createExternalInput, NEW_STORE, type StoreDraft } from "../model/key-store-draft.ts";
import { keyStoreKinds, kindAt } from "../model/key-stores.ts";
import { useNotify } from "../parts/notices.ts";
import { useAction } from "../parts/use-action.ts";
import { useConsole } from "../session/use-console.ts";
import { StoreForm } from "./store-form.tsx";

export function CreateStorePage() {
  const { kind: path = "" } = useParams();
  const { clients, link } = useConsole();
  const navigate = useNavigate();
  const notify = useNotify();
  const { busy, failure, run } = useAction();
  const kind = kindAt(path);
  const list = link(`keyStores/${path}`);
  const create = async (draft: StoreDraft) => {
    const input = kind === "AWS_CLOUDHSM" ? createClusterInput(draft) : createExternalInput(draft);
    const isDone = await run(async () => {
      await clients.kms.send(new CreateCustomKeyStoreCommand(input));
    }, "kms:CreateCustomKeyStore");
    if (!isDone) return;
    notify(`Custom key store ${draft.name} was created. Connect it before you create keys in it.`);
    navigate(list);
  };
  const title = `Create ${keyStoreKinds[kind].inText}`;
  return (
    <StoreForm
      title={title}
      button={title}
      kind={kind}
      first={NEW_STORE}
      busy={busy}
      failure={failure}
      onSubmit={(draft) => void create(draft)}
      onCancel={() => navigate(list)}
    />
  );
}
