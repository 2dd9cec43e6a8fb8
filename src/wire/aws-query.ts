/** The protocol awsQuery: form parameters in, XML out. */

import { ExpiredTokenException, SerializationException, type ServiceError } from "../base/errors.ts";
import { Failures } from "./constraints.ts";
import { type FormNode, formText, numbered, parseForm } from "./form.ts";
import type { Codec, OperationModel } from "./model.ts";
import type { WireAnswer, WireRequest } from "./protocol.ts";
import { decodeBase64 } from "./scalars.ts";
import type { ListShape, MapShape, ScalarKind, Shape, StructureShape } from "./shapes.ts";
import { attribute, element, elementWith, escapeXml } from "./xml.ts";

const CONTENT_TYPE = "text/xml";

export interface QueryError {
  readonly code: string;
  readonly status: number;
  /** In the place of the error's own. */
  readonly message?: string;
}

/** The common errors that query services name otherwise (AWS general reference, Common errors; STS, Common errors). */
const commonErrors: ReadonlyMap<string, QueryError> = new Map([
  ["AccessDeniedException", { code: "AccessDenied", status: 403 }],
  ["IncompleteSignatureException", { code: "IncompleteSignature", status: 400 }],
  ["InvalidSignatureException", { code: "SignatureDoesNotMatch", status: 403 }],
  ["MissingAuthenticationTokenException", { code: "MissingAuthenticationToken", status: 403 }],
  ["SerializationException", { code: "MalformedInput", status: 400 }],
  ["ServiceUnavailableException", { code: "ServiceUnavailable", status: 503 }],
  ["ThrottlingException", { code: "Throttling", status: 400 }],
  ["UnknownOperationException", { code: "InvalidAction", status: 400 }],
  ["UnrecognizedClientException", { code: "InvalidClientTokenId", status: 403 }],
  ["ValidationException", { code: "ValidationError", status: 400 }],
]);

/** Of credentials; STS has an error of its own with the same name, of the tokens of identity providers. */
const EXPIRED_TOKEN: QueryError = { code: "ExpiredToken", status: 403 };

export interface QuerySettings {
  /** What `Version` must say. */
  readonly version: string;
  readonly namespace: string;
  /** Codes and statuses of the service's own errors, by class name. */
  readonly errors: ReadonlyMap<string, QueryError>;
}

export class AwsQueryCodec implements Codec {
  readonly #settings: QuerySettings;

  constructor(settings: QuerySettings) {
    this.#settings = settings;
  }

  operationName(request: WireRequest): string | undefined {
    return findAction(request, this.#settings.version);
  }

  /** As users quote it of several services. */
  wordsOnUnknown(request: WireRequest): string {
    return `Could not find operation ${this.operationName(request) ?? ""} for version ${this.#settings.version}`;
  }

  decode({ input }: OperationModel, request: WireRequest): Readonly<Record<string, unknown>> {
    const value = decodeStructure(input, parseForm(formText(request)), AWS_QUERY);
    const failures = new Failures();
    input.validate(value, "", failures);
    failures.throwIfAny();
    return value;
  }

  encode({ name, output, resultWrapper }: OperationModel, value: unknown, requestId: string): WireAnswer {
    const members = output === undefined ? "" : encodeMembers(output, value ?? {}, "shortest");
    const result = output === undefined || resultWrapper === undefined ? members : element(resultWrapper, members);
    const metadata = element("ResponseMetadata", element("RequestId", escapeXml(requestId)));
    const body = element(`${name}Response`, result + metadata, this.#settings.namespace);
    return { status: 200, contentType: CONTENT_TYPE, body };
  }

  encodeError(error: ServiceError, requestId: string): WireAnswer {
    const { code, status } = queryErrorOf(error, this.#settings.errors);
    const parts = [
      element("Type", status < 500 ? "Sender" : "Receiver"),
      element("Code", escapeXml(code)),
      ...(error.message === "" ? [] : [element("Message", escapeXml(error.message))]),
    ];
    const content = element("Error", parts.join("")) + element("RequestId", escapeXml(requestId));
    return { status, contentType: CONTENT_TYPE, body: element("ErrorResponse", content, this.#settings.namespace) };
  }
}

/** Code and status of an error in the query protocol. */
export function queryErrorOf(error: ServiceError, ofService: ReadonlyMap<string, QueryError>): QueryError {
  if (error instanceof ExpiredTokenException) return EXPIRED_TOKEN;
  return ofService.get(error.code) ?? commonErrors.get(error.code) ?? error;
}

/** The `Action` of a request whose `Version` is this one. */
export function findAction(request: WireRequest, version: string): string | undefined {
  const form = findForm(request);
  return form?.children.get("Version")?.value === version ? form.children.get("Action")?.value : undefined;
}

/** A request that is no form names no operation. */
function findForm(request: WireRequest): FormNode | undefined {
  try {
    return parseForm(formText(request));
  } catch (error) {
    if (error instanceof SerializationException) return undefined;
    throw error;
  }
}

function decode(shape: Shape, node: FormNode, style: FormStyle): unknown {
  switch (shape.kind) {
    case "structure":
      return decodeStructure(shape, node, style);
    case "list":
      return decodeList(shape, node, style);
    case "map":
      return decodeMap(shape, node, style);
    default:
      return scalarDecoders[shape.kind](requireValue(node));
  }
}

/** How a protocol writes the names of parameters. */
export interface FormStyle {
  /** The name of a member whose name on the wire is this. */
  member(wireName: string): string;
  /** Whether the numbers of a list's elements follow its name at once. */
  readonly flatLists: boolean;
}

const AWS_QUERY: FormStyle = { member: (wireName) => wireName, flatLists: false };

/** Reads the members of a structure from parameters. */
export function decodeStructure(
  { members }: StructureShape,
  node: FormNode,
  style: FormStyle,
): Record<string, unknown> {
  const structure: Record<string, unknown> = {};
  for (const { name, wireName, shape } of members) {
    const child = node.children.get(style.member(wireName));
    if (child !== undefined) structure[name] = decode(shape, child, style);
  }
  return structure;
}

/** `Name=` alone is how clients write an empty list. */
function decodeList({ element: item, elementName }: ListShape, node: FormNode, style: FormStyle): unknown[] {
  const elements = elementName === undefined || style.flatLists ? node : node.children.get(elementName);
  return elements === undefined ? [] : numbered(elements).map((child) => decode(item, child, style));
}

function decodeMap(
  { key, value, keyName, valueName, flattened }: MapShape,
  node: FormNode,
  style: FormStyle,
): Record<string, unknown> {
  const map: Record<string, unknown> = Object.create(null);
  const entries = flattened ? node : node.children.get("entry");
  for (const entry of entries === undefined ? [] : numbered(entries)) {
    const name = entry.children.get(keyName);
    const part = entry.children.get(valueName);
    if (name === undefined || part === undefined) throw new SerializationException();
    map[String(decode(key, name, style))] = decode(value, part, style);
  }
  return map;
}

function requireValue({ value }: FormNode): string {
  if (value === undefined) throw new SerializationException("Start of structure or map found where not expected.");
  return value;
}

const ISO_8601 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

const scalarDecoders: Readonly<Record<ScalarKind, (text: string) => unknown>> = {
  string: (text) => text,
  blob: decodeBase64,
  boolean: (text) => (text === "true" || text === "false" ? text === "true" : refuse("a Boolean")),
  integer: (text) => (/^[+-]?\d{1,10}$/.test(text) ? Number(text) + 0 : refuse("an Integer")),
  number: (text) => (/^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text) ? Number(text) : refuse("a Double")),
  timestamp(text) {
    const date = new Date(ISO_8601.test(text) ? text : Number.NaN);
    return Number.isNaN(date.getTime()) ? refuse("milliseconds since epoch") : date;
  },
};

function refuse(wanted: string): never {
  throw new SerializationException(`STRING_VALUE can not be converted to ${wanted}`);
}

/** How times are written: STS and IAM write whole seconds without a fraction, EC2 and S3 with one. */
export type TimeStyle = "shortest" | "milliseconds";

/** The members of a structure as elements; those that HTTP has elsewhere are not among them. */
export function encodeMembers({ members }: StructureShape, value: unknown, times: TimeStyle): string {
  const source = value as Readonly<Record<string, unknown>>;
  return members
    .map(({ name, wireName, location, shape }) =>
      source[name] === undefined || location !== undefined ? "" : encode(shape, wireName, source[name], times),
    )
    .join("");
}

/** The members of a structure that are attributes, after the namespace of their names. */
function attributesOf({ attributes, attributeNamespace }: StructureShape, value: unknown): string {
  if (attributes.length === 0) return "";
  const source = value as Readonly<Record<string, unknown>>;
  const { prefix = "", uri = "" } = attributeNamespace ?? {};
  const texts = attributes.map(({ name, wireName }) => attribute(wireName, String(source[name])));
  return attribute(`xmlns:${prefix}`, uri) + texts.join("");
}

function encode(shape: Shape, name: string, value: unknown, times: TimeStyle): string {
  switch (shape.kind) {
    case "structure":
      return elementWith(name, attributesOf(shape, value), encodeMembers(shape, value, times));
    case "list": {
      const { element: item, elementName } = shape;
      const items = (value as readonly unknown[])
        .map((part) => encode(item, elementName ?? name, part, times))
        .join("");
      return elementName === undefined ? items : element(name, items);
    }
    case "map": {
      const entryName = shape.flattened ? name : "entry";
      const entries = Object.entries(value as object).map(([key, part]) => {
        const keyText = encode(shape.key, shape.keyName, key, times);
        return element(entryName, keyText + encode(shape.value, shape.valueName, part, times));
      });
      return shape.flattened ? entries.join("") : element(name, entries.join(""));
    }
    case "timestamp":
      return element(name, encodeTime(value as Date, times));
    default:
      return element(name, scalarEncoders[shape.kind](value));
  }
}

function encodeTime(time: Date, times: TimeStyle): string {
  return times === "milliseconds" ? time.toISOString() : time.toISOString().replace(".000Z", "Z");
}

const scalarEncoders: Readonly<Record<Exclude<ScalarKind, "timestamp">, (value: unknown) => string>> = {
  string: (value) => escapeXml(String(value)),
  blob: (value) => (value as Uint8Array).toBase64(),
  boolean: String,
  integer: String,
  number: String,
};
