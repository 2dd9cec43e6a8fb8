/** The end of a recovery window: a secret goes with its versions and tags. */

import type { DueHandler } from "../../pipeline/due-work.ts";
import type { Recorder } from "../../pipeline/operation.ts";
import type { DueName } from "../../storage/due.ts";
import { deleteSecret } from "../../storage/secrets.ts";
import type { SecretRow } from "../../storage/service-schema.ts";

/** The kind of the due rows that DeleteSecret writes. */
export const DELETE_SECRET = "secretsmanager:DeleteSecret";

/** The due row of a secret; its subject is `account/name`. */
export function dueOf({ region, account, name }: Pick<SecretRow, "region" | "account" | "name">): DueName {
  return { kind: DELETE_SECRET, region, subject: `${account}/${name}` };
}

/** Deletes secrets whose recovery window is over (Secrets Manager guide, CloudTrail: EndSecretVersionDelete). */
export function deleteSecretWhenDue(recorder: Recorder): DueHandler {
  return {
    destructive: true,
    async perform(tx, { region, subject }, { now }) {
      const [account = "", ...parts] = subject.split("/");
      const row = await tx.settle((reader) => reader.find("secret", region, account, parts.join("/")));
      if (row === undefined || row.deletion_at === null || row.deletion_at > now) return;
      await deleteSecret(tx, row);
      await recorder.enlist(tx, {
        service: "secretsmanager",
        event: "EndSecretVersionDelete",
        account,
        region,
        now,
        response: null,
        resources: undefined,
        details: { SecretId: row.arn },
      });
    },
  };
}
