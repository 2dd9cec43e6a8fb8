/** Importing key material: download a wrapping key and a token, then upload what was wrapped. */

import { DescribeKeyCommand } from "@aws-sdk/client-kms";
import Spinner from "@cloudscape-design/components/spinner";
import Wizard from "@cloudscape-design/components/wizard";
import { useCallback, useState } from "react";
import { useNavigate, useParams } from "react-router-dom";
import { FailureAlert } from "../parts/failure-alert.tsx";
import { useLoaded } from "../parts/use-loaded.ts";
import { useConsole } from "../session/use-console.ts";
import { DownloadStep } from "./download-step.tsx";
import { UploadStep, useUpload } from "./upload-step.tsx";

export function ImportPage() {
  const { keyId = "" } = useParams();
  const { clients, link } = useConsole();
  const navigate = useNavigate();
  const [step, setStep] = useState(0);
  const { value, failure } = useLoaded(
    useCallback(async () => {
      const { KeyMetadata } = await clients.kms.send(new DescribeKeyCommand({ KeyId: keyId }));
      return KeyMetadata;
    }, [clients, keyId]),
    "kms:DescribeKey",
  );
  const page = link(`keys/${keyId}/material`);
  const upload = useUpload(keyId, () => navigate(page));
  if (value === undefined) return failure === undefined ? <Spinner size="large" /> : <FailureAlert failure={failure} />;
  return (
    <Wizard
      activeStepIndex={step}
      onNavigate={({ detail }) => setStep(detail.requestedStepIndex)}
      onCancel={() => navigate(page)}
      onSubmit={() => void upload.submit()}
      isLoadingNextStep={upload.busy}
      submitButtonText="Upload key material"
      steps={[
        {
          title: "Download wrapping public key and import token",
          content: <DownloadStep keyId={keyId} spec={value.KeySpec ?? ""} />,
        },
        { title: "Upload your wrapped key material", content: <UploadStep upload={upload} /> },
      ]}
    />
  );
}
