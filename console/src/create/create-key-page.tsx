/** The wizard "Create key". */

import { CreateAliasCommand, CreateKeyCommand } from "@aws-sdk/client-kms";
import { useState } from "react";
import { useNavigate } from "react-router-dom";
import { createKeyInput, type KeyDraft, NEW_DRAFT } from "../model/key-draft.ts";
import { useNotify } from "../parts/notices.ts";
import { useAction } from "../parts/use-action.ts";
import { useConsole } from "../session/use-console.ts";
import { ConfigureKey } from "./configure-key.tsx";
import { KeyWizard } from "./key-wizard.tsx";

export function CreateKeyPage() {
  const { clients, owner, link } = useConsole();
  const navigate = useNavigate();
  const notify = useNotify();
  const { busy, failure, run } = useAction();
  const [draft, setDraft] = useState<KeyDraft>(NEW_DRAFT);
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
        isDone: draft.origin !== "EXTERNAL" || draft.understood,
        problem: "Confirm that you understand the implications of using an imported key.",
      }}
      busy={busy}
      failure={failure}
      notice={notice}
      onFinish={() => void finish()}
      onCancel={() => navigate(link("keys"))}
    />
  );
}
