/** The tab "Tags". */

import { TagResourceCommand, UntagResourceCommand } from "@aws-sdk/client-kms";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import { useCallback, useState } from "react";
import { listTags } from "../api/list-tags.ts";
import { areTagsSound, type TagDraft } from "../model/key-draft.ts";
import { tagChanges } from "../model/tag-changes.ts";
import { FailureAlert } from "../parts/failure-alert.tsx";
import { useNotify } from "../parts/notices.ts";
import { TagFields } from "../parts/tag-fields.tsx";
import { useAction } from "../parts/use-action.ts";
import { useLoaded } from "../parts/use-loaded.ts";
import { useConsole } from "../session/use-console.ts";
import type { TabProps } from "./tab-content.tsx";

export function TagsTab({ metadata }: TabProps) {
  const { clients } = useConsole();
  const keyId = metadata.KeyId ?? "";
  const { value, failure, loading, reload } = useLoaded(
    useCallback(() => listTags(clients.kms, keyId), [clients, keyId]),
    "kms:ListResourceTags",
  );
  const [isEditing, setEditing] = useState(false);
  const isPending = metadata.KeyState === "PendingDeletion" || metadata.KeyState === "PendingReplicaDeletion";
  if (value !== undefined && isEditing) {
    return (
      <TagEditor
        keyId={keyId}
        before={value}
        onClose={(changed) => {
          setEditing(false);
          if (changed) reload();
        }}
      />
    );
  }
  return (
    <SpaceBetween size="m">
      <FailureAlert failure={failure} />
      <Table<TagDraft>
        trackBy="key"
        items={value ?? []}
        loading={loading && value === undefined}
        loadingText="Loading tags"
        ariaLabels={{ tableLabel: "Tags" }}
        columnDefinitions={[
          { id: "key", header: "Tag key", cell: ({ key }) => key, isRowHeader: true },
          { id: "value", header: "Tag value", cell: ({ value: text }) => text },
        ]}
        empty={<Box textAlign="center">No tags</Box>}
        header={
          <Header
            variant="h2"
            counter={`(${value?.length ?? 0})`}
            actions={
              <Button
                ariaLabel="Edit tags"
                disabled={isPending || value === undefined}
                onClick={() => setEditing(true)}
              >
                {value?.length === 0 ? "Create tag" : "Edit"}
              </Button>
            }
          >
            Tags
          </Header>
        }
      />
    </SpaceBetween>
  );
}

interface TagEditorProps {
  readonly keyId: string;
  readonly before: readonly TagDraft[];
  onClose(changed: boolean): void;
}

function TagEditor({ keyId, before, onClose }: TagEditorProps) {
  const { clients } = useConsole();
  const notify = useNotify();
  const { busy, failure, run } = useAction();
  const [tags, setTags] = useState<readonly TagDraft[]>(before.length > 0 ? before : [{ key: "", value: "" }]);
  const [tried, setTried] = useState(false);
  const save = async () => {
    setTried(true);
    if (!areTagsSound(tags)) return;
    const { put, removed } = tagChanges(before, tags);
    const isRemoved =
      removed.length === 0 ||
      (await run(async () => {
        await clients.kms.send(new UntagResourceCommand({ KeyId: keyId, TagKeys: [...removed] }));
      }, "kms:UntagResource"));
    const isPut =
      isRemoved &&
      (put.length === 0 ||
        (await run(async () => {
          await clients.kms.send(new TagResourceCommand({ KeyId: keyId, Tags: [...put] }));
        }, "kms:TagResource")));
    if (!isPut) return;
    notify("The tags were saved.");
    onClose(true);
  };
  return (
    <Container
      header={
        <Header
          variant="h2"
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button variant="link" onClick={() => onClose(false)}>
                Cancel
              </Button>
              <Button variant="primary" loading={busy} onClick={() => void save()}>
                Save changes
              </Button>
            </SpaceBetween>
          }
        >
          Edit tags
        </Header>
      }
    >
      <SpaceBetween size="m">
        <FailureAlert failure={failure} />
        <TagFields tags={tags} tried={tried} onChange={setTags} />
      </SpaceBetween>
    </Container>
  );
}
