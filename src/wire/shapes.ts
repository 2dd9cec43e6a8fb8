/** The shapes of a service model, resolved once: members, wire names, and one closure each that validates. */

import {
  type Constraint,
  type Failures,
  type Limits,
  lengthConstraints,
  NOT_NULL,
  rangeConstraints,
  textConstraints,
} from "./constraints.ts";

/**
 * Adds to `failures` what `value` does not keep; `path` is how AWS names it, such as `tags.1.member.tagKey`. Values are
 * decoded ones: their types fit the shape, and only elements of collections may be null.
 */
export type Validate = (value: unknown, path: string, failures: Failures) => void;

export type ScalarKind = "string" | "blob" | "boolean" | "integer" | "number" | "timestamp";

interface BaseShape {
  readonly name: string;
  /** The model says that its values are secrets. */
  readonly sensitive: boolean;
  /** Its values are left out of messages: secrets, blobs, and what contains them or structures. */
  readonly hidden: boolean;
  readonly validate: Validate;
}

export interface ScalarShape extends BaseShape {
  readonly kind: ScalarKind;
  readonly constraints: readonly Constraint[];
}

export interface ListShape extends BaseShape {
  readonly kind: "list";
  readonly element: Shape;
  /** The query protocol's name of an element; undefined when elements stand in the list's own place (`flattened`). */
  readonly elementName: string | undefined;
}

export interface MapShape extends BaseShape {
  readonly kind: "map";
  readonly key: ScalarShape;
  readonly value: Shape;
  readonly keyName: string;
  readonly valueName: string;
  readonly flattened: boolean;
}

export interface StructureShape extends BaseShape {
  readonly kind: "structure";
  readonly members: readonly Member[];
  /** The member that is the whole body, where HTTP has the others (restXml). */
  readonly payload: string | undefined;
  /** Members that XML has as attributes, and the namespace of their names. */
  readonly attributes: readonly Member[];
  readonly attributeNamespace: XmlNamespace | undefined;
}

interface XmlNamespace {
  readonly prefix: string;
  readonly uri: string;
}

/** Where HTTP has a member that is not in the body; `headers`: each pair of a map in a header of its own. */
export type Location = "uri" | "querystring" | "header" | "headers";

export type Shape = ScalarShape | ListShape | MapShape | StructureShape;

export interface Member {
  readonly name: string;
  /** The query protocol's name, where the model gives another. */
  readonly wireName: string;
  /** As validation messages name it: the first letter in lower case. */
  readonly pathName: string;
  readonly required: boolean;
  readonly location: Location | undefined;
  readonly shape: Shape;
}

/** One shape as the model's JSON has it. */
export interface ShapeDefinition extends Limits {
  readonly type: string;
  readonly sensitive?: boolean;
  readonly flattened?: boolean;
  readonly required?: readonly string[];
  readonly members?: Readonly<Record<string, MemberDefinition>>;
  readonly member?: MemberDefinition;
  readonly key?: MemberDefinition;
  readonly value?: MemberDefinition;
  readonly payload?: string;
  readonly xmlNamespace?: XmlNamespace;
  readonly error?: { readonly code?: string; readonly httpStatusCode?: number };
}

interface MemberDefinition {
  readonly shape: string;
  readonly locationName?: string;
  readonly location?: string;
  readonly xmlAttribute?: boolean;
}

const scalarKinds: ReadonlyMap<string, ScalarKind> = new Map<string, ScalarKind>([
  ["string", "string"],
  ["blob", "blob"],
  ["boolean", "boolean"],
  ["integer", "integer"],
  ["long", "integer"],
  ["float", "number"],
  ["double", "number"],
  ["timestamp", "timestamp"],
]);

/** Resolves the shapes of one model, each once, also where they contain themselves. */
export class Shapes {
  readonly #definitions: Readonly<Record<string, ShapeDefinition>>;
  readonly #resolved = new Map<string, Shape>();

  constructor(definitions: Readonly<Record<string, ShapeDefinition>>) {
    this.#definitions = definitions;
  }

  /** @throws Error the model names a shape or a type that is not there: a broken model is our bug */
  structure(name: string): StructureShape {
    const shape = this.#resolve(name);
    if (shape.kind !== "structure") throw new Error(`Shape ${name} is no structure`);
    return shape;
  }

  #resolve(name: string): Shape {
    const known = this.#resolved.get(name);
    if (known !== undefined) return known;
    const definition = this.#definitions[name];
    if (definition === undefined) throw new Error(`The model has no shape ${name}`);
    switch (definition.type) {
      case "structure":
        return this.#structure(name, definition);
      case "list":
        return this.#keep(this.#list(name, definition));
      case "map":
        return this.#keep(this.#map(name, definition));
      default:
        return this.#keep(scalar(name, definition));
    }
  }

  #keep<S extends Shape>(shape: S): S {
    this.#resolved.set(shape.name, shape);
    return shape;
  }

  /** Known by name before its members are resolved, so that one of them may lead back to it. */
  #structure(name: string, definition: ShapeDefinition): StructureShape {
    const members: Member[] = [];
    const attributes: Member[] = [];
    const shape = this.#keep<StructureShape>({
      name,
      kind: "structure",
      members,
      payload: definition.payload,
      attributes,
      attributeNamespace: definition.xmlNamespace,
      sensitive: definition.sensitive === true,
      hidden: true,
      validate: (value, path, failures) => validateMembers(members, value, path, failures),
    });
    const required = new Set(definition.required);
    for (const [memberName, member] of Object.entries(definition.members ?? {})) {
      const list = member.xmlAttribute === true ? attributes : members;
      list.push({
        name: memberName,
        wireName: member.locationName ?? memberName,
        pathName: memberName.charAt(0).toLowerCase() + memberName.slice(1),
        required: required.has(memberName),
        location: member.location as Location | undefined,
        shape: this.#resolve(member.shape),
      });
    }
    return shape;
  }

  #list(name: string, definition: ShapeDefinition): ListShape {
    const { member } = definition;
    if (member === undefined) throw new Error(`List ${name} has no member`);
    const element = this.#resolve(member.shape);
    const hidden = definition.sensitive === true || element.hidden;
    const lengths = lengthConstraints(definition);
    const elements = `Member must satisfy constraint: [${bracket(element, true)}]`;
    return {
      name,
      kind: "list",
      element,
      elementName: definition.flattened === true ? undefined : (member.locationName ?? "member"),
      sensitive: definition.sensitive === true,
      hidden,
      validate(value, path, failures) {
        const list = value as readonly unknown[];
        check(lengths, list, hidden && !(list.length === 0 && definition.sensitive !== true), path, failures);
        if (!isScalar(element)) {
          for (const [index, item] of list.entries()) {
            validatePart(element, item, `${path}.${index + 1}.member`, failures);
          }
        } else if (!list.every((item) => keeps(element, item))) {
          failures.add(show(list, hidden), path, elements);
        }
      },
    };
  }

  #map(name: string, definition: ShapeDefinition): MapShape {
    if (definition.key === undefined || definition.value === undefined) throw new Error(`Map ${name} lacks a side`);
    const key = this.#resolve(definition.key.shape);
    const value = this.#resolve(definition.value.shape);
    if (!isScalar(key)) throw new Error(`Map ${name} has keys that are no scalars`);
    const hidden = definition.sensitive === true || key.hidden || value.hidden;
    const lengths = lengthConstraints(definition);
    const keys = `Map keys must satisfy constraint: [${bracket(key, false)}]`;
    const values = `Map value must satisfy constraint: [${bracket(value, true)}]`;
    return {
      name,
      kind: "map",
      key,
      value,
      keyName: definition.key.locationName ?? "key",
      valueName: definition.value.locationName ?? "value",
      flattened: definition.flattened === true,
      sensitive: definition.sensitive === true,
      hidden,
      validate(pairs, path, failures) {
        const map = pairs as Readonly<Record<string, unknown>>;
        check(lengths, map, hidden, path, failures);
        let keysKept = true;
        let valuesKept = true;
        for (const name of Object.keys(map)) {
          keysKept &&= keeps(key, name);
          if (isScalar(value)) valuesKept &&= keeps(value, map[name]);
          else validatePart(value, map[name], `${path}.${name}.member`, failures);
        }
        if (!keysKept) failures.add(show(map, hidden), path, keys);
        if (!valuesKept) failures.add(show(map, hidden), path, values);
      },
    };
  }
}

function scalar(name: string, definition: ShapeDefinition): ScalarShape {
  const kind = scalarKinds.get(definition.type);
  if (kind === undefined) throw new Error(`Shape ${name} has the unknown type ${definition.type}`);
  const sized = kind === "string" || kind === "blob";
  const texts = textConstraints(definition);
  const constraints = [
    ...(sized ? lengthConstraints(definition) : rangeConstraints(definition)).map((limit) => yieldTo(texts, limit)),
    ...texts,
  ];
  const hidden = definition.sensitive === true || kind === "blob";
  return {
    name,
    kind,
    constraints,
    sensitive: definition.sensitive === true,
    hidden,
    validate: (value, path, failures) => check(constraints, value, hidden, path, failures),
  };
}

/** Of a text whose characters the service has words on, its length is not spoken of; an empty one has none. */
function yieldTo(texts: readonly Constraint[], limit: Constraint): Constraint {
  const worded = texts.find(({ words }) => words !== undefined);
  if (worded === undefined) return limit;
  return { text: limit.text, holds: (value) => limit.holds(value) || (value !== "" && !worded.holds(value)) };
}

function validateMembers(members: readonly Member[], value: unknown, path: string, failures: Failures): void {
  const structure = value as Readonly<Record<string, unknown>>;
  for (const { name, pathName, required, shape } of members) {
    const member = structure[name];
    if (member !== undefined) {
      shape.validate(member, path === "" ? pathName : `${path}.${pathName}`, failures);
    } else if (required) {
      // Secrets lose the word `null`, blobs as such keep it: KMS has `Value at 'plaintext'`, but `Value null at 'signature'`.
      failures.add(shape.sensitive ? undefined : "null", path === "" ? pathName : `${path}.${pathName}`, NOT_NULL);
    }
  }
}

function validatePart(shape: Shape, value: unknown, path: string, failures: Failures): void {
  if (value === null) failures.add("null", path, NOT_NULL);
  else shape.validate(value, path, failures);
}

function check(constraints: readonly Constraint[], value: unknown, hidden: boolean, path: string, failures: Failures) {
  for (const { text, words, holds } of constraints) {
    if (holds(value)) continue;
    if (words === undefined) failures.add(show(value, hidden), path, text);
    else failures.addWords(words(path));
  }
}

function keeps(shape: ScalarShape, value: unknown): boolean {
  return value !== null && shape.constraints.every((constraint) => constraint.holds(value));
}

function bracket(shape: Shape, notNull: boolean): string {
  const texts = isScalar(shape) ? shape.constraints.map(({ text }) => text) : [];
  return (notNull ? [...texts, NOT_NULL] : texts).join(", ");
}

function isScalar(shape: Shape): shape is ScalarShape {
  return shape.kind !== "structure" && shape.kind !== "list" && shape.kind !== "map";
}

/** The value in quotes, collections as Java prints them, or undefined when it may not be shown. */
function show(value: unknown, hidden: boolean): string | undefined {
  return hidden ? undefined : `'${text(value)}'`;
}

function text(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(text).join(", ")}]`;
  if (value instanceof Date) return value.toISOString();
  if (typeof value !== "object" || value === null) return String(value);
  return `{${Object.entries(value)
    .map(([name, part]) => `${name}=${text(part)}`)
    .join(", ")}}`;
}
