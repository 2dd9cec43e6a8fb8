/** The protocol restJson1: members in path, query, headers and body; JSON or the bytes themselves in either direction (Smithy). */

import { SerializationException, type ServiceError } from "../base/errors.ts";
import { JsonShapes, parse } from "./aws-json.ts";
import type { QueryError } from "./aws-query.ts";
import { Failures } from "./constraints.ts";
import type { Codec, OperationModel } from "./model.ts";
import type { WireAnswer, WireRequest } from "./protocol.ts";
import type { Member, Shape, StructureShape } from "./shapes.ts";

const JSON_TYPE = "application/json";
const BYTES_TYPE = "application/octet-stream";

/** How the model binds an operation to HTTP. */
interface Binding {
  readonly name: string;
  readonly method: string;
  /** Such as `/snapshots/{snapshotId}/blocks`; labels are whole segments. */
  readonly requestUri: string;
  readonly responseCode?: number;
}

export interface RestJsonSettings {
  readonly http: readonly Binding[];
  /** Codes and statuses of the service's own errors, by class name. */
  readonly errors: ReadonlyMap<string, QueryError>;
}

type Texts = Readonly<Record<string, string | undefined>>;
type Members = Readonly<Record<string, unknown>>;

export class RestJsonCodec implements Codec {
  readonly #bindings: ReadonlyMap<string, Binding>;
  readonly #errors: RestJsonSettings["errors"];
  readonly #json = new JsonShapes();

  constructor({ http, errors }: RestJsonSettings) {
    this.#bindings = new Map(http.map((binding) => [binding.name, binding]));
    this.#errors = errors;
  }

  operationName({ method, target }: WireRequest): string | undefined {
    const [path = ""] = target.split("?");
    for (const { name, method: wanted, requestUri } of this.#bindings.values()) {
      if (method === wanted && findLabels(requestUri, path) !== undefined) return name;
    }
    return undefined;
  }

  decode({ name, input }: OperationModel, request: WireRequest): Members {
    const [path = "", query = ""] = request.target.split("?");
    const places: Readonly<Record<string, Texts>> = {
      uri: findLabels(this.#bindings.get(name)?.requestUri ?? "", path) ?? {},
      querystring: queryOf(query),
      header: request.headers,
    };
    const isBytes = input.payload !== undefined;
    const body = isBytes || request.body.length === 0 ? {} : parse(request.body);
    const value: Record<string, unknown> = {};
    for (const member of input.members) {
      const found = this.#find(member, { input, request, places, body });
      if (found !== undefined) value[member.name] = found;
    }
    const failures = new Failures();
    input.validate(value, "", failures);
    failures.throwIfAny();
    return value;
  }

  #find(
    { name, wireName, location, shape }: Member,
    from: {
      readonly input: StructureShape;
      readonly request: WireRequest;
      readonly places: Readonly<Record<string, Texts>>;
      readonly body: Members;
    },
  ): unknown {
    if (name === from.input.payload) return from.request.body;
    if (location === undefined) {
      const part = from.body[wireName];
      return part === undefined || part === null ? undefined : this.#json.decode(shape, part);
    }
    const text = from.places[location]?.[location === "header" ? wireName.toLowerCase() : wireName];
    return text === undefined ? undefined : fromText(shape, text);
  }

  encode({ name, output }: OperationModel, value: unknown): WireAnswer {
    const status = this.#bindings.get(name)?.responseCode ?? 200;
    const members = (value ?? {}) as Members;
    const headers: Record<string, string> = {};
    const body: Record<string, unknown> = {};
    for (const { name: member, wireName, location, shape } of output?.members ?? []) {
      const part = members[member];
      if (part === undefined || member === output?.payload) continue;
      if (location === "header") headers[wireName] = String(part);
      else body[wireName] = this.#json.encode(shape, part);
    }
    if (output?.payload === undefined) return { status, contentType: JSON_TYPE, headers, body: JSON.stringify(body) };
    return { status, contentType: BYTES_TYPE, headers, body: members[output.payload] as Uint8Array };
  }

  encodeError(error: ServiceError): WireAnswer {
    const { code, message, messageMember, details } = error;
    const status = this.#errors.get(code)?.status ?? error.status;
    const body = JSON.stringify({ ...details, ...(message !== "" && { [messageMember]: message }) });
    return { status, contentType: JSON_TYPE, headers: { "x-amzn-ErrorType": code }, body };
  }
}

/** What stands in the places of the labels, or undefined where the path is another one. */
function findLabels(template: string, path: string): Texts | undefined {
  const [wanted, given] = [template.split("/"), path.split("/")];
  if (wanted.length !== given.length) return undefined;
  const labels: Record<string, string> = Object.create(null);
  for (const [index, segment] of wanted.entries()) {
    const text = given[index] ?? "";
    if (!segment.startsWith("{")) {
      if (segment !== text) return undefined;
    } else if (text === "") return undefined;
    else labels[segment.slice(1, -1)] = decoded(text);
  }
  return labels;
}

function queryOf(query: string): Texts {
  const texts: Record<string, string> = Object.create(null);
  for (const pair of query.split("&")) {
    const [name = "", value = ""] = pair.split("=");
    texts[decoded(name)] = decoded(value);
  }
  return texts;
}

/** @throws SerializationException a broken escape */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    if (cause instanceof URIError) throw new SerializationException();
    throw cause;
  }
}

/** @throws SerializationException a text that has not the shape's type */
function fromText({ kind }: Shape, text: string): unknown {
  if (kind === "string") return text;
  if (kind === "integer" && /^-?\d{1,15}$/.test(text)) return Number(text);
  if (kind === "boolean" && (text === "true" || text === "false")) return text === "true";
  throw new SerializationException();
}
