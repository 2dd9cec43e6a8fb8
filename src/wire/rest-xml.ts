/** The protocol restXml as S3 speaks it: members in path, query, headers and body; XML or the bytes themselves in either direction. */

import { coded, SerializationException, type ServiceError, ValidationException } from "../base/errors.ts";
import { encodeMembers, type QueryError } from "./aws-query.ts";
import { Failures } from "./constraints.ts";
import type { Codec, OperationModel } from "./model.ts";
import type { BodyStream, WireAnswer, WireRequest } from "./protocol.ts";
import { type HttpBinding, RestRoutes, type Target } from "./rest-routes.ts";
import {
  COMMON_ERRORS,
  isForS3,
  PARAMETER_ERRORS,
  ROOT_ELEMENTS,
  S3_NAMESPACE,
  SUBRESOURCES,
  s3Host,
  UNWRAPPED,
} from "./s3-dialect.ts";
import type { Member, ScalarKind, Shape, StructureShape } from "./shapes.ts";
import { element, escapeXml } from "./xml.ts";
import { parseXml, type XmlElement } from "./xml-reader.ts";

const XML = "application/xml";
const XML_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n';

export interface RestXmlSettings {
  readonly http: readonly HttpBinding[];
  readonly models: ReadonlyMap<string, OperationModel>;
  /** Codes and statuses of the service's own errors, by class name. */
  readonly errors: ReadonlyMap<string, QueryError>;
}

export class RestXmlCodec implements Codec {
  readonly #settings: RestXmlSettings;
  readonly #statuses: ReadonlyMap<string, number>;
  #routes: RestRoutes | undefined;

  constructor(settings: RestXmlSettings) {
    this.#settings = settings;
    this.#statuses = new Map(settings.http.map(({ name, responseCode = 200 }) => [name, responseCode]));
  }

  operationName({ method, target, headers }: WireRequest): string | undefined {
    if (!isForS3(target, headers)) return undefined;
    const parsed = findTarget(target, headers["host"] ?? "");
    if (parsed === undefined) return undefined;
    this.#routes ??= new RestRoutes(this.#settings.http, this.#settings.models, SUBRESOURCES);
    return this.#routes.find(method, parsed, headers);
  }

  /**
   * @throws InvalidParameterException a header or parameter has no value of its type, or none that the model knows
   * @throws SerializationException, MissingRequestBodyError the document in the body has not what the model demands, or is not there
   */
  decode({ input }: OperationModel, request: WireRequest): Readonly<Record<string, unknown>> {
    const target = findTarget(request.target, request.headers["host"] ?? "");
    if (target === undefined) throw new ValidationException("Couldn't parse the specified URI.");
    const value: Record<string, unknown> = {};
    for (const member of input.members) {
      const found = memberOf(member, input, request, target);
      if (found === undefined && member.required) throw missing(member);
      if (found === undefined) continue;
      requireValid(member, found);
      value[member.name] = found;
    }
    return value;
  }

  encode({ name, output }: OperationModel, value: unknown, requestId: string): WireAnswer {
    const members = (value ?? {}) as Readonly<Record<string, unknown>>;
    const headers = { ...ids(requestId), ...(output === undefined ? {} : headersOf(output, members)) };
    const status =
      typeof members["StatusCode"] === "number" ? members["StatusCode"] : (this.#statuses.get(name) ?? 200);
    const contentType = headers["Content-Type"] ?? XML;
    return { status, contentType, headers, body: output === undefined ? "" : bodyOf(name, output, members) };
  }

  encodeError(error: ServiceError, requestId: string): WireAnswer {
    const { code, status, message = error.message } = this.#settings.errors.get(error.code) ?? spelled(error);
    const isHeader = (name: string) => status === 304 || name.startsWith("x-amz-");
    const details = Object.entries(error.details).filter(([name]) => !isHeader(name));
    const headers = Object.fromEntries(Object.entries(error.details).filter(([name]) => isHeader(name)));
    const content = [
      element("Code", escapeXml(code)),
      element("Message", escapeXml(message)),
      ...details.map(([name, text]) => element(name, escapeXml(text))),
      element("RequestId", escapeXml(requestId)),
      element("HostId", escapeXml(requestId)),
    ];
    const body = status === 304 ? "" : `${XML_HEAD}${element("Error", content.join(""))}`;
    return { status, contentType: XML, headers: { ...ids(requestId), ...headers }, body };
  }
}

function spelled(error: ServiceError): QueryError {
  return COMMON_ERRORS.get(error.code) ?? error;
}

/** Every answer has both; S3 gives a longer one for its own use. */
function ids(requestId: string): Record<string, string> {
  return { "x-amz-request-id": requestId, "x-amz-id-2": requestId };
}

/** Path and query; the bucket is in the Host or in the path. Undefined for broken escapes. */
function findTarget(target: string, host: string): Target | undefined {
  const mark = target.indexOf("?");
  const path = decoded(mark < 0 ? target : target.slice(0, mark));
  const query = mark < 0 ? new Map<string, string>() : findQuery(target.slice(mark + 1));
  if (path === undefined || query === undefined) return undefined;
  const ofHost = s3Host(host)?.bucket;
  if (ofHost !== undefined) return { labels: labelsOf(ofHost, path.slice(1)), query };
  const slash = path.indexOf("/", 1);
  const bucket = slash < 0 ? path.slice(1) : path.slice(1, slash);
  return { labels: labelsOf(bucket, slash < 0 ? "" : path.slice(slash + 1)), query };
}

function labelsOf(Bucket: string, Key: string): Readonly<Record<string, string>> {
  if (Bucket === "" && Key === "") return {};
  return Key === "" ? { Bucket } : { Bucket, Key };
}

function findQuery(text: string): ReadonlyMap<string, string> | undefined {
  const query = new Map<string, string>();
  for (const pair of text.split("&")) {
    const equals = pair.indexOf("=");
    const name = decoded(equals < 0 ? pair : pair.slice(0, equals));
    const value = decoded(equals < 0 ? "" : pair.slice(equals + 1));
    if (name === undefined || value === undefined) return undefined;
    if (name !== "") query.set(name, value);
  }
  return query;
}

/** Percent-encoded UTF-8, a character for each byte as `node:http` has it; undefined for what is none. */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replace(/[\x80-\xff]/g, (char) => `%${char.charCodeAt(0).toString(16)}`));
  } catch (cause) {
    if (cause instanceof URIError) return undefined;
    throw cause;
  }
}

function memberOf(member: Member, input: StructureShape, request: WireRequest, { labels, query }: Target): unknown {
  const { name, wireName, location, shape } = member;
  switch (location) {
    case "uri":
      return labels[wireName];
    case "querystring":
      return scalarOf(member, query.get(wireName));
    case "header":
      return scalarOf(member, request.headers[wireName.toLowerCase()]);
    case "headers":
      return headersWith(wireName.toLowerCase(), request.headers);
    case undefined:
      return name === input.payload ? payloadOf(shape, request.body) : undefined;
  }
}

/** A parameter that S3 refuses by its name. */
export class InvalidParameterException extends ValidationException {
  override readonly details: Readonly<Record<string, string>>;

  constructor(message: string, details: Readonly<Record<string, string>>) {
    super(message);
    this.details = details;
  }
}

class MissingRequestBodyError extends coded("MissingRequestBodyError") {}

/** What a route demands is there where it was taken: a body is all that can be missing but the key of an object. */
function missing({ wireName, location }: Member): ServiceError {
  if (location === undefined) return new MissingRequestBodyError("Request Body is empty");
  return new InvalidParameterException(`Missing required parameter ${wireName}`, { ArgumentName: wireName });
}

function requireValid({ name, wireName, location, shape }: Member, value: unknown): void {
  const failures = new Failures();
  shape.validate(value, name, failures);
  try {
    failures.throwIfAny();
  } catch (cause) {
    if (!(cause instanceof ValidationException)) throw cause;
    if (location === undefined) throw new SerializationException(cause.message, { cause });
    throw invalidParameter(wireName, String(value), cause.message);
  }
}

function invalidParameter(ArgumentName: string, ArgumentValue: string, otherwise: string): InvalidParameterException {
  const message = PARAMETER_ERRORS.get(ArgumentName)?.(ArgumentValue) ?? otherwise;
  return new InvalidParameterException(message, { ArgumentName, ArgumentValue });
}

function headersWith(prefix: string, headers: WireRequest["headers"]): Record<string, string> {
  const map: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(prefix) && value !== undefined) map[name.slice(prefix.length)] = value;
  }
  return map;
}

function payloadOf(shape: Shape, body: Uint8Array): unknown {
  if (shape.kind === "blob") return body;
  if (shape.kind !== "structure") return utf8(body);
  return body.length === 0 ? undefined : structureOf(shape, parseXml(utf8(body)));
}

function utf8(body: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    throw new SerializationException("The body is not well-formed UTF-8"); // a TypeError is all that it throws
  }
}

function structureOf({ members }: StructureShape, { children }: XmlElement): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  for (const member of members) {
    const { name, wireName, shape } = member;
    const found = children.filter((child) => child.name === wireName);
    const [first] = found;
    if (first === undefined) continue;
    if (shape.kind === "structure") value[name] = structureOf(shape, first);
    else if (shape.kind === "list") {
      const { elementName, element: item } = shape;
      const items = elementName === undefined ? found : first.children.filter((child) => child.name === elementName);
      value[name] = items.map((child) =>
        item.kind === "structure" ? structureOf(item, child) : scalar(item.kind, child.text, wireName),
      );
    } else value[name] = scalar(shape.kind, first.text, wireName);
  }
  return value;
}

/** Headers with conditions count for nothing where their time is none (RFC 9110, 13.1.3 and 13.1.4). */
const CONDITION = /^(?:x-amz-copy-source-)?if-/i;

function scalarOf({ shape, wireName }: Member, text: string | undefined): unknown {
  if (text === undefined) return undefined;
  const value = readers[shape.kind]?.(text);
  if (value !== undefined || CONDITION.test(wireName)) return value;
  const isNumber = shape.kind === "integer";
  throw invalidParameter(wireName, text, isNumber ? `Provided ${wireName} not an integer or within integer range` : "");
}

type Reading = (text: string) => unknown;

/** Undefined: not of that type. */
const readers: Readonly<Partial<Record<Shape["kind"], Reading>>> = {
  string: (text) => text,
  boolean: (text) => ({ true: true, false: false })[text.toLowerCase()],
  integer: (text) => (/^-?\d{1,15}$/.test(text) ? Number(text) : undefined),
  timestamp(text) {
    const date = new Date(text);
    return Number.isNaN(date.getTime()) ? undefined : date;
  },
} satisfies Partial<Record<ScalarKind, Reading>>;

function scalar(kind: Shape["kind"], text: string, name: string): unknown {
  const value = readers[kind]?.(text);
  if (value === undefined) throw new SerializationException(`${name} is not of the type ${kind}`);
  return value;
}

function headersOf({ members }: StructureShape, value: Readonly<Record<string, unknown>>): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const { name, wireName, location } of members) {
    const part = value[name];
    if (part === undefined || part === null) continue;
    if (location === "header") headers[wireName] = part instanceof Date ? part.toUTCString() : String(part);
    if (location !== "headers") continue;
    for (const [key, text] of Object.entries(part)) headers[`${wireName}${key}`] = String(text);
  }
  return headers;
}

function bodyOf(
  operation: string,
  output: StructureShape,
  value: Readonly<Record<string, unknown>>,
): string | Uint8Array | BodyStream {
  const { payload, members } = output;
  if (payload !== undefined) {
    const member = members.find(({ name }) => name === payload);
    const part = value[payload];
    if (member === undefined || part === undefined) return "";
    if (member.shape.kind !== "structure") return part as string | Uint8Array | BodyStream;
    return XML_HEAD + element(member.wireName, encodeMembers(member.shape, part, "milliseconds"), S3_NAMESPACE);
  }
  if (UNWRAPPED.has(operation)) {
    const [member] = members;
    const text = member && value[member.name];
    const name = member?.wireName ?? "";
    return XML_HEAD + element(name, text === undefined ? "" : escapeXml(String(text)), S3_NAMESPACE);
  }
  const root = ROOT_ELEMENTS[operation];
  if (root === undefined) return "";
  return XML_HEAD + element(root, encodeMembers(output, value, "milliseconds"), S3_NAMESPACE);
}
