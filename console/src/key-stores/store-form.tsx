/** The frame of the forms that create and edit custom key stores. */

import type { CustomKeyStoreType } from "@aws-sdk/client-kms";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Form from "@cloudscape-design/components/form";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import type { Failure } from "../model/failures.ts";
import { clusterProblems, externalProblems, type StoreDraft, type StoreField } from "../model/key-store-draft.ts";
import type { KeyStore } from "../model/key-stores.ts";
import { FailureAlert } from "../parts/failure-alert.tsx";
import { StoreFields } from "./store-fields.tsx";

export interface StoreFormProps {
  readonly title: string;
  readonly button: string;
  readonly kind: CustomKeyStoreType;
  readonly first: StoreDraft;
  /** The store that is edited. */
  readonly before?: KeyStore;
  readonly busy: boolean;
  readonly failure: Failure | undefined;
  onSubmit(draft: StoreDraft): void;
  onCancel(): void;
}

export function StoreForm(props: StoreFormProps) {
  const { title, button, kind, first, before, busy, failure, onSubmit, onCancel } = props;
  const [draft, setDraft] = useState(first);
  const [tried, setTried] = useState(false);
  const form = { draft, ...(before !== undefined && { before }) };
  const problems = kind === "AWS_CLOUDHSM" ? clusterProblems(form) : externalProblems(form);
  // What a field has from the start is no mistake of whoever fills it in, until they try to send it.
  const told = Object.entries(problems).filter(
    ([field]) => tried || draft[field as StoreField] !== first[field as StoreField],
  );
  const submit = () => {
    setTried(true);
    if (Object.keys(problems).length === 0) onSubmit(draft);
  };
  return (
    <Form
      header={<Header variant="h1">{title}</Header>}
      errorText={tried && told.length > 0 && "Some fields are not right yet."}
      actions={
        <SpaceBetween direction="horizontal" size="xs">
          <Button variant="link" onClick={onCancel}>
            Cancel
          </Button>
          <Button variant="primary" loading={busy} onClick={submit}>
            {button}
          </Button>
        </SpaceBetween>
      }
    >
      <SpaceBetween size="l">
        <FailureAlert failure={failure} />
        <Container>
          <StoreFields
            kind={kind}
            draft={draft}
            first={first}
            problems={Object.fromEntries(told)}
            isEdit={before !== undefined}
            isConnected={before?.ConnectionState === "CONNECTED"}
            onChange={(next) => setDraft((last) => ({ ...last, ...next }))}
          />
        </Container>
      </SpaceBetween>
    </Form>
  );
}
