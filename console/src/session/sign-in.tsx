/** The page for whoever is not signed in. */

import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { allRegions, regionOption } from "../model/regions.ts";
import { FailureAlert } from "../parts/failure-alert.tsx";
import { useAction } from "../parts/use-action.ts";
import { type Session, signIn } from "./session.ts";

const REGIONS = allRegions.map(regionOption);

export interface SignInProps {
  /** The Region to begin with. */
  readonly region: string;
  onSignIn(session: Session): void;
}

export function SignIn({ region: firstRegion, onSignIn }: SignInProps) {
  const [accessKeyId, setAccessKeyId] = useState("");
  const [secretAccessKey, setSecretAccessKey] = useState("");
  const [sessionToken, setSessionToken] = useState("");
  const [region, setRegion] = useState(firstRegion);
  const { busy, failure, run } = useAction();
  const isComplete = accessKeyId.trim() !== "" && secretAccessKey !== "";
  const submit = () =>
    run(async () => {
      const token = sessionToken.trim();
      const key = { accessKeyId: accessKeyId.trim(), secretAccessKey, ...(token !== "" && { sessionToken: token }) };
      onSignIn(await signIn(key, region));
    });
  return (
    <Box padding={{ vertical: "xxxl", horizontal: "l" }}>
      <div className="sign-in">
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (isComplete && !busy) void submit();
          }}
        >
          <Form
            header={<Header variant="h1">Sign in to Keystead</Header>}
            actions={
              <Button variant="primary" loading={busy} disabled={!isComplete} formAction="submit">
                Sign in
              </Button>
            }
          >
            <SpaceBetween size="l">
              <FailureAlert failure={failure} />
              <Container>
                <SpaceBetween size="l">
                  <FormField label="Access key ID" description="keystead dev prints an access key when it starts.">
                    <Input
                      value={accessKeyId}
                      autoComplete={false}
                      onChange={({ detail }) => setAccessKeyId(detail.value)}
                    />
                  </FormField>
                  <FormField label="Secret access key">
                    <Input
                      type="password"
                      value={secretAccessKey}
                      autoComplete={false}
                      onChange={({ detail }) => setSecretAccessKey(detail.value)}
                    />
                  </FormField>
                  <FormField label="Session token - optional" description="For temporary credentials.">
                    <Input
                      type="password"
                      value={sessionToken}
                      autoComplete={false}
                      onChange={({ detail }) => setSessionToken(detail.value)}
                    />
                  </FormField>
                  <FormField label="Region">
                    <Select
                      options={REGIONS}
                      selectedOption={regionOption(region)}
                      filteringType="auto"
                      onChange={({ detail }) => setRegion(detail.selectedOption.value ?? firstRegion)}
                    />
                  </FormField>
                </SpaceBetween>
              </Container>
              <Box color="text-body-secondary">
                The access key stays in this browser tab. It signs requests to this server and is forgotten when you
                sign out or close the tab.
              </Box>
            </SpaceBetween>
          </Form>
        </form>
      </div>
    </Box>
  );
}
