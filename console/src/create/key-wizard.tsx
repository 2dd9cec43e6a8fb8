/** The steps that creating and replicating a key have in common: labels, administrators, users, review. */

import Wizard from "@cloudscape-design/components/wizard";
import { type ReactNode, useCallback, useState } from "react";
import { listPrincipals } from "../api/list-principals.ts";
import type { Failure } from "../model/failures.ts";
import { isStepDone, type KeyDraft, type StepId } from "../model/key-draft.ts";
import type { PolicyChoices } from "../model/key-policy.ts";
import { useLoaded } from "../parts/use-loaded.ts";
import { useConsole } from "../session/use-console.ts";
import { LabelsStep } from "./labels-step.tsx";
import { AdministratorsStep, UsersStep } from "./people-steps.tsx";
import { ReviewStep } from "./review-step.tsx";

export interface KeyWizardProps {
  readonly draft: KeyDraft;
  onChange(draft: KeyDraft): void;
  readonly firstStep: {
    readonly title: string;
    readonly content: ReactNode;
    readonly isDone: boolean;
    /** What to do before the next step. */
    readonly problem: string;
  };
  /** Where the key is to be in a custom key store: the step that chooses it. */
  readonly storeStep?: ReactNode;
  /** Where replica keys are to be; absent in the wizard for a new key. */
  readonly replicaRegions?: readonly string[];
  readonly busy: boolean;
  readonly failure: Failure | undefined;
  /** What was done though not all could be. */
  readonly notice?: string | undefined;
  onFinish(): void;
  onCancel(): void;
}

const STORE_PROBLEM = "Choose a key store that is connected; of an external one, the external key ID as well.";

export function KeyWizard(props: KeyWizardProps) {
  const { draft, onChange, firstStep, storeStep, busy, failure, onFinish, onCancel, ...rest } = props;
  const { clients, owner } = useConsole();
  const people = useLoaded(useCallback(() => listPrincipals(clients.iam), [clients]));
  const [index, setIndex] = useState(0);
  // Problems are shown once the user has tried to go on.
  const [tried, setTried] = useState(false);
  const ids: readonly StepId[] = [
    "configure",
    ...(storeStep === undefined ? [] : ["store" as const]),
    "labels",
    "administrators",
    "users",
    "review",
  ];
  const isDone = (step: StepId): boolean => (step === "configure" ? firstStep.isDone : isStepDone(step, draft, owner));
  const goTo = (requested: number) => {
    const stays = requested > index && !isDone(ids[index] ?? "review");
    setTried(stays);
    if (!stays) setIndex(requested);
  };
  // Other choices make another policy: what was written by hand belongs to the earlier ones.
  const choose = (choices: PolicyChoices) => onChange({ ...draft, choices, policy: undefined });
  const stepProps = { draft, tried, owner };
  return (
    <Wizard
      activeStepIndex={index}
      onNavigate={({ detail }) => goTo(detail.requestedStepIndex)}
      onCancel={onCancel}
      onSubmit={() => (isDone("review") ? onFinish() : setTried(true))}
      isLoadingNextStep={busy}
      submitButtonText="Finish"
      steps={[
        {
          title: firstStep.title,
          content: firstStep.content,
          ...(tried && index === 0 && { errorText: firstStep.problem }),
        },
        ...(storeStep === undefined
          ? []
          : [
              {
                title: "Choose a custom key store",
                content: storeStep,
                ...(tried && ids[index] === "store" && { errorText: STORE_PROBLEM }),
              },
            ]),
        { title: "Add labels", content: <LabelsStep {...stepProps} onChange={onChange} /> },
        {
          title: "Define key administrative permissions",
          content: <AdministratorsStep people={people} choices={draft.choices} onChange={choose} />,
        },
        {
          title: "Define key usage permissions",
          content: <UsersStep people={people} choices={draft.choices} owner={owner} onChange={choose} />,
        },
        {
          title: "Review",
          content: (
            <ReviewStep
              {...stepProps}
              {...rest}
              failure={failure}
              onChange={onChange}
              onEdit={(step) => setIndex(ids.indexOf(step))}
            />
          ),
        },
      ]}
    />
  );
}
