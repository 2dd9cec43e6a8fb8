/** PutParameter, GetParameter, GetParameters, DeleteParameter, DeleteParameters and GetParameterHistory. */

import type { Parameter } from "@aws-sdk/client-ssm";
import { ValidationException } from "../../base/errors.ts";
import type { Call, Target } from "../../pipeline/operation.ts";
import type { SsmParameterRow } from "../../storage/service-schema.ts";
import {
  countParameters,
  deleteParameter as deleteParameterRows,
  findParameter,
  insertParameter,
  insertParameterTags,
  listLabelled,
  listVersions,
  type ParameterName,
} from "../../storage/ssm-parameters.ts";
import { Failures } from "../../wire/constraints.ts";
import { requirePattern } from "./allowed-pattern.ts";
import {
  HierarchyTypeMismatchException,
  noVersion,
  ParameterAlreadyExists,
  ParameterLimitExceeded,
  ParameterMaxVersionLimitExceeded,
  ParameterNotFound,
} from "./errors.ts";
import { labelsOf } from "./labels.ts";
import { type MeantParameter, meantParameter, ownerOf, parameterArn, requireName } from "./names.ts";
import { type Context, change, type Input, onParameter, read } from "./operation.ts";
import { page } from "./pages.ts";
import { forgetPolicies, parsePolicies, planPolicies, shownPolicies } from "./policies.ts";
import { asSecretReference, readReference } from "./secret-references.ts";
import { encryptValue, shownValue } from "./secure-strings.ts";
import { requestedTags } from "./tags.ts";

/** Bytes of a value, and parameters of an account in a Region (Systems Manager guide, Managing parameter tiers). */
const TIERS = {
  Standard: { bytes: 4096, parameters: 10_000 },
  Advanced: { bytes: 8192, parameters: 100_000 },
} as const;
type Tier = keyof typeof TIERS;

/** Versions of a parameter that are kept (API reference, PutParameter). */
const VERSIONS_MAX = 100;

/** What PutParameter has ready before its transaction. */
interface Prepared {
  readonly tier: Tier;
  readonly value: string;
  readonly keyId: string | undefined;
}

/** Writes a parameter; a SecureString's value is encrypted by KMS in the caller's name (KMS guide, Parameter Store). */
export const putParameter = change<"PutParameter", Prepared>("PutParameter", {
  targets: [onParameter("ssm:PutParameter", ({ Name }: Input<"PutParameter">) => Name)],
  validate(input, call) {
    requireName(input.Name, call);
    requireValue(input.Value);
    if (input.KeyId !== undefined && input.Type !== undefined && input.Type !== "SecureString") {
      throw new ValidationException("KeyId is required for SecureString type parameter only.");
    }
    if (input.Overwrite === true && input.Tags !== undefined && input.Tags.length > 0) {
      throw new ValidationException(
        "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or RemoveTagsFromResource.",
      );
    }
    requireBuilt(input);
  },
  async prepare(input, context) {
    const { call, store } = context;
    const before = await findParameter(store.db, { ...ownerOf(call), name: input.Name });
    requireWritable(input, before);
    requirePattern(input.AllowedPattern ?? before?.allowed_pattern ?? "", input.Value);
    const tier = tierOf(input, before);
    if ((input.Type ?? before?.type) !== "SecureString") return { tier, value: input.Value, keyId: undefined };
    const { Name: name, Value: value, KeyId: keyId } = input;
    return { tier, ...(await encryptValue({ name, value, keyId, tier }, context)) };
  },
  async run(input, { call, tx, prepared }) {
    const { tier, value, keyId } = prepared;
    const owner = ownerOf(call);
    const before = await findParameter(tx.db, { ...owner, name: input.Name });
    requireWritable(input, before);
    if (before === undefined && (await countParameters(tx, owner, tier)) >= TIERS[tier].parameters) {
      throw new ParameterLimitExceeded(
        `An account can have at most ${TIERS[tier].parameters} parameters of this tier.`,
      );
    }
    const type = input.Type ?? before?.type;
    const isSecure = type === "SecureString";
    if (type === undefined || tierOf(input, before) !== tier || isSecure !== (keyId !== undefined)) {
      throw new ParameterAlreadyExists("The parameter was changed at the same moment.");
    }
    const version = (before?.version ?? 0) + 1;
    const row = {
      ...owner,
      name: before?.name ?? input.Name,
      version,
      type,
      tier,
      value,
      key_id: keyId ?? null,
      description: input.Description ?? before?.description ?? null,
      modified_at: call.now,
      modified_by: call.principal.arn,
      allowed_pattern: input.AllowedPattern ?? before?.allowed_pattern ?? null,
      policies: input.Policies ?? before?.policies ?? null,
      labels: "[]",
    };
    const oldest = version - VERSIONS_MAX + 1;
    requireUnlabelled(row, oldest, await listLabelled(tx.db, row));
    await insertParameter(tx, row, { oldest });
    const tags = requestedTags(input.Tags);
    if (tags.length > 0) await insertParameterTags(tx, row, tags);
    await planPolicies(tx, row, call.now);
    return { Version: version, Tier: tier };
  },
});

/** @throws ValidationException an empty value, in the words of AWS's front end */
function requireValue(value: string): void {
  const failures = new Failures();
  if (value === "") failures.add("''", "value", "Member must have length greater than or equal to 1");
  failures.throwIfAny();
}

/** A version with a label is never removed for a new one; the text was recorded by public test suites. */
function requireUnlabelled({ name }: ParameterName, oldest: number, labelled: readonly SsmParameterRow[]): void {
  const kept = labelled.find(({ version }) => version < oldest);
  if (kept === undefined) return;
  throw new ParameterMaxVersionLimitExceeded(
    `You attempted to create a new version of ${name} by calling the PutParameter API with the overwrite flag. Version ${kept.version}, the oldest version, can't be deleted because it has a label associated with it. Move the label to another version of the parameter, and try again.`,
  );
}

/** @throws ValidationException a data type that is not here, tags of AWS's own or twice, policies that are none */
function requireBuilt({ Policies, DataType = "text", Tags }: Input<"PutParameter">): void {
  if (Policies !== undefined) parsePolicies(Policies);
  requestedTags(Tags);
  if (DataType === "text") return;
  throw new ValidationException(
    `The following data type is not supported: ${DataType} (Data type names are all lowercase.)`,
  );
}

/** The texts are those of the API reference, and of users who quote them. */
function requireWritable({ Type, Overwrite, KeyId }: Input<"PutParameter">, before: SsmParameterRow | undefined): void {
  if (before === undefined) {
    if (Type !== undefined) return;
    throw new ValidationException("A parameter type is required when you create a parameter.");
  }
  if (Overwrite !== true) {
    throw new ParameterAlreadyExists(
      "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
    );
  }
  if (Type !== undefined && Type !== before.type) {
    throw new HierarchyTypeMismatchException(
      "Parameter Store doesn't support changing a parameter type in a hierarchy. For example, you can't change a parameter from a String type to a SecureString type. You must create a new, unique parameter.",
    );
  }
  if (KeyId !== undefined && before.type !== "SecureString") {
    throw new ValidationException("KeyId is required for SecureString type parameter only.");
  }
}

/** A parameter that is advanced stays so; intelligent tiering takes the cheapest that will do. */
function tierOf({ Tier, Value, Policies = "[]" }: Input<"PutParameter">, before: SsmParameterRow | undefined): Tier {
  const bytes = Buffer.byteLength(Value);
  const isAdvanced = before?.tier === "Advanced";
  if (Tier === "Standard" && isAdvanced) {
    throw new ValidationException(
      "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the advanced-parameter tier to the standard-parameter tier. If necessary, you can delete the advanced parameter and recreate it as a standard parameter.",
    );
  }
  const hasPolicies = parsePolicies(Policies).length > 0;
  const needsMore = bytes > TIERS.Standard.bytes || hasPolicies;
  const isRaised = Tier === "Intelligent-Tiering" && needsMore;
  const tier = Tier === "Advanced" || isAdvanced || isRaised ? "Advanced" : "Standard";
  if (tier === "Standard" && hasPolicies) {
    throw new ValidationException("Parameter policies are for parameters of the advanced tier.");
  }
  if (bytes <= TIERS[tier].bytes) return tier;
  throw new ValidationException(
    tier === "Standard"
      ? "Standard tier parameters support a maximum parameter value of 4096 characters. To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier. For more information, see https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html"
      : "Advanced tier parameters support a maximum parameter value of 8192 characters.",
  );
}

/** A parameter as reads answer it. */
export async function describe(
  row: SsmParameterRow,
  {
    name = row.name,
    selector = "",
    withDecryption = false,
  }: { readonly name?: string; readonly selector?: string; readonly withDecryption?: boolean | undefined },
  context: Context,
): Promise<Parameter> {
  return {
    Name: name,
    Type: row.type,
    Value: await shownValue(row, withDecryption, context),
    Version: row.version,
    ...(selector !== "" && { Selector: selector }),
    LastModifiedDate: new Date(row.modified_at),
    ARN: parameterArn(context.call, row.name),
    DataType: "text",
  };
}

/** One parameter, the newest version or the one after the colon. Its value is in clear only with decryption. */
export const getParameter = read("GetParameter", {
  targets: [onParameter("ssm:GetParameter", ({ Name }: Input<"GetParameter">, call) => nameIn(Name, call))],
  async run({ Name, WithDecryption: withDecryption }, context) {
    const reference = asSecretReference(Name);
    if (reference !== undefined) return { Parameter: await readReference(reference, withDecryption, context) };
    const meant = meantParameter(Name, context.call);
    const { name, selector, version } = meant;
    const owner = ownerOf(context.call);
    const row = await findParameter(context.store.db, { ...owner, name }, version);
    if (row !== undefined) return { Parameter: await describe(row, { ...asked(meant), withDecryption }, context) };
    const newest = version === "newest" ? undefined : await findParameter(context.store.db, { ...owner, name });
    if (newest === undefined) throw new ParameterNotFound();
    throw noVersion(selector.slice(1), name);
  },
});

/** The name of a parameter, or of a reference to a secret, without version and label. */
const nameIn = (text: string, call: Call): string => asSecretReference(text)?.name ?? meantParameter(text, call).name;

/** What of a request its answer repeats. */
const asked = ({ name, isName, selector }: MeantParameter) => ({ selector, ...(isName && { name }) });

/** Names of one request (the model's ParameterNameList). */
const NAMES_MAX = 10;

/** A permission on each of the names. */
function onEach(action: string, isReading: boolean): readonly Target<{ readonly Names: readonly string[] }>[] {
  return Array.from({ length: NAMES_MAX }, (_, index) =>
    onParameter(
      action,
      ({ Names }: { readonly Names: readonly string[] }, call: Call) => {
        const name = Names[index];
        return name === undefined || !isReading ? name : nameIn(name, call);
      },
      `parameter ${index}`,
    ),
  );
}

/** Several parameters; those that are not there are named, and fail nothing. */
export const getParameters = read("GetParameters", {
  targets: onEach("ssm:GetParameters", true) as never,
  async run({ Names = [], WithDecryption: withDecryption }, context) {
    const Parameters: Parameter[] = [];
    const InvalidParameters: string[] = [];
    for (const text of new Set(Names)) {
      const parameter = await findNamed(text, withDecryption, context);
      if (parameter === undefined) InvalidParameters.push(text);
      else Parameters.push(parameter);
    }
    Parameters.sort(({ Name: left = "" }, { Name: right = "" }) => (left < right ? -1 : 1));
    return { Parameters, InvalidParameters };
  },
});

/** What a name means, if it is there. */
async function findNamed(
  text: string,
  withDecryption: boolean | undefined,
  context: Context,
): Promise<Parameter | undefined> {
  const reference = asSecretReference(text);
  if (reference !== undefined) {
    try {
      return await readReference(reference, withDecryption, context);
    } catch (cause) {
      if (cause instanceof ParameterNotFound) return undefined;
      throw cause;
    }
  }
  const meant = meantParameter(text, context.call);
  const { name, version } = meant;
  const row = await findParameter(context.store.db, { ...ownerOf(context.call), name }, version);
  return row && (await describe(row, { ...asked(meant), withDecryption }, context));
}

/** Removes a parameter with all its versions. */
export const deleteParameter = change("DeleteParameter", {
  targets: [onParameter("ssm:DeleteParameter", ({ Name }: Input<"DeleteParameter">) => Name)],
  async run({ Name: name }, { call, tx }) {
    if (!(await deleteParameterRows(tx, { ...ownerOf(call), name }))) throw new ParameterNotFound();
    await forgetPolicies(tx, { ...ownerOf(call), name });
    return {};
  },
});

/** Removes several parameters; those that are not there are named. */
export const deleteParameters = change("DeleteParameters", {
  targets: onEach("ssm:DeleteParameters", false) as never,
  async run({ Names = [] }, { call, tx }) {
    const DeletedParameters: string[] = [];
    const InvalidParameters: string[] = [];
    for (const name of new Set(Names)) {
      const wasThere = await deleteParameterRows(tx, { ...ownerOf(call), name });
      await forgetPolicies(tx, { ...ownerOf(call), name });
      (wasThere ? DeletedParameters : InvalidParameters).push(name);
    }
    return { DeletedParameters, InvalidParameters };
  },
});

/** The versions of a parameter, oldest first. */
export const getParameterHistory = read("GetParameterHistory", {
  targets: [onParameter("ssm:GetParameterHistory", ({ Name }: Input<"GetParameterHistory">) => Name)],
  async run(input, context) {
    const name = { ...ownerOf(context.call), name: input.Name };
    if ((await findParameter(context.store.db, name)) === undefined) throw new ParameterNotFound();
    const { items, ...rest } = await page(input, context, {
      initial: 50,
      filter: input.Name,
      list: (after, count) => listVersions(context.store.db, name, { after: Number(after ?? 0), count }),
      nameOf: ({ version }) => String(version),
    });
    const versions = items.map(async (row) => {
      const {
        Selector: _selector,
        ARN: _arn,
        ...shown
      } = await describe(row, { withDecryption: input.WithDecryption }, context);
      return { ...shown, ...metadata(row, context.call.now), Labels: labelsOf(row) };
    });
    return { Parameters: await Promise.all(versions), ...rest };
  },
});

/** What lists tell of a version beside its value. */
export function metadata(row: SsmParameterRow, now: number) {
  return {
    ...(row.key_id !== null && { KeyId: row.key_id }),
    LastModifiedUser: row.modified_by,
    ...(row.description !== null && { Description: row.description }),
    ...(row.allowed_pattern !== null && row.allowed_pattern !== "" && { AllowedPattern: row.allowed_pattern }),
    Tier: row.tier,
    Policies: shownPolicies(row, now),
  };
}
