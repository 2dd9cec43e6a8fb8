/** The tab "Public key": the public half of a key pair, to copy and to download. */

import { GetPublicKeyCommand } from "@aws-sdk/client-kms";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import CopyToClipboard from "@cloudscape-design/components/copy-to-clipboard";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import { useCallback } from "react";
import { publicKeyPem } from "../model/pem.ts";
import { download } from "../parts/download.ts";
import { FailureAlert } from "../parts/failure-alert.tsx";
import { useLoaded } from "../parts/use-loaded.ts";
import { useConsole } from "../session/use-console.ts";
import type { TabProps } from "./tab-content.tsx";

export function PublicKeyTab({ metadata }: TabProps) {
  const { clients } = useConsole();
  const keyId = metadata.KeyId ?? "";
  const { value, failure } = useLoaded(
    useCallback(async () => {
      const { PublicKey = new Uint8Array() } = await clients.kms.send(new GetPublicKeyCommand({ KeyId: keyId }));
      return publicKeyPem(PublicKey);
    }, [clients, keyId]),
    "kms:GetPublicKey",
  );
  if (value === undefined) return failure === undefined ? <Spinner /> : <FailureAlert failure={failure} />;
  return (
    <Container
      header={
        <Header
          variant="h2"
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <CopyToClipboard
                textToCopy={value}
                copyButtonText="Copy"
                copySuccessText="Public key copied"
                copyErrorText="The public key could not be copied"
              />
              <Button iconName="download" onClick={() => download(`${keyId}.pem`, value, "application/x-pem-file")}>
                Download
              </Button>
            </SpaceBetween>
          }
        >
          Public key
        </Header>
      }
    >
      <pre className="policy-text">{value}</pre>
    </Container>
  );
}
