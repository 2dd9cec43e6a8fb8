/** The tab "Key policy": default view where it can show everything that the policy says, policy view for every policy. */

import { GetKeyPolicyCommand, PutKeyPolicyCommand } from "@aws-sdk/client-kms";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import { useCallback, useState } from "react";
import { kindOf } from "../model/key-kinds.ts";
import { consoleKeyPolicy, type PolicyChoices, policyText, readConsolePolicy } from "../model/key-policy.ts";
import { policyProblems } from "../model/policy-problems.ts";
import { FailureAlert } from "../parts/failure-alert.tsx";
import { useNotify } from "../parts/notices.ts";
import { useAction } from "../parts/use-action.ts";
import { useLoaded } from "../parts/use-loaded.ts";
import { PolicyDefaultView } from "../policy/policy-default-view.tsx";
import { PolicyEditor, PolicyText } from "../policy/policy-text.tsx";
import { useConsole } from "../session/use-console.ts";
import type { TabProps } from "./tab-content.tsx";

export function KeyPolicyTab({ metadata }: TabProps) {
  const { clients, owner } = useConsole();
  const notify = useNotify();
  const keyId = metadata.KeyId ?? "";
  const { value, failure, reload } = useLoaded(
    useCallback(async () => {
      const { Policy = "" } = await clients.kms.send(new GetKeyPolicyCommand({ KeyId: keyId }));
      return Policy;
    }, [clients, keyId]),
    "kms:GetKeyPolicy",
  );
  const { busy, failure: saveFailure, run, clear } = useAction();
  const [wantsPolicyView, setWantsPolicyView] = useState(false);
  if (value === undefined) return failure === undefined ? <Spinner /> : <FailureAlert failure={failure} />;

  const kind = kindOf(metadata);
  const isEditable = metadata.KeyManager === "CUSTOMER";
  const choices = isEditable ? readConsolePolicy(value, kind, owner) : undefined;
  const showsDefaultView = choices !== undefined && !wantsPolicyView;
  const save = async (Policy: string): Promise<boolean> => {
    const isDone = await run(async () => {
      await clients.kms.send(new PutKeyPolicyCommand({ KeyId: keyId, Policy }));
    }, "kms:PutKeyPolicy");
    if (!isDone) return false;
    notify("The key policy was saved.");
    reload();
    return true;
  };
  const saveChoices = (next: PolicyChoices) => save(policyText(consoleKeyPolicy(kind, owner, next)));
  return (
    <SpaceBetween size="l">
      <FailureAlert failure={failure ?? saveFailure} />
      {choices !== undefined && (
        <Header
          variant="h2"
          actions={
            <Button
              onClick={() => {
                setWantsPolicyView(!wantsPolicyView);
                clear();
              }}
            >
              {showsDefaultView ? "Switch to policy view" : "Switch to default view"}
            </Button>
          }
        >
          Key policy
        </Header>
      )}
      {showsDefaultView ? (
        <PolicyDefaultView choices={choices} busy={busy} onSave={saveChoices} />
      ) : (
        <PolicyView text={value} busy={busy} isEditable={isEditable} onSave={save} onCancel={clear} />
      )}
    </SpaceBetween>
  );
}

interface PolicyViewProps {
  readonly text: string;
  readonly busy: boolean;
  readonly isEditable: boolean;
  onSave(text: string): Promise<boolean>;
  onCancel(): void;
}

function PolicyView({ text, busy, isEditable, onSave, onCancel }: PolicyViewProps) {
  const [draft, setDraft] = useState<string>();
  const problems = draft === undefined ? [] : policyProblems(draft);
  const save = async () => {
    if (draft !== undefined && (await onSave(draft))) setDraft(undefined);
  };
  const editing = (
    <SpaceBetween direction="horizontal" size="xs">
      <Button
        variant="link"
        onClick={() => {
          setDraft(undefined);
          onCancel();
        }}
      >
        Cancel
      </Button>
      <Button variant="primary" loading={busy} disabled={problems.length > 0} onClick={() => void save()}>
        Save changes
      </Button>
    </SpaceBetween>
  );
  const reading = (
    <Button ariaLabel="Edit key policy" onClick={() => setDraft(text)}>
      Edit
    </Button>
  );
  return (
    <Container
      header={
        <Header variant="h2" {...(isEditable && { actions: draft === undefined ? reading : editing })}>
          Policy document
        </Header>
      }
    >
      {draft === undefined ? (
        <PolicyText text={text} />
      ) : (
        <PolicyEditor text={draft} problems={problems} onChange={setDraft} />
      )}
    </Container>
  );
}
