/** The second step of an import: wrapped material, its token, and when it expires. */

import { ImportKeyMaterialCommand } from "@aws-sdk/client-kms";
import Container from "@cloudscape-design/components/container";
import DatePicker from "@cloudscape-design/components/date-picker";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import RadioGroup from "@cloudscape-design/components/radio-group";
import SpaceBetween from "@cloudscape-design/components/space-between";
import TimeInput from "@cloudscape-design/components/time-input";
import { useState } from "react";
import type { Failure } from "../model/failures.ts";
import { expiryOf } from "../model/import-parameters.ts";
import { FailureAlert } from "../parts/failure-alert.tsx";
import { FileField } from "../parts/file-field.tsx";
import { useNotify } from "../parts/notices.ts";
import { useAction } from "../parts/use-action.ts";
import { useConsole } from "../session/use-console.ts";

interface UploadDraft {
  readonly material: readonly File[];
  readonly token: readonly File[];
  readonly expires: boolean;
  readonly day: string;
  readonly time: string;
}

export interface Upload {
  readonly draft: UploadDraft;
  /** Whether the user has tried to send what is not complete. */
  readonly tried: boolean;
  readonly busy: boolean;
  readonly failure: Failure | undefined;
  change(next: Partial<UploadDraft>): void;
  submit(): Promise<void>;
}

export function useUpload(keyId: string, onDone: () => void): Upload {
  const { clients } = useConsole();
  const notify = useNotify();
  const { busy, failure, run } = useAction();
  const [tried, setTried] = useState(false);
  const [draft, setDraft] = useState<UploadDraft>({ material: [], token: [], expires: false, day: "", time: "" });
  const submit = async () => {
    setTried(true);
    const [material] = draft.material;
    const [token] = draft.token;
    const expiry = draft.expires ? expiryOf(draft.day, draft.time, new Date()) : undefined;
    if (material === undefined || token === undefined || typeof expiry === "string") return;
    const isDone = await run(async () => {
      await clients.kms.send(
        new ImportKeyMaterialCommand({
          KeyId: keyId,
          EncryptedKeyMaterial: new Uint8Array(await material.arrayBuffer()),
          ImportToken: new Uint8Array(await token.arrayBuffer()),
          ...(expiry === undefined
            ? { ExpirationModel: "KEY_MATERIAL_DOES_NOT_EXPIRE" }
            : { ExpirationModel: "KEY_MATERIAL_EXPIRES", ValidTo: expiry }),
        }),
      );
    }, "kms:ImportKeyMaterial");
    if (!isDone) return;
    notify("The key material was imported.");
    onDone();
  };
  const change = (next: Partial<UploadDraft>) => setDraft((last) => ({ ...last, ...next }));
  return { draft, tried, busy, failure, change, submit };
}

export function UploadStep({ upload: { draft, tried, failure, change } }: { readonly upload: Upload }) {
  const expiry = expiryOf(draft.day, draft.time, new Date());
  const missing = (files: readonly File[]) => (tried && files.length === 0 ? "Choose a file." : undefined);
  return (
    <SpaceBetween size="l">
      <FailureAlert failure={failure} />
      <Container header={<Header variant="h2">Encrypted key material and import token</Header>}>
        <SpaceBetween size="l">
          <FileField
            label="Wrapped key material"
            description="The key material, encrypted under the wrapping public key."
            files={draft.material}
            problem={missing(draft.material)}
            onChange={(material) => change({ material })}
          />
          <FileField
            label="Import token"
            description="ImportToken.bin of the same download as the wrapping public key."
            files={draft.token}
            problem={missing(draft.token)}
            onChange={(token) => change({ token })}
          />
        </SpaceBetween>
      </Container>
      <Container header={<Header variant="h2">Expiration option</Header>}>
        <SpaceBetween size="l">
          <RadioGroup
            ariaLabel="Expiration option"
            value={draft.expires ? "expires" : "stays"}
            onChange={({ detail }) => change({ expires: detail.value === "expires" })}
            items={[
              { value: "stays", label: "Key material does not expire" },
              { value: "expires", label: "Key material expires" },
            ]}
          />
          {draft.expires && (
            <FormField
              label="Expires at"
              description="At most 365 days from now, in your time zone."
              errorText={(tried || draft.day !== "") && typeof expiry === "string" && expiry}
            >
              <SpaceBetween direction="horizontal" size="xs">
                <DatePicker
                  ariaLabel="Expiration date"
                  placeholder="YYYY/MM/DD"
                  value={draft.day}
                  onChange={({ detail }) => change({ day: detail.value })}
                />
                <TimeInput
                  ariaLabel="Expiration time"
                  format="hh:mm"
                  placeholder="hh:mm"
                  value={draft.time}
                  onChange={({ detail }) => change({ time: detail.value })}
                />
              </SpaceBetween>
            </FormField>
          )}
        </SpaceBetween>
      </Container>
    </SpaceBetween>
  );
}
