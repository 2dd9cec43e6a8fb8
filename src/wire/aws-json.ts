/** The protocols awsJson 1.0 and 1.1: JSON bodies, the operation in `X-Amz-Target`. */

import { SerializationException, type ServiceError } from "../base/errors.ts";
import { type QueryError, queryErrorOf } from "./aws-query.ts";
import { Failures } from "./constraints.ts";
import type { Codec, OperationModel } from "./model.ts";
import type { WireAnswer, WireRequest } from "./protocol.ts";
import { decodeBase64 } from "./scalars.ts";
import type { MapShape, ScalarKind, Shape } from "./shapes.ts";

type Convert = (value: unknown) => unknown;
type JsonObject = Readonly<Record<string, unknown>>;

const MEDIA_TYPE = /^application\/(?:x-amz-json-1\.[01]|json)\s*(?:;|$)/i;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export interface AwsJsonSettings {
  readonly targetPrefix: string;
  readonly jsonVersion: string;
  /** Of a service that was a query one before: its codes of errors, which its older clients know (awsQueryCompatible). */
  readonly queryErrors?: ReadonlyMap<string, QueryError>;
  /** What each answer of the service carries beside the protocol's. */
  readonly headers?: WireAnswer["headers"];
}

export class AwsJsonCodec implements Codec {
  readonly #targetPrefixes: readonly string[];
  readonly #contentType: string;
  readonly #queryErrors: AwsJsonSettings["queryErrors"];
  readonly #headers: WireAnswer["headers"];
  readonly #decoders = new Map<Shape, Convert>();
  readonly #encoders = new Map<Shape, Convert>();

  /**
   * @param settings what precedes the operation in `X-Amz-Target`, such as `TrentService`, and the version, such as `1.1`. Where it
   *   has a package in front (CloudTrail), some clients leave that out
   */
  constructor(settings: AwsJsonSettings) {
    const { targetPrefix } = settings;
    this.#targetPrefixes = [`${targetPrefix}.`, `${targetPrefix.slice(targetPrefix.lastIndexOf(".") + 1)}.`];
    this.#contentType = `application/x-amz-json-${settings.jsonVersion}`;
    this.#queryErrors = settings.queryErrors;
    this.#headers = settings.headers;
  }

  operationName({ method, headers }: WireRequest): string | undefined {
    const target = headers["x-amz-target"];
    if (method !== "POST" || target === undefined) return undefined;
    const prefix = this.#targetPrefixes.find((each) => target.startsWith(each));
    if (prefix === undefined || !MEDIA_TYPE.test(headers["content-type"] ?? "")) return undefined;
    return target.slice(prefix.length);
  }

  decode({ input }: OperationModel, { body }: WireRequest): Readonly<Record<string, unknown>> {
    const value = this.#decode(input, body);
    const failures = new Failures();
    input.validate(value, "", failures);
    failures.throwIfAny();
    return value;
  }

  /** Bodies are read a second time, for what their numbers look like, only where that is asked for: it takes longer. */
  #decode(input: Shape, body: Uint8Array): JsonObject {
    if (body.length === 0) return {};
    const convert = compile(input, scalarDecoders, this.#decoders, decodeAs);
    try {
      return convert(parse(body)) as JsonObject;
    } catch (cause) {
      if (!(cause instanceof LiteralWanted)) throw cause;
      return convert(parse(body, keepLiteral)) as JsonObject;
    }
  }

  encode({ output }: OperationModel, value: unknown): WireAnswer {
    if (output === undefined) return this.#answer(200, "");
    return this.#answer(200, JSON.stringify(compile(output, scalarEncoders, this.#encoders, encodeAs)(value ?? {})));
  }

  encodeError(error: ServiceError): WireAnswer {
    const { code, status, message, messageMember, details } = error;
    const body = JSON.stringify({ __type: code, ...details, ...(message !== "" && { [messageMember]: message }) });
    return this.#answer(status, body, this.#queryErrors && queryErrorHeaders(error, this.#queryErrors));
  }

  #answer(status: number, body: string, ofError?: WireAnswer["headers"]): WireAnswer {
    const headers = ofError === undefined ? this.#headers : { ...this.#headers, ...ofError };
    return { status, contentType: this.#contentType, body, ...(headers && { headers }) };
  }
}

/** What tells clients of the query protocol's time the code that they know (Smithy, awsQueryCompatible). */
export function queryErrorHeaders(
  error: ServiceError,
  errors: ReadonlyMap<string, QueryError>,
): Readonly<Record<string, string>> {
  const { code, status } = queryErrorOf(error, errors);
  return { "x-amzn-query-error": `${code};${status < 500 ? "Sender" : "Receiver"}` };
}

/** Makes values of shapes from JSON, and back, for protocols whose bodies are as those of awsJson; each keeps what it compiled. */
export class JsonShapes {
  readonly #decoders = new Map<Shape, Convert>();
  readonly #encoders = new Map<Shape, Convert>();

  /** @throws SerializationException another JSON type than the shape's */
  decode(shape: Shape, value: unknown): unknown {
    return compile(shape, scalarDecoders, this.#decoders, decodeAs)(value);
  }

  encode(shape: Shape, value: unknown): unknown {
    return compile(shape, scalarEncoders, this.#encoders, encodeAs)(value);
  }
}

/** How one direction makes the closures of collections, given those of what they contain. */
interface Direction {
  structure(fields: readonly (readonly [name: string, convert: Convert])[]): Convert;
  list(element: Convert): Convert;
  map(value: Convert, shape: MapShape): Convert;
}

/** A shape's closure: compiled with all that it contains when first asked for. Structures are remembered first, since they may contain themselves. */
function compile(shape: Shape, scalars: Scalars, known: Map<Shape, Convert>, direction: Direction): Convert {
  const done = known.get(shape);
  if (done !== undefined) return done;
  const inner = (part: Shape): Convert => compile(part, scalars, known, direction);
  const keep = (convert: Convert): Convert => {
    known.set(shape, convert);
    return convert;
  };
  switch (shape.kind) {
    case "structure": {
      const fields: (readonly [string, Convert])[] = [];
      const convert = keep(direction.structure(fields));
      for (const member of shape.members) fields.push([member.name, inner(member.shape)]);
      return convert;
    }
    case "list":
      return keep(direction.list(inner(shape.element)));
    case "map":
      return keep(direction.map(inner(shape.value), shape));
    default:
      return keep(scalars[shape.kind]);
  }
}

type Scalars = Readonly<Record<ScalarKind, Convert>>;

const decodeAs: Direction = {
  structure: (fields) => (value) => {
    const source = asObject(value, "Expected null");
    const structure: Record<string, unknown> = {};
    for (const [name, convert] of fields) {
      const member = source[name];
      if (member !== undefined && member !== null) structure[name] = convert(member);
    }
    return structure;
  },
  list: (element) => (value) => {
    if (!Array.isArray(value)) throw mistyped(value, "Expected list or null");
    return value.map((item) => (item === null ? null : element(item))); // validation refuses null, as AWS does
  },
  map: (convert, shape) => {
    const ofText = shape.value.kind === "string";
    return (value) => {
      const source = asObject(value, "Expected map or null");
      const map: Record<string, unknown> = Object.create(null); // a pair named __proto__ is a pair like any other
      for (const name of Object.keys(source)) {
        const part = source[name];
        map[wellFormed(name)] = part === null ? null : convert(ofText ? asText(part, source, name) : part);
      }
      return map;
    };
  },
};

/**
 * The texts are those that AWS services were recorded to answer; a combination that was not recorded follows the pattern
 * of its neighbours. A fraction for an integer is cut and one out of range saturates (recorded: the answer is then about
 * the model's limits). Text that is no base64 is refused without a message, so that no plaintext is repeated.
 */
const scalarDecoders: Scalars = {
  string: (value) => (typeof value === "string" ? wellFormed(value) : refuse(value, "a String")),
  boolean: (value) =>
    typeof value === "boolean" ? value : refuse(value, `a${typeof value === "string" ? "n" : ""} Boolean`),
  integer: (value) => (typeof value === "number" ? asInteger(value) : refuse(value, "an Integer")),
  number: (value) => (typeof value === "number" ? value : refuse(value, "a Double")),
  blob(value) {
    return typeof value === "string" ? decodeBase64(value) : refuse(value, "a Blob");
  },
  timestamp(value) {
    if (typeof value !== "number") return refuse(value, "milliseconds since epoch");
    const date = new Date(Math.round(value * 1000));
    if (Number.isNaN(date.getTime())) throw new SerializationException();
    return date;
  },
};

const encodeAs: Direction = {
  structure: (fields) => (value) => {
    const source = value as JsonObject;
    const structure: Record<string, unknown> = {};
    for (const [name, convert] of fields) {
      const member = source[name];
      if (member !== undefined) structure[name] = convert(member);
    }
    return structure;
  },
  list: (element) => (value) => (value as readonly unknown[]).map(element),
  map: (convert) => (value) => {
    const source = value as JsonObject;
    const map: Record<string, unknown> = Object.create(null);
    for (const name of Object.keys(source)) map[name] = convert(source[name]);
    return map;
  },
};

const asIs: Convert = (value) => value;

const scalarEncoders: Scalars = {
  string: asIs,
  boolean: asIs,
  integer: asIs,
  number: asIs,
  blob: (value) => (value as Uint8Array).toBase64(),
  timestamp: (value) => (value as Date).getTime() / 1000,
};

/**
 * @param reviver as that of JSON.parse
 * @throws SerializationException not UTF-8, not JSON, or not an object; without a message unless AWS sends one
 */
export function parse(body: Uint8Array, reviver?: typeof keepLiteral): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(body), reviver);
  } catch (cause) {
    if (cause instanceof SyntaxError || cause instanceof TypeError) throw new SerializationException();
    throw cause;
  }
  return asObject(value, "");
}

function asObject(value: unknown, expected: string): JsonObject {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw mistyped(value, expected);
}

function refuse(value: unknown, wanted: string): never {
  throw mistyped(value, `${jsonType(value)} can not be converted to ${wanted}`);
}

/** AWS's answer to a value of another JSON type: brackets are named as such, a scalar as `otherwise` says. */
function mistyped(value: unknown, otherwise: string): SerializationException {
  if (Array.isArray(value)) return new SerializationException("Start of list found where not expected");
  if (typeof value === "object" && value !== null) {
    return new SerializationException("Start of structure or map found where not expected.");
  }
  return new SerializationException(otherwise);
}

function jsonType(value: unknown): string {
  return `${typeof value === "boolean" ? String(value).toUpperCase() : (typeof value).toUpperCase()}_VALUE`;
}

/** Half a surrogate pair has no UTF-8: as bytes it would equal other text, also in what is authenticated. */
function wellFormed(text: string): string {
  if (text.isWellFormed()) return text;
  throw new SerializationException();
}

const INTEGER_MAX = 2 ** 31 - 1;

function asInteger(value: number): number {
  return Math.min(Math.max(Math.trunc(value), -INTEGER_MAX - 1), INTEGER_MAX) + 0; // + 0: never minus zero
}

/**
 * Numbers and booleans in an encryption context are taken as their text (KMS guide, Encryption context): of a number the one that
 * it was sent as, since 1.10 and 1.1 are two texts.
 *
 * @throws LiteralWanted the body was parsed without `keepLiteral`
 */
function asText(value: unknown, holder: object, name: string): unknown {
  if (typeof value === "boolean") return String(value);
  if (typeof value !== "number") return value;
  const literal = literals.get(holder)?.get(name);
  if (literal === undefined) throw new LiteralWanted();
  return literal;
}

class LiteralWanted extends SerializationException {}

/** How the numbers of bodies were written, by the object that has them. */
const literals = new WeakMap<object, Map<string, string>>();

/** A reviver of JSON.parse, with the context that its type does not have yet: it keeps how numbers were written, and changes nothing. */
function keepLiteral(this: object, name: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== "number" || context?.source === undefined) return value;
  const known = literals.get(this) ?? new Map<string, string>();
  literals.set(this, known.set(name, context.source));
  return value;
}
