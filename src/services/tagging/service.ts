/** The Resource Groups Tagging API: which resources of an account have which tags (API reference of that service). */

import type { ResourceGroupsTaggingAPI, ResourceTagMapping } from "@aws-sdk/client-resource-groups-tagging-api";
import { asArn } from "../../base/arn.ts";
import { coded, UnsupportedOperationException } from "../../base/errors.ts";
import type { Custody } from "../../custody/custody.ts";
import type { InputOf, OutputOf } from "../../pipeline/client-types.ts";
import type { Operation, RunContext, Service, Target } from "../../pipeline/operation.ts";
import { pageOf } from "../../pipeline/pages.ts";
import { listTaggedResources, listTagTexts, type TagCondition } from "../../storage/tagged-resources.ts";
import { taggingModel } from "../../wire/models.ts";
import { arnOf, idOf, kindsIn, ownerOf, type ResourceKind } from "./kinds.ts";

class InternalServiceException extends coded("InternalServiceException", 500, "Message") {}
class InvalidParameterException extends coded("InvalidParameterException", 400, "Message") {}
class PaginationTokenExpiredException extends coded("PaginationTokenExpiredException", 400, "Message") {}

interface Environment {
  readonly custody: Custody;
}

type Context = RunContext & Environment;
type OperationName = "GetResources" | "GetTagKeys" | "GetTagValues";
type Input<N extends OperationName> = InputOf<ResourceGroupsTaggingAPI, N>;
type Output<N extends OperationName> = OutputOf<ResourceGroupsTaggingAPI, N>;

/** Permissions of this API are on no resource, and tell nothing of who may use what is listed (Service Authorization Reference). */
function read<N extends OperationName>(
  name: N,
  declared: {
    validate?(input: Input<N>): void;
    run(input: Input<N>, context: Context): Promise<Output<N>>;
  },
): Operation {
  const target: Target = {
    as: "account",
    action: `tag:${name}`,
    resolve: (_input, { principal: { account } }) => ({ kind: "found", resource: { arn: "*", account } }),
  };
  return {
    name,
    kind: "read",
    targets: [target],
    record: {
      readOnly: true,
      request: (input) => (Object.keys(input as object).length === 0 ? null : { ...(input as object) }),
      resources: undefined,
    },
    ...(declared.validate && { validate: (input) => declared.validate?.(input as Input<N>) }),
    run: (input, context) => declared.run(input as Input<N>, context as Context),
  };
}

/** Page sizes (API reference, GetResources). */
const RESOURCES = { initial: 50, min: 1, max: 100 };
const TAGS = { min: 100, max: 500 };
/** Keys, and values, of one page; AWS names no number. */
const TEXTS = 100;

type Found = ResourceTagMapping & { readonly place: string; readonly weight: number };

const getResources = read("GetResources", {
  validate(input) {
    const { ResourcesPerPage, TagsPerPage, ResourceARNList, TagFilters = [], ResourceTypeFilters = [] } = input;
    requireBetween("ResourcesPerPage", ResourcesPerPage, RESOURCES);
    requireBetween("TagsPerPage", TagsPerPage, TAGS);
    if (ResourcesPerPage !== undefined && TagsPerPage !== undefined) {
      throw new InvalidParameterException("ResourcesPerPage and TagsPerPage cannot be specified in the same request.");
    }
    if (input.ExcludeCompliantResources === true && input.IncludeComplianceDetails !== true) {
      throw new InvalidParameterException("ExcludeCompliantResources can be used only with IncludeComplianceDetails.");
    }
    if (TagFilters.some(({ Key }) => Key === undefined)) {
      throw new InvalidParameterException("A tag filter must have a key.");
    }
    if (ResourceARNList === undefined) return;
    const isPaged = [ResourcesPerPage, TagsPerPage].some((size) => size !== undefined) || isToken(input);
    if (isPaged || TagFilters.length > 0 || ResourceTypeFilters.length > 0) {
      throw new InvalidParameterException("ResourceARNList cannot be combined with filters or pages.");
    }
    const wrong = ResourceARNList.find((arn) => asArn(arn) === undefined);
    if (wrong !== undefined) {
      throw new InvalidParameterException(`${wrong} is not a valid AmazonResourceName (ARN)`);
    }
  },
  async run(input, context) {
    const { TagFilters = [], ResourceTypeFilters = [], ResourceARNList, TagsPerPage } = input;
    if (input.ExcludeCompliantResources === true) return { PaginationToken: "", ResourceTagMappingList: [] };
    const kinds = kindsIn(context.call).filter(({ type }) => isMeant(type, ResourceTypeFilters));
    const conditions = TagFilters.map(({ Key = "", Values = [] }) => ({ key: Key, values: Values }));
    const limit = ResourceARNList?.length ?? TagsPerPage ?? input.ResourcesPerPage ?? RESOURCES.initial;
    const { items, next = "" } = await pageOf<Found>(
      {
        marker: tokenOf(input),
        limit,
        filter: JSON.stringify([TagFilters, ResourceTypeFilters]),
        list: (after, count) => list({ kinds, conditions, arns: ResourceARNList, after, count }, context),
        nameOf: ({ place }) => place,
        ...(TagsPerPage !== undefined && { fit: (found: readonly Found[]) => fitting(found, TagsPerPage) }),
        invalidMarker,
      },
      context,
    );
    const details = input.IncludeComplianceDetails === true && { ComplianceDetails: { ...COMPLIANT } };
    return {
      PaginationToken: next,
      ResourceTagMappingList: items.map(({ ResourceARN, Tags }) => ({ ResourceARN, Tags, ...details })),
    };
  },
});

/** What resources are where no tag policy says anything. */
const COMPLIANT = { NoncompliantKeys: [], KeysWithNoncompliantValues: [], ComplianceStatus: true };

const getTagKeys = read("GetTagKeys", {
  async run(input, context) {
    const { items, next = "" } = await texts(input, undefined, context);
    return { PaginationToken: next, TagKeys: [...items] };
  },
});

const getTagValues = read("GetTagValues", {
  async run(input, context) {
    const { items, next = "" } = await texts(input, input.Key, context);
    return { PaginationToken: next, TagValues: [...items] };
  },
});

interface Paged {
  readonly PaginationToken?: string;
}

/** The empty text, with which the last page ends, asks for the first one. */
function tokenOf({ PaginationToken }: Paged): string | undefined {
  return PaginationToken === "" ? undefined : PaginationToken;
}

function isToken(input: Paged): boolean {
  return tokenOf(input) !== undefined;
}

/** A token that is none of this list's is as one that is too old. */
const invalidMarker = () => new PaginationTokenExpiredException("The pagination token is not valid or has expired.");

function requireBetween(
  member: string,
  value: number | undefined,
  { min, max }: { readonly min: number; readonly max: number },
): void {
  if (value === undefined || (value >= min && value <= max)) return;
  throw new InvalidParameterException(`${member} must be between ${min} and ${max}.`);
}

/** A filter is a service, such as `kms`, or a type of its resources, such as `kms:key`. */
function isMeant(type: string, filters: readonly string[]): boolean {
  return filters.length === 0 || filters.some((filter) => filter === type || type.startsWith(`${filter}:`));
}

/** How many resources may stand on a page of so many tags; one without tags counts as one tag. */
function fitting(found: readonly Found[], tagsMax: number): number {
  let [tags, resources] = [0, 0];
  for (const { weight } of found) {
    tags += weight;
    if (tags > tagsMax) break;
    resources += 1;
  }
  return Math.max(resources, 1);
}

/** Resources of several kinds, kind by kind, after a place: the kind's type and the id in it. */
async function list(
  wanted: {
    readonly kinds: readonly ResourceKind[];
    readonly conditions: readonly TagCondition[];
    readonly arns: readonly string[] | undefined;
    readonly after: string | undefined;
    readonly count: number;
  },
  { call, store }: Context,
): Promise<Found[]> {
  const { conditions, arns, count } = wanted;
  const [afterType, afterId] = wanted.after?.split(" ") ?? [];
  const found: Found[] = [];
  for (const kind of wanted.kinds) {
    if (found.length >= count || (afterType !== undefined && kind.type < afterType)) continue;
    const ids = arns?.flatMap((arn) => idOf(kind, arn, call) ?? []);
    if (ids?.length === 0) continue;
    const rows = await listTaggedResources(store.db, kind.kind, ownerOf(kind, call), {
      conditions,
      ...(ids !== undefined && { ids }),
      after: kind.type === afterType ? afterId : undefined,
      count: count - found.length,
    });
    for (const { id, tags } of rows) {
      found.push({
        ResourceARN: arnOf(kind, id, call),
        Tags: tags.map(({ key, value }) => ({ Key: key, Value: value })),
        place: `${kind.type} ${id}`,
        weight: tags.length,
      });
    }
  }
  return found;
}

/** Keys of tags, or values under a key, of all kinds, each once. An empty value comes first, so `after` begins with a mark. */
function texts(input: Paged, key: string | undefined, context: Context) {
  const { call, store } = context;
  return pageOf(
    {
      marker: tokenOf(input),
      limit: TEXTS,
      filter: key ?? "",
      async list(after, count) {
        const lists = await Promise.all(
          kindsIn(call).map((kind) =>
            listTagTexts(store.db, kind.kind, ownerOf(kind, call), {
              ...(key !== undefined && { key }),
              after: after?.slice(1) ?? null,
              count,
            }),
          ),
        );
        return [...new Set(lists.flat())].sort(byBytes).slice(0, count);
      },
      nameOf: (text) => `=${text}`,
      invalidMarker,
    },
    context,
  );
}

/** The order in which the database has texts. */
function byBytes(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}

/** Request bodies: a hundred ARNs and fifty filters of twenty values. */
const BODY_BYTES_MAX = 1_048_576;

/** The Resource Groups Tagging API, as far as it reads. */
export function taggingService(environment: Environment): Service {
  const operations = [getResources, getTagKeys, getTagValues];
  return {
    model: taggingModel(),
    operations: new Map(operations.map((each) => [each.name, each])),
    environment: { ...environment },
    bodyBytesMax: BODY_BYTES_MAX,
    unsupported: (operation) => new UnsupportedOperationException(`Keystead does not support ${operation} yet.`),
    internal: (cause) => new InternalServiceException("", { cause }),
  };
}
