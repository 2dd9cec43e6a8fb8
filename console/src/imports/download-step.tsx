/** The first step of an import: the wrapping public key and the import token, in a ZIP. */

import { type AlgorithmSpec, GetParametersForImportCommand, type WrappingKeySpec } from "@aws-sdk/client-kms";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import RadioGroup from "@cloudscape-design/components/radio-group";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { zipSync } from "fflate";
import { useState } from "react";
import { importFiles, importZipName, wrappingAlgorithms, wrappingKeySpecs } from "../model/import-parameters.ts";
import { download } from "../parts/download.ts";
import { FailureAlert } from "../parts/failure-alert.tsx";
import { useNotify } from "../parts/notices.ts";
import { useAction } from "../parts/use-action.ts";
import { useConsole } from "../session/use-console.ts";

export function DownloadStep({ keyId, spec }: { readonly keyId: string; readonly spec: string }) {
  const { clients, owner } = useConsole();
  const notify = useNotify();
  const { busy, failure, run } = useAction();
  const wrappingSpecs = wrappingKeySpecs(owner.partition);
  const [wrappingKeySpec, setWrappingKeySpec] = useState<WrappingKeySpec>(wrappingSpecs[0] ?? "RSA_4096");
  const algorithms = wrappingAlgorithms(wrappingKeySpec, spec);
  const [chosen, setChosen] = useState<AlgorithmSpec>();
  const wrappingAlgorithm = algorithms.find((one) => one === chosen) ?? algorithms[0] ?? "RSAES_OAEP_SHA_256";
  const fetchParameters = () =>
    run(async () => {
      const { PublicKey, ImportToken, ParametersValidTo } = await clients.kms.send(
        new GetParametersForImportCommand({
          KeyId: keyId,
          WrappingKeySpec: wrappingKeySpec,
          WrappingAlgorithm: wrappingAlgorithm,
        }),
      );
      const parameters = {
        keyId,
        wrappingKeySpec,
        wrappingAlgorithm,
        publicKey: PublicKey ?? new Uint8Array(),
        importToken: ImportToken ?? new Uint8Array(),
        validTo: ParametersValidTo,
        now: new Date(),
      };
      download(importZipName(parameters), zipSync({ ...importFiles(parameters) }), "application/zip");
      notify("The wrapping public key and the import token were downloaded. They are valid for 24 hours.");
    }, "kms:GetParametersForImport");
  return (
    <SpaceBetween size="l">
      <FailureAlert failure={failure} />
      <Container header={<Header variant="h2">Configuration</Header>}>
        <SpaceBetween size="l">
          <FormField label="Select wrapping key spec">
            <RadioGroup
              ariaLabel="Wrapping key spec"
              value={wrappingKeySpec}
              onChange={({ detail }) =>
                setWrappingKeySpec(wrappingSpecs.find((one) => one === detail.value) ?? wrappingKeySpec)
              }
              items={wrappingSpecs.map((value) => ({ value, label: value }))}
            />
          </FormField>
          <FormField label="Select wrapping algorithm">
            <RadioGroup
              ariaLabel="Wrapping algorithm"
              value={wrappingAlgorithm}
              onChange={({ detail }) => setChosen(algorithms.find((one) => one === detail.value))}
              items={algorithms.map((value) => ({ value, label: value }))}
            />
          </FormField>
          <Button iconName="download" loading={busy} onClick={() => void fetchParameters()}>
            Download wrapping public key and import token
          </Button>
        </SpaceBetween>
      </Container>
    </SpaceBetween>
  );
}
