/** Event selectors: which events a trail logs. */

import type { AdvancedEventSelector, AdvancedFieldSelector, EventSelector } from "@aws-sdk/client-cloudtrail";
import { InvalidEventSelectorsException } from "../api/errors.ts";

/** Five for each trail (CloudTrail user guide, Quotas). */
const SELECTORS_MAX = 5;
/** What may be left out of a trail (API reference, EventSelector). */
const EXCLUDABLE = ["kms.amazonaws.com", "rdsdata.amazonaws.com"];
const DATA_TYPES = ["AWS::S3::Object", "AWS::Lambda::Function", "AWS::DynamoDB::Table"];

/** Selectors of either kind. */
export type Selectors =
  | { readonly EventSelectors: readonly EventSelector[] }
  | { readonly AdvancedEventSelectors: readonly AdvancedEventSelector[] };

/** Of a trail that nobody gave any: all management events. */
export const DEFAULT_SELECTORS: { readonly EventSelectors: readonly EventSelector[] } = {
  EventSelectors: [
    { ReadWriteType: "All", IncludeManagementEvents: true, DataResources: [], ExcludeManagementEventSources: [] },
  ],
};

/** Selectors as a trail's row keeps them. */
export function parseSelectors(json: string | null): Selectors {
  return json === null ? DEFAULT_SELECTORS : (JSON.parse(json) as Selectors);
}

/**
 * What was given, with the defaults of what was left out.
 *
 * @throws InvalidEventSelectorsException none, too many, or both kinds were given, or a value that there is not
 */
export function requireSelectors(given: {
  readonly EventSelectors?: readonly EventSelector[];
  readonly AdvancedEventSelectors?: readonly AdvancedEventSelector[];
}): Selectors {
  const { EventSelectors: basic, AdvancedEventSelectors: advanced } = given;
  if ((basic === undefined) === (advanced === undefined)) {
    throw invalid("Specify either event selectors or advanced event selectors.");
  }
  const { length } = basic ?? advanced ?? [];
  if (length === 0 || length > SELECTORS_MAX) throw invalid("Specify a valid number of selectors for your trail.");
  if (basic !== undefined) return { EventSelectors: basic.map(withDefaults) };
  for (const { FieldSelectors = [] } of advanced ?? []) requireFields(FieldSelectors);
  return { AdvancedEventSelectors: advanced ?? [] };
}

function withDefaults(selector: EventSelector): EventSelector {
  const { ReadWriteType = "All", IncludeManagementEvents = true } = selector;
  const { DataResources = [], ExcludeManagementEventSources = [] } = selector;
  const excluded = ExcludeManagementEventSources.find((source) => !EXCLUDABLE.includes(source));
  if (excluded !== undefined) throw invalid(`Invalid value for ExcludeManagementEventSources: ${excluded}.`);
  const type = DataResources.find(({ Type = "" }) => !DATA_TYPES.includes(Type))?.Type;
  if (type !== undefined) throw invalid(`Invalid data resource type: ${type}.`);
  return { ReadWriteType, IncludeManagementEvents, DataResources, ExcludeManagementEventSources };
}

const OPERATORS = ["Equals", "StartsWith", "EndsWith", "NotEquals", "NotStartsWith", "NotEndsWith"] as const;
/** Fields of records (API reference, AdvancedFieldSelector). */
const FIELDS = [
  "eventCategory",
  "readOnly",
  "eventSource",
  "eventName",
  "eventType",
  "resources.type",
  "resources.ARN",
  "userIdentity.arn",
  "sessionCredentialFromConsole",
];

function requireFields(selectors: readonly AdvancedFieldSelector[]): void {
  const category = selectors.find(({ Field }) => Field === "eventCategory")?.Equals;
  if (category?.length !== 1) throw invalid("A selector needs one eventCategory.");
  for (const selector of selectors) {
    const { Field = "" } = selector;
    if (!FIELDS.includes(Field)) throw invalid(`Invalid field: ${Field}.`);
    if (!OPERATORS.some((operator) => selector[operator] !== undefined)) throw invalid(`No operator for ${Field}.`);
  }
}

function invalid(message: string): InvalidEventSelectorsException {
  return new InvalidEventSelectorsException(message);
}

/** What selectors look at. */
export type SelectedRecord = Readonly<Record<string, unknown>>;

/** Whether a trail with these selectors logs a record. All records here are of management events. */
export function isSelected(record: SelectedRecord, selectors: Selectors): boolean {
  if ("AdvancedEventSelectors" in selectors) {
    return selectors.AdvancedEventSelectors.some(({ FieldSelectors = [] }) =>
      FieldSelectors.every((selector) => isFieldSelected(record, selector)),
    );
  }
  return selectors.EventSelectors.some((selector) => {
    const { ReadWriteType, IncludeManagementEvents, ExcludeManagementEventSources = [] } = selector;
    if (IncludeManagementEvents !== true) return false;
    if (ReadWriteType !== "All" && (ReadWriteType === "ReadOnly") !== (record["readOnly"] === true)) return false;
    return !ExcludeManagementEventSources.includes(String(record["eventSource"]));
  });
}

function isFieldSelected(record: SelectedRecord, selector: AdvancedFieldSelector): boolean {
  const values = valuesOf(record, selector.Field ?? "");
  const matches = (texts: readonly string[] | undefined, does: (value: string, text: string) => boolean): boolean =>
    values.some((value) => (texts ?? []).some((text) => does(value, text)));
  const { Equals, StartsWith, EndsWith, NotEquals, NotStartsWith, NotEndsWith } = selector;
  const isAny =
    (Equals === undefined && StartsWith === undefined && EndsWith === undefined) ||
    matches(Equals, isEqual) ||
    matches(StartsWith, begins) ||
    matches(EndsWith, ends);
  return isAny && !matches(NotEquals, isEqual) && !matches(NotStartsWith, begins) && !matches(NotEndsWith, ends);
}

const isEqual = (value: string, text: string): boolean => value === text;
const begins = (value: string, text: string): boolean => value.startsWith(text);
const ends = (value: string, text: string): boolean => value.endsWith(text);

function valuesOf(record: SelectedRecord, field: string): readonly string[] {
  const [member = "", part] = field.split(".");
  if (member === "sessionCredentialFromConsole") return ["false"];
  const value = record[member];
  if (part === undefined) return value === undefined ? [] : [String(value)];
  const parts = Array.isArray(value) ? value : [value];
  return parts.flatMap((each: unknown) => {
    const found = typeof each === "object" && each !== null ? (each as SelectedRecord)[part] : undefined;
    return found === undefined ? [] : [String(found)];
  });
}
