/** Service models: each shape is compiled once, with the first request that meets it, into closures that decode, validate and encode. */

import type { ServiceError } from "../base/errors.ts";
import { AwsJsonCodec } from "./aws-json.ts";
import { AwsQueryCodec, type QueryError } from "./aws-query.ts";
import { Ec2QueryCodec } from "./ec2-query.ts";
import type { WireAnswer, WireRequest } from "./protocol.ts";
import { RestJsonCodec } from "./rest-json.ts";
import { RestXmlCodec } from "./rest-xml.ts";
import { RpcV2CborCodec } from "./rpc-v2-cbor.ts";
import { type ShapeDefinition, Shapes, type StructureShape } from "./shapes.ts";

/** What the protocol of a service does with one request. */
export interface Codec {
  /** The operation that a request names, or undefined when it names none in the protocol's way. It may not exist. */
  operationName(request: WireRequest): string | undefined;
  /**
   * Decodes and validates the input of an operation: optional members that were not sent are absent, maps have no
   * prototype, blobs are `Uint8Array`s of their own memory, timestamps `Date`s.
   *
   * @throws SerializationException the body cannot be read, or a member has another type
   * @throws ValidationException constraints of the model, all of them in one message
   */
  decode(operation: OperationModel, request: WireRequest): Readonly<Record<string, unknown>>;
  /** The answer with the members that the model has; undefined ones are left out. Timestamps are `Date`s. */
  encode(operation: OperationModel, output: unknown, requestId: string): WireAnswer;
  encodeError(error: ServiceError, requestId: string): WireAnswer;
  /** What a protocol says of a request for an operation that does not exist, where it says anything. */
  wordsOnUnknown?(request: WireRequest): string;
}

export interface OperationModel {
  readonly name: string;
  /** Without members where the model declares no input. */
  readonly input: StructureShape;
  /** Undefined where the model declares none: the answer's body is empty. */
  readonly output: StructureShape | undefined;
  /** The element around the members of an XML answer. */
  readonly resultWrapper: string | undefined;
  /** SDKs don't sign its requests. */
  readonly unsigned: boolean;
}

export interface ServiceModel {
  /** The signing name, such as `kms`: what the credential scope says. */
  readonly id: string;
  readonly codec: Codec;
  readonly operations: ReadonlyMap<string, OperationModel>;
}

interface ModelDefinition {
  readonly metadata: {
    readonly apiVersion: string;
    readonly endpointPrefix: string;
    readonly signingName?: string;
    readonly protocol: string;
    readonly jsonVersion?: string;
    readonly targetPrefix?: string;
    /** Its errors have the codes of the query protocol, too. */
    readonly awsQueryCompatible?: object;
    readonly xmlNamespace?: string;
    /** What each of its answers carries; no member of AWS's models. */
    readonly answerHeaders?: Readonly<Record<string, string>>;
  };
  readonly operations: Readonly<Record<string, OperationDefinition>>;
  readonly shapes: Readonly<Record<string, ShapeDefinition>>;
}

interface OperationDefinition {
  /** Of REST protocols. */
  readonly http?: { readonly method: string; readonly requestUri: string; readonly responseCode?: number };
  readonly input?: { readonly shape: string };
  readonly output?: { readonly shape: string; readonly resultWrapper?: string };
  readonly authtype?: string;
}

/**
 * Compiles a stripped service model.
 *
 * @param json one of our files under `models/`, trusted
 * A shape costs nothing before an operation that has it is used, so that a start doesn't grow with the models.
 *
 * @throws Error the protocol is none of ours; an operation's `input` and `output` throw where shapes don't hold together
 */
export function compileModel(json: unknown): ServiceModel {
  const model = asModel(json);
  const shapes = new Shapes({ ...model.shapes, [NO_INPUT]: { type: "structure" } });
  const operations = new Map<string, OperationModel>();
  for (const [name, { input, output, authtype }] of Object.entries(model.operations)) {
    operations.set(name, {
      name,
      get input() {
        return shapes.structure(input?.shape ?? NO_INPUT);
      },
      get output() {
        return output === undefined ? undefined : shapes.structure(output.shape);
      },
      resultWrapper: output?.resultWrapper,
      unsigned: authtype === "none",
    });
  }
  const { signingName, endpointPrefix } = model.metadata;
  return { id: signingName ?? endpointPrefix, codec: makeCodec(model, operations), operations };
}

/** No shape of a model has such a name. */
const NO_INPUT = "(no input)";

function makeCodec({ metadata, shapes, operations }: ModelDefinition, models: ServiceModel["operations"]): Codec {
  const { protocol, targetPrefix, jsonVersion, apiVersion, xmlNamespace, awsQueryCompatible, answerHeaders } = metadata;
  const compatible = awsQueryCompatible && { queryErrors: queryErrors(shapes) };
  if (protocol === "json" && targetPrefix !== undefined && jsonVersion !== undefined) {
    return new AwsJsonCodec({
      targetPrefix,
      jsonVersion,
      ...compatible,
      ...(answerHeaders && { headers: answerHeaders }),
    });
  }
  if (protocol === "smithy-rpc-v2-cbor" && targetPrefix !== undefined) {
    return new RpcV2CborCodec({ service: targetPrefix, ...compatible });
  }
  if (protocol === "query" && xmlNamespace !== undefined) {
    return new AwsQueryCodec({ version: apiVersion, namespace: xmlNamespace, errors: queryErrors(shapes) });
  }
  if (protocol === "ec2" && xmlNamespace !== undefined) {
    return new Ec2QueryCodec({ version: apiVersion, namespace: xmlNamespace });
  }
  if (protocol === "rest-xml") {
    const http = Object.entries(operations).flatMap(([name, { http }]) =>
      http === undefined ? [] : [{ name, ...http }],
    );
    return new RestXmlCodec({ http, models, errors: queryErrors(shapes) });
  }
  if (protocol === "rest-json") {
    const http = Object.entries(operations).flatMap(([name, { http }]) =>
      http === undefined ? [] : [{ name, ...http }],
    );
    return new RestJsonCodec({ http, errors: queryErrors(shapes) });
  }
  throw new Error(`No codec for the protocol ${protocol}`);
}

function queryErrors(shapes: Readonly<Record<string, ShapeDefinition>>): ReadonlyMap<string, QueryError> {
  const errors = new Map<string, QueryError>();
  for (const [name, { error }] of Object.entries(shapes)) {
    if (error !== undefined) errors.set(name, { code: error.code ?? name, status: error.httpStatusCode ?? 400 });
  }
  return errors;
}

function asModel(json: unknown): ModelDefinition {
  const isModel =
    typeof json === "object" && json !== null && "metadata" in json && "operations" in json && "shapes" in json;
  if (!isModel) throw new Error("Not a service model");
  return json as unknown as ModelDefinition;
}
