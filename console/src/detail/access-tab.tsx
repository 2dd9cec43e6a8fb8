/** The tab "Explain access": whether somebody would be allowed something on the key, and which statements say so. */

import { SimulatePrincipalPolicyCommand } from "@aws-sdk/client-iam";
import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import {
  type AccessAnswer,
  type AccessQuestion,
  accessAnswer,
  actionsToAsk,
  isQuestion,
  simulationInput,
} from "../model/access-question.ts";
import { kindOf } from "../model/key-kinds.ts";
import { FailureAlert } from "../parts/failure-alert.tsx";
import { PairFields } from "../parts/pair-fields.tsx";
import { useAction } from "../parts/use-action.ts";
import { useConsole } from "../session/use-console.ts";
import type { TabProps } from "./tab-content.tsx";

const CONTEXT_MAX = 20;

export function AccessTab({ metadata }: TabProps) {
  const { clients } = useConsole();
  const { busy, failure, run } = useAction();
  const actions = actionsToAsk(kindOf(metadata));
  const [question, setQuestion] = useState<AccessQuestion>({ principal: "", action: actions[0] ?? "", context: [] });
  const [answer, setAnswer] = useState<AccessAnswer>();
  const change = (next: Partial<AccessQuestion>) => {
    setQuestion((last) => ({ ...last, ...next }));
    setAnswer(undefined);
  };
  const ask = () =>
    run(async () => {
      const input = simulationInput(question, metadata.Arn ?? "");
      const { EvaluationResults = [] } = await clients.iam.send(new SimulatePrincipalPolicyCommand(input));
      const [result] = EvaluationResults;
      setAnswer(result === undefined ? undefined : accessAnswer(result));
    }, "iam:SimulatePrincipalPolicy");
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="Whether a user, group or role would be allowed something on this key, and why it was denied."
          actions={
            <Button variant="primary" loading={busy} disabled={!isQuestion(question)} onClick={() => void ask()}>
              Explain
            </Button>
          }
        >
          Explain access
        </Header>
      }
    >
      <SpaceBetween size="m">
        <FailureAlert failure={failure} />
        {answer !== undefined && (
          <Alert type={answer.isAllowed ? "success" : "warning"} header={answer.headline}>
            <ul>
              {answer.reasons.map((reason) => (
                <li key={reason}>{reason}</li>
              ))}
            </ul>
          </Alert>
        )}
        <FormField
          label="Principal"
          description="The ARN of a user, role or group."
          errorText={question.principal !== "" && !isQuestion(question) && "Enter the ARN of a user, role or group."}
        >
          <Input value={question.principal} onChange={({ detail }) => change({ principal: detail.value.trim() })} />
        </FormField>
        <FormField label="Action">
          <Select
            filteringType="auto"
            options={actions.map((value) => ({ label: value, value }))}
            selectedOption={{ label: question.action, value: question.action }}
            onChange={({ detail }) => change({ action: detail.selectedOption.value ?? question.action })}
          />
        </FormField>
        <PairFields
          pairs={question.context}
          most={CONTEXT_MAX}
          noun="condition key"
          keyLabel="Condition key"
          valueLabel="Condition value"
          empty="Conditions may ask for keys such as aws:SourceIp, kms:ViaService or kms:EncryptionContext:stage."
          keyProblem={() => undefined}
          valueProblem={() => undefined}
          onChange={(context) => change({ context })}
        />
      </SpaceBetween>
    </Container>
  );
}
