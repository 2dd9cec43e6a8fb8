/** BatchGetSecretValue: the values of several secrets, each read as by a request of its own. */

import { ServiceError } from "../../base/errors.ts";
import { InvalidParameterException } from "./errors.ts";
import { pageOfSecrets } from "./lists.ts";
import { type Context, type Input, type Output, onAccount, read } from "./operation.ts";

type Batch = Required<Output<"BatchGetSecretValue">>;

/** Secrets of a page where a request names no number (API reference, BatchGetSecretValue). */
const PAGE = 20;

/** Reads secrets by name, or those that pass filters; what can't be read is told beside what can. The texts are those of public test suites. */
export const batchGetSecretValue = read<"BatchGetSecretValue", Context>("BatchGetSecretValue", {
  targets: [
    onAccount("BatchGetSecretValue"),
    onAccount<Input<"BatchGetSecretValue">>("ListSecrets", {
      as: "list",
      when: ({ Filters }) => Filters !== undefined,
    }),
  ],
  validate({ SecretIdList, Filters, MaxResults }) {
    if (MaxResults !== undefined && Filters === undefined) {
      throw new InvalidParameterException(
        "'Filters' not specified. 'Filters' must also be specified when 'MaxResults' is provided.",
      );
    }
    if ((SecretIdList === undefined) !== (Filters === undefined)) return;
    throw new InvalidParameterException("Either 'SecretIdList' or 'Filters' must be provided, but not both.");
  },
  async run({ SecretIdList, ...input }, context) {
    if (SecretIdList !== undefined) return await readAll(SecretIdList, context);
    const { items, ...rest } = await pageOfSecrets({ MaxResults: PAGE, ...input }, context);
    const names = items.map(({ row }) => row.arn);
    return { ...(await readAll(names, context)), ...rest };
  },
});

async function readAll(
  names: readonly string[],
  { getSecretValue, call }: Context,
): Promise<Pick<Batch, "SecretValues" | "Errors">> {
  const SecretValues: Batch["SecretValues"] = [];
  const Errors: Batch["Errors"] = [];
  for (const SecretId of new Set(names)) {
    try {
      SecretValues.push(await getSecretValue({ SecretId }, call));
    } catch (cause) {
      if (!(cause instanceof ServiceError) || cause.status >= 500) throw cause;
      Errors.push({ SecretId, ErrorCode: cause.code, Message: cause.message });
    }
  }
  return { SecretValues, Errors };
}
