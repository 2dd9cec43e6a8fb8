/** The fields of the forms that create and edit custom key stores. */

import type { CustomKeyStoreType, XksProxyConnectivityType } from "@aws-sdk/client-kms";
import Checkbox from "@cloudscape-design/components/checkbox";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import RadioGroup from "@cloudscape-design/components/radio-group";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import type { StoreDraft, StoreField } from "../model/key-store-draft.ts";
import { readProxyFile } from "../model/key-store-draft.ts";
import { connectivityLabels } from "../model/key-stores.ts";
import { FileField } from "../parts/file-field.tsx";
import { ClusterField } from "./cluster-field.tsx";

export interface StoreFieldsProps {
  readonly kind: CustomKeyStoreType;
  readonly draft: StoreDraft;
  /** What the fields had at first. */
  readonly first: StoreDraft;
  /** What is wrong, by field, as far as it is to be told yet. */
  readonly problems: Readonly<Partial<Record<StoreField, string>>>;
  /** Whether a store is edited: its secrets are kept where their fields stay empty. */
  readonly isEdit: boolean;
  /** Fields that can't be changed while the store is connected. */
  readonly isConnected: boolean;
  onChange(next: Partial<StoreDraft>): void;
}

export function StoreFields(props: StoreFieldsProps) {
  return (
    <SpaceBetween size="l">
      <TextField
        {...props}
        field="name"
        label="Custom key store name"
        description="Don't put secrets into it: records and other output show it in plaintext."
      />
      {props.kind === "AWS_CLOUDHSM" ? <ClusterFields {...props} /> : <ProxyFields {...props} />}
    </SpaceBetween>
  );
}

function ProxyFields(props: StoreFieldsProps) {
  const { draft, isConnected, isEdit, onChange } = props;
  const [files, setFiles] = useState<readonly File[]>([]);
  const [fileProblem, setFileProblem] = useState<string>();
  const read = async (chosen: readonly File[]) => {
    setFiles(chosen);
    setFileProblem(undefined);
    const [file] = chosen;
    if (file === undefined) return;
    const found = readProxyFile(await file.text());
    if (typeof found === "string") setFileProblem(found);
    else onChange(found);
  };
  return (
    <SpaceBetween size="l">
      <FormField label="Proxy connectivity" {...(isConnected && { description: DISCONNECT_TO_CHANGE })}>
        <RadioGroup
          ariaLabel="Proxy connectivity"
          value={draft.connectivity}
          onChange={({ detail }) => onChange({ connectivity: detail.value as XksProxyConnectivityType })}
          items={Object.entries(connectivityLabels).map(([value, label]) => ({ value, label, disabled: isConnected }))}
        />
      </FormField>
      {draft.connectivity === "VPC_ENDPOINT_SERVICE" && (
        <SpaceBetween size="l">
          <TextField {...props} field="service" label="VPC endpoint service name" disabled={isConnected} />
          <TextField
            {...props}
            field="serviceOwner"
            label="VPC endpoint service owner - optional"
            description="The ID of the account that has the service, where it is another."
            disabled={isConnected}
          />
        </SpaceBetween>
      )}
      <TextField
        {...props}
        field="endpoint"
        label="Proxy URI endpoint"
        description="HTTPS, at port 443. Of a VPC endpoint service it is its private DNS name."
        disabled={isConnected}
      />
      <FileField
        label="Configuration file - optional"
        description="JSON that the proxy made, with its path and credential. Its values come into the fields below."
        files={files}
        problem={fileProblem}
        onChange={(chosen) => void read(chosen)}
      />
      <TextField
        {...props}
        field="pathPrefix"
        label="Proxy URI path prefix - optional"
        description="What stands before /kms/xks/v1."
      />
      <TextField {...props} field="accessKeyId" label="Proxy credential: Access key ID" />
      <SecretField
        {...props}
        field="secretAccessKey"
        label="Proxy credential: Secret access key"
        toggle="Show secret access key"
        {...(isEdit && { description: "Left empty, it stays as it is." })}
      />
    </SpaceBetween>
  );
}

const DISCONNECT_TO_CHANGE = "Disconnect the key store to change connectivity, service and endpoint.";

function ClusterFields(props: StoreFieldsProps) {
  const { draft, isEdit, first, onChange, problems } = props;
  const [files, setFiles] = useState<readonly File[]>([]);
  const read = async (chosen: readonly File[]) => {
    setFiles(chosen);
    onChange({ certificate: (await chosen[0]?.text()) ?? "" });
  };
  return (
    <SpaceBetween size="l">
      <ClusterField
        value={draft.clusterId}
        edited={isEdit ? first.clusterId : undefined}
        problem={problems.clusterId}
        onChange={(clusterId) => onChange({ clusterId })}
      />
      {!isEdit && (
        <FileField
          label="Trust anchor certificate"
          description="customerCA.crt, with which the cluster was initialized."
          files={files}
          problem={problems.certificate}
          onChange={(chosen) => void read(chosen)}
        />
      )}
      <SecretField
        {...props}
        field="password"
        label="kmsuser password"
        toggle="Show password"
        description={
          isEdit ? "The present password, where it was changed. Left empty, it stays as it is." : "KMS will change it."
        }
      />
    </SpaceBetween>
  );
}

interface TextFieldProps extends StoreFieldsProps {
  readonly field: StoreField;
  readonly label: string;
  readonly description?: string;
  readonly disabled?: boolean;
  readonly type?: "text" | "password";
}

function TextField({ field, label, description, disabled = false, type = "text", ...props }: TextFieldProps) {
  const { draft, problems, onChange } = props;
  return (
    <FormField
      label={label}
      {...(description !== undefined && { description })}
      {...(problems[field] !== undefined && { errorText: problems[field] })}
    >
      <Input
        type={type}
        autoComplete={false}
        disabled={disabled}
        value={draft[field]}
        onChange={({ detail }) => onChange({ [field]: detail.value })}
      />
    </FormField>
  );
}

function SecretField({ toggle, ...props }: TextFieldProps & { readonly toggle: string }) {
  const [isShown, setShown] = useState(false);
  return (
    <SpaceBetween size="xs">
      <TextField {...props} type={isShown ? "text" : "password"} />
      <Checkbox checked={isShown} onChange={({ detail }) => setShown(detail.checked)}>
        {toggle}
      </Checkbox>
    </SpaceBetween>
  );
}
