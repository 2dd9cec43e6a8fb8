/** The wizard "Create new replica keys": filled in as the primary key is, and kept like it by nobody. */

import {
  CreateAliasCommand,
  DescribeKeyCommand,
  GetKeyPolicyCommand,
  type KeyMetadata,
  ReplicateKeyCommand,
} from "@aws-sdk/client-kms";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Multiselect from "@cloudscape-design/components/multiselect";
import Spinner from "@cloudscape-design/components/spinner";
import { useCallback, useState } from "react";
import { useNavigate, useParams } from "react-router-dom";
import { allAliases } from "../api/list-keys.ts";
import { listTags } from "../api/list-tags.ts";
import { type KeyDraft, policyOfDraft, tagsOfDraft } from "../model/key-draft.ts";
import { aliasLabel } from "../model/key-rows.ts";
import { regionOption, replicaRegions } from "../model/regions.ts";
import { regionsOfSet } from "../model/related-keys.ts";
import { replicaDraft } from "../model/replica-draft.ts";
import { FailureAlert } from "../parts/failure-alert.tsx";
import { useNotify } from "../parts/notices.ts";
import { useAction } from "../parts/use-action.ts";
import { useLoaded } from "../parts/use-loaded.ts";
import { useConsole } from "../session/use-console.ts";
import { KeyWizard } from "./key-wizard.tsx";

export function ReplicatePage() {
  const { keyId = "" } = useParams();
  const { clients, owner } = useConsole();
  const { value, failure } = useLoaded(
    useCallback(async () => {
      const { kms } = clients;
      const [described, policy, aliases, tags] = await Promise.all([
        kms.send(new DescribeKeyCommand({ KeyId: keyId })),
        kms.send(new GetKeyPolicyCommand({ KeyId: keyId })),
        allAliases(kms, keyId),
        listTags(kms, keyId),
      ]);
      const metadata = described.KeyMetadata ?? { KeyId: keyId };
      const [alias = ""] = aliases.map(({ AliasName = "" }) => aliasLabel(AliasName)).sort();
      return { metadata, draft: replicaDraft({ metadata, policy: policy.Policy ?? "", alias, tags, owner }) };
    }, [clients, keyId, owner]),
  );
  if (value === undefined) return failure === undefined ? <Spinner size="large" /> : <FailureAlert failure={failure} />;
  return <ReplicaWizard metadata={value.metadata} first={value.draft} />;
}

function ReplicaWizard({ metadata, first }: { readonly metadata: KeyMetadata; readonly first: KeyDraft }) {
  const { clients, owner, region, link, kmsIn } = useConsole();
  const navigate = useNavigate();
  const notify = useNotify();
  const { busy, failure, run } = useAction();
  const [draft, setDraft] = useState(first);
  const [regions, setRegions] = useState<readonly string[]>([]);
  // What is done is not done again where a later Region is refused.
  const [replicated, setReplicated] = useState<readonly string[]>([]);
  const [named, setNamed] = useState<readonly string[]>([]);
  const KeyId = metadata.KeyId ?? "";
  const page = link(`keys/${KeyId}/regionality`);
  const taken = regionsOfSet(metadata);
  const replicate = async (ReplicaRegion: string): Promise<boolean> => {
    const isReplica =
      replicated.includes(ReplicaRegion) ||
      (await run(async () => {
        await clients.kms.send(
          new ReplicateKeyCommand({
            KeyId,
            ReplicaRegion,
            Policy: policyOfDraft(draft, owner),
            Description: draft.description,
            ...(draft.tags.length > 0 && { Tags: tagsOfDraft(draft) }),
          }),
        );
      }, `kms:ReplicateKey (${ReplicaRegion})`));
    if (!isReplica) return false;
    setReplicated((last) => [...last, ReplicaRegion]);
    const isNamed =
      named.includes(ReplicaRegion) ||
      (await run(async () => {
        const alias = { AliasName: `alias/${draft.alias}`, TargetKeyId: KeyId };
        await kmsIn(ReplicaRegion).send(new CreateAliasCommand(alias));
      }, `kms:CreateAlias (${ReplicaRegion})`));
    if (isNamed) setNamed((last) => [...last, ReplicaRegion]);
    return isNamed;
  };
  const finish = async () => {
    for (const one of regions) if (!(await replicate(one))) return;
    notify(
      regions.length === 1
        ? `A replica key was created in ${regions[0]}.`
        : `${regions.length} replica keys were created.`,
    );
    navigate(page);
  };
  return (
    <KeyWizard
      draft={draft}
      onChange={setDraft}
      firstStep={{
        title: "Select replica Regions",
        isDone: regions.length > 0,
        problem: "Choose one Region or more.",
        content: (
          <Container header={<Header variant="h2">Replica Regions</Header>}>
            <FormField
              label="Regions"
              description="One replica key is created in each. Regions that have a key of this set can't be chosen."
            >
              <Multiselect
                placeholder="Choose Regions"
                filteringType="auto"
                options={replicaRegions(region, taken)}
                selectedOptions={regions.map(regionOption)}
                onChange={({ detail }) => setRegions(detail.selectedOptions.flatMap(({ value }) => value ?? []))}
              />
            </FormField>
          </Container>
        ),
      }}
      replicaRegions={regions}
      busy={busy}
      failure={failure}
      notice={
        replicated.length > 0 && failure !== undefined
          ? `Replica keys exist already in ${replicated.join(", ")}.`
          : undefined
      }
      onFinish={() => void finish()}
      onCancel={() => navigate(page)}
    />
  );
}
