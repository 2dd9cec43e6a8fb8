/** The protocol Smithy RPC v2 CBOR: CBOR bodies, service and operation in the path (Smithy 2.0, RPC v2 CBOR). */

import { type CborDocument, CborError, decodeCborDocument } from "../base/cbor.ts";
import { SerializationException, type ServiceError } from "../base/errors.ts";
import { queryErrorHeaders } from "./aws-json.ts";
import type { QueryError } from "./aws-query.ts";
import { CborWriter } from "./cbor-writer.ts";
import { Failures } from "./constraints.ts";
import type { Codec, OperationModel } from "./model.ts";
import type { WireAnswer, WireRequest } from "./protocol.ts";
import type { Shape, StructureShape } from "./shapes.ts";

const CONTENT_TYPE = "application/cbor";
const PROTOCOL = { "smithy-protocol": "rpc-v2-cbor" };

export interface RpcV2CborSettings {
  /** The name of the service's shape, as paths have it: `GraniteServiceVersion20100801`. */
  readonly service: string;
  /** Of a service that was a query one before: its codes of errors, which its older clients know (awsQueryCompatible). */
  readonly queryErrors?: ReadonlyMap<string, QueryError>;
}

export class RpcV2CborCodec implements Codec {
  readonly #prefix: string;
  readonly #queryErrors: RpcV2CborSettings["queryErrors"];

  constructor({ service, queryErrors }: RpcV2CborSettings) {
    this.#prefix = `/service/${service}/operation/`;
    this.#queryErrors = queryErrors;
  }

  operationName({ method, target, headers }: WireRequest): string | undefined {
    if (method !== "POST" || headers["smithy-protocol"] !== PROTOCOL["smithy-protocol"]) return undefined;
    return target.startsWith(this.#prefix) ? target.slice(this.#prefix.length) : undefined;
  }

  decode({ input }: OperationModel, { body }: WireRequest): Readonly<Record<string, unknown>> {
    const value = decodeStructure(input, body.length === 0 ? new Map() : parse(body));
    const failures = new Failures();
    input.validate(value, "", failures);
    failures.throwIfAny();
    return value;
  }

  encode({ output }: OperationModel, value: unknown): WireAnswer {
    const writer = new CborWriter();
    if (output === undefined) writer.map(0);
    else write(writer, output, value ?? {});
    return { status: 200, contentType: CONTENT_TYPE, body: writer.bytes(), headers: PROTOCOL };
  }

  encodeError(error: ServiceError): WireAnswer {
    const { code, status, message, messageMember, details } = error;
    const members = Object.entries({ __type: code, ...details, ...(message !== "" && { [messageMember]: message }) });
    const writer = new CborWriter();
    writer.map(members.length);
    for (const [name, text] of members) {
      writer.text(name);
      writer.text(text);
    }
    const headers = { ...PROTOCOL, ...(this.#queryErrors && queryErrorHeaders(error, this.#queryErrors)) };
    return { status, contentType: CONTENT_TYPE, body: writer.bytes(), headers };
  }
}

/** @throws SerializationException the bytes are no CBOR of the kinds that the protocol has */
function parse(body: Uint8Array): CborDocument {
  try {
    return decodeCborDocument(body);
  } catch (cause) {
    if (cause instanceof CborError) throw new SerializationException();
    throw cause;
  }
}

function decode(shape: Shape, value: CborDocument): unknown {
  switch (shape.kind) {
    case "structure":
      return decodeStructure(shape, value);
    case "list":
      if (!Array.isArray(value)) throw new SerializationException();
      return value.map((item: CborDocument) => (item === null ? null : decode(shape.element, item)));
    case "map": {
      const map: Record<string, unknown> = Object.create(null); // a pair named __proto__ is a pair like any other
      for (const [name, part] of mapOf(value)) map[String(name)] = part === null ? null : decode(shape.value, part);
      return map;
    }
    case "blob":
      return value instanceof Uint8Array ? value.slice() : refuse();
    case "timestamp":
      return typeof value === "object" && value !== null && "epochSeconds" in value
        ? dateOf(value.epochSeconds)
        : refuse();
    case "integer":
      return Number.isInteger(value) ? value : refuse();
    default:
      return typeof value === shape.kind ? value : refuse();
  }
}

function decodeStructure({ members }: StructureShape, value: CborDocument): Record<string, unknown> {
  const source = mapOf(value);
  const structure: Record<string, unknown> = {};
  for (const { name, shape } of members) {
    const member = source.get(name);
    if (member !== undefined && member !== null) structure[name] = decode(shape, member);
  }
  return structure;
}

function mapOf(value: CborDocument): ReadonlyMap<number | string, CborDocument> {
  return value instanceof Map ? value : refuse();
}

function dateOf(epochSeconds: number): Date {
  const date = new Date(Math.round(epochSeconds * 1000));
  return Number.isNaN(date.getTime()) ? refuse() : date;
}

function refuse(): never {
  throw new SerializationException();
}

function write(writer: CborWriter, shape: Shape, value: unknown): void {
  switch (shape.kind) {
    case "structure": {
      const source = value as Readonly<Record<string, unknown>>;
      const present = shape.members.filter(({ name }) => source[name] !== undefined);
      writer.map(present.length);
      for (const member of present) {
        writer.text(member.name);
        write(writer, member.shape, source[member.name]);
      }
      return;
    }
    case "list": {
      const items = value as readonly unknown[];
      writer.array(items.length);
      for (const item of items) write(writer, shape.element, item);
      return;
    }
    case "map": {
      const entries = Object.entries(value as object);
      writer.map(entries.length);
      for (const [name, part] of entries) {
        writer.text(name);
        write(writer, shape.value, part);
      }
      return;
    }
    case "string":
      writer.text(String(value));
      return;
    case "blob":
      writer.byteString(value as Uint8Array);
      return;
    case "boolean":
      writer.boolean(value === true);
      return;
    case "integer":
      writer.integer(value as number);
      return;
    case "number":
      writer.double(value as number);
      return;
    case "timestamp":
      writer.time((value as Date).getTime() / 1000);
      return;
  }
}
