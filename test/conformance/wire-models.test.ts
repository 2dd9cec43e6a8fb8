/** The service models that we serve against the schemas of AWS's own clients: operations, members, kinds and enums. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as cloudtrailClient from "@aws-sdk/client-cloudtrail";
import * as cloudwatchClient from "@aws-sdk/client-cloudwatch";
import * as eventsClient from "@aws-sdk/client-eventbridge";
import * as iamClient from "@aws-sdk/client-iam";
import * as kmsClient from "@aws-sdk/client-kms";
import * as taggingClient from "@aws-sdk/client-resource-groups-tagging-api";
import * as serviceQuotasClient from "@aws-sdk/client-service-quotas";
import * as stsClient from "@aws-sdk/client-sts";
import cloudtrailJson from "../../src/wire/models/cloudtrail.json" with { type: "json" };
import cloudwatchJson from "../../src/wire/models/cloudwatch.json" with { type: "json" };
import eventsJson from "../../src/wire/models/events.json" with { type: "json" };
import iamJson from "../../src/wire/models/iam.json" with { type: "json" };
import kmsJson from "../../src/wire/models/kms.json" with { type: "json" };
import taggingJson from "../../src/wire/models/resourcegroupstaggingapi.json" with { type: "json" };
import serviceQuotasJson from "../../src/wire/models/service-quotas.json" with { type: "json" };
import stsJson from "../../src/wire/models/sts.json" with { type: "json" };

type Exports = Readonly<Record<string, unknown>>;

interface ShapeJson {
  readonly type: string;
  readonly enum?: readonly string[];
  readonly members?: Readonly<Record<string, { readonly shape: string }>>;
  readonly member?: { readonly shape: string };
  readonly key?: { readonly shape: string };
  readonly value?: { readonly shape: string };
}

interface Model {
  readonly operations: Readonly<Record<string, { input?: { shape: string }; output?: { shape: string } }>>;
  readonly shapes: Readonly<Record<string, ShapeJson>>;
}

/** The kinds of the clients' schemas: arrays that begin with one of these, or a number for a simple type. */
const STRUCTURE = 3;
const LIST = 1;
const MAP = 2;
const SIMPLE = 0;
const ERROR = -3;
const UNION = 4;
const OPERATION = 9;
/** Simple types by their numbers; the fifth bit and beyond say how a timestamp is written. */
const SIMPLE_KINDS: ReadonlyMap<number, string> = new Map([
  [0, "string"],
  [1, "number"],
  [2, "boolean"],
  [4, "timestamp"],
  [5, "timestamp"],
  [6, "timestamp"],
  [7, "timestamp"],
  [21, "blob"],
]);
const NUMBERS = ["integer", "long", "double", "float"];

/** A type written out: a simple kind, or the kinds inside, named by member; a structure inside itself by its name. */
type Outline = string | readonly [kind: "list" | "map", of: Outline] | { readonly [member: string]: Outline };

function outlineOfModel({ shapes }: Model, name: string, inside: readonly string[] = []): Outline {
  const shape = shapes[name];
  assert.ok(shape !== undefined, name);
  if (inside.includes(name)) return name;
  const of = (part: { shape: string } | undefined): Outline =>
    outlineOfModel({ shapes, operations: {} }, part?.shape ?? "", [...inside, name]);
  switch (shape.type) {
    case "structure":
      return Object.fromEntries(Object.entries(shape.members ?? {}).map(([member, part]) => [member, of(part)]));
    case "list":
      return ["list", of(shape.member)];
    case "map":
      return ["map", of(shape.value)];
    default:
      return NUMBERS.includes(shape.type) ? "number" : shape.type;
  }
}

/** A schema as the clients export it, or a function that gives it. */
function schemaOf(value: unknown): unknown {
  return typeof value === "function" ? schemaOf((value as () => unknown)()) : value;
}

function outlineOfClient(value: unknown, inside: readonly unknown[] = []): Outline {
  const schema = schemaOf(value);
  if (typeof schema === "number") {
    // Above the simple kinds, a bit marks a list (64) or a map (128) of one.
    if (schema >= 128) return ["map", outlineOfClient(schema - 128)];
    if (schema >= 64) return ["list", outlineOfClient(schema - 64)];
    const kind = SIMPLE_KINDS.get(schema);
    assert.ok(kind !== undefined, `simple kind ${schema}`);
    return kind;
  }
  assert.ok(Array.isArray(schema));
  const [kind, , name, traits, names, types] = schema as [number, string, string, unknown, unknown, unknown];
  if (kind === SIMPLE) return outlineOfClient(names, inside);
  // A member is its type with the traits that it has there.
  if (typeof kind !== "number" || (schema.length === 2 && typeof kind === "object"))
    return outlineOfClient(kind, inside);
  if (inside.includes(schema)) return name;
  const within = [...inside, schema];
  if (kind === LIST) return ["list", outlineOfClient(names, within)];
  if (kind === MAP) return ["map", outlineOfClient(types, within)];
  assert.ok(kind === STRUCTURE || kind === ERROR || kind === UNION, `kind ${kind} of ${name} with traits ${traits}`);
  const members = names as readonly string[];
  return Object.fromEntries(
    members.map((member, index) => [member, outlineOfClient((types as readonly unknown[])[index], within)]),
  );
}

function operationsOf(client: Exports): ReadonlyMap<string, readonly [input: unknown, output: unknown]> {
  const operations = new Map<string, readonly [unknown, unknown]>();
  for (const value of Object.values(client)) {
    if (!Array.isArray(value) || value[0] !== OPERATION) continue;
    operations.set(String(value[2]), [schemaOf(value[4]), schemaOf(value[5])]);
  }
  return operations;
}

/** The enums of a client: objects whose names are made of their values. */
function enumsOf(client: Exports): ReadonlyMap<string, readonly string[]> {
  const enums = new Map<string, readonly string[]>();
  for (const [name, value] of Object.entries(client)) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) continue;
    const values = Object.values(value);
    if (values.length > 0 && values.every((item) => typeof item === "string")) enums.set(name, values.sort());
  }
  return enums;
}

for (const { title, client, model, count } of [
  { title: "KMS", client: kmsClient as Exports, model: kmsJson as Model, count: 56 },
  { title: "STS", client: stsClient as Exports, model: stsJson as Model, count: stsJsonCount() },
]) {
  describe(`the model of ${title}`, () => {
    const operations = operationsOf(client);

    it(`has the ${count} operations of the client`, () => {
      assert.deepEqual([...operations.keys()].sort(), Object.keys(model.operations).sort());
      assert.equal(operations.size, count);
    });

    for (const [name, { input, output }] of Object.entries(model.operations)) {
      it(`has the members and kinds of ${name} that the client has`, () => {
        const [clientInput, clientOutput] = operations.get(name) ?? [];
        assert.deepEqual(
          input === undefined ? {} : outlineOfModel(model, input.shape),
          isUnit(clientInput) ? {} : outlineOfClient(clientInput),
        );
        assert.deepEqual(
          output === undefined ? {} : outlineOfModel(model, output.shape),
          isUnit(clientOutput) ? {} : outlineOfClient(clientOutput),
        );
      });
    }

    it("has the enums of the client, value for value", () => {
      const ours = Object.entries(model.shapes).flatMap(([name, { enum: values }]) =>
        values === undefined ? [] : [[name, [...values].sort()] as const],
      );
      assert.deepEqual(Object.fromEntries([...enumsOf(client)].sort()), Object.fromEntries(ours.sort()));
    });
  });
}

/** Values that the client has and the model does not yet, by enum. */
const CLOUDWATCH_NEWER: Readonly<Record<string, readonly string[]>> = { AlarmType: ["LogAlarm"] };

for (const { title, client, model, count, newer = {} } of [
  { title: "IAM", client: iamClient as Exports, model: iamJson as Model, count: 100 },
  { title: "Service Quotas", client: serviceQuotasClient as Exports, model: serviceQuotasJson as Model, count: 9 },
  { title: "CloudTrail", client: cloudtrailClient as Exports, model: cloudtrailJson as Model, count: 15 },
  { title: "Resource Groups Tagging", client: taggingClient as Exports, model: taggingJson as Model, count: 3 },
  { title: "EventBridge", client: eventsClient as Exports, model: eventsJson as Model, count: 13 },
  {
    title: "CloudWatch",
    client: cloudwatchClient as Exports,
    model: cloudwatchJson as Model,
    count: 9,
    newer: CLOUDWATCH_NEWER,
  },
]) {
  describe(`the model of ${title}, a part of the client's,`, () => {
    const operations = operationsOf(client);

    for (const [name, { input, output }] of Object.entries(model.operations)) {
      it(`has of ${name} members and kinds that the client has, too`, () => {
        assert.ok(operations.has(name));
        const [clientInput, clientOutput] = operations.get(name) ?? [];
        if (input !== undefined) assertPart(outlineOfModel(model, input.shape), outlineOfClient(clientInput), name);
        if (output !== undefined) assertPart(outlineOfModel(model, output.shape), outlineOfClient(clientOutput), name);
      });
    }

    it(`has ${count} operations, and enums with the client's values`, () => {
      assert.equal(Object.keys(model.operations).length, count);
      const enums = enumsOf(client);
      for (const [name, { enum: values }] of Object.entries(model.shapes)) {
        if (values === undefined) continue;
        const clientName = name.charAt(0).toUpperCase() + name.slice(1);
        const ours = [...values, ...(newer[name] ?? [])];
        assert.deepEqual(ours.sort(), [...(enums.get(clientName) ?? [])].sort(), name);
      }
    });
  });
}

/** Asserts that what our model says is said by the client, which is newer and may say more. */
function assertPart(ours: Outline, theirs: Outline, path: string): void {
  if (typeof ours === "string" || typeof theirs === "string") {
    assert.equal(ours, theirs, path);
  } else if (Array.isArray(ours)) {
    assert.ok(Array.isArray(theirs) && ours[0] === theirs[0], path);
    assertPart(ours[1] as Outline, theirs[1] as Outline, `${path}[]`);
  } else {
    for (const [member, part] of Object.entries(ours)) {
      const other: Outline | undefined = (theirs as Readonly<Record<string, Outline>>)[member];
      assert.ok(other !== undefined, `${path}.${member}`);
      assertPart(part, other, `${path}.${member}`);
    }
  }
}

function isUnit(schema: unknown): boolean {
  return schema === undefined || schema === null || schema === "unit";
}

function stsJsonCount(): number {
  return Object.keys(stsJson.operations).length;
}
