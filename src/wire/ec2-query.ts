/** The protocol ec2Query: form parameters in, XML out (Smithy, AWS EC2 query protocol). */

import type { ServiceError } from "../base/errors.ts";
import { decodeStructure, encodeMembers, type FormStyle, findAction } from "./aws-query.ts";
import { Failures } from "./constraints.ts";
import { formText, parseForm } from "./form.ts";
import type { Codec, OperationModel } from "./model.ts";
import type { WireAnswer, WireRequest } from "./protocol.ts";
import { element, escapeXml } from "./xml.ts";

const CONTENT_TYPE = "text/xml;charset=UTF-8";

/** Names of parameters begin with a capital letter, and lists are flat. */
const STYLE: FormStyle = {
  member: (wireName) => wireName.charAt(0).toUpperCase() + wireName.slice(1),
  flatLists: true,
};

/** The common errors that EC2 names otherwise (EC2 API reference, Error codes). */
const commonErrors: ReadonlyMap<string, { readonly code: string; readonly status: number }> = new Map([
  ["AccessDeniedException", { code: "UnauthorizedOperation", status: 403 }],
  ["DryRunOperationException", { code: "DryRunOperation", status: 412 }],
  ["ExpiredTokenException", { code: "RequestExpired", status: 400 }],
  ["IncompleteSignatureException", { code: "IncompleteSignature", status: 400 }],
  ["InternalFailure", { code: "InternalError", status: 500 }],
  ["InvalidSignatureException", { code: "AuthFailure", status: 401 }],
  ["MissingAuthenticationTokenException", { code: "MissingAuthenticationToken", status: 403 }],
  ["SerializationException", { code: "InvalidParameterValue", status: 400 }],
  ["ServiceUnavailableException", { code: "Unavailable", status: 503 }],
  ["ThrottlingException", { code: "RequestLimitExceeded", status: 503 }],
  ["UnknownOperationException", { code: "InvalidAction", status: 400 }],
  ["UnrecognizedClientException", { code: "AuthFailure", status: 401 }],
  ["UnsupportedOperationException", { code: "UnsupportedOperation", status: 400 }],
  ["ValidationException", { code: "InvalidParameterValue", status: 400 }],
]);

/** How every refusal of EC2 begins (recorded answers). */
const UNAUTHORIZED = "You are not authorized to perform this operation.";

/** An error as EC2 tells it, in answers and in records. */
export function ec2Error({ code, status, message }: ServiceError): {
  readonly code: string;
  readonly status: number;
  readonly message: string;
} {
  const named = commonErrors.get(code) ?? { code, status };
  if (code !== "AccessDeniedException") return { ...named, message };
  return { ...named, message: `${UNAUTHORIZED} ${message}` };
}

export class Ec2QueryCodec implements Codec {
  readonly #settings: { readonly version: string; readonly namespace: string };

  constructor(settings: { readonly version: string; readonly namespace: string }) {
    this.#settings = settings;
  }

  operationName(request: WireRequest): string | undefined {
    return findAction(request, this.#settings.version);
  }

  /** As users quote it. */
  wordsOnUnknown(request: WireRequest): string {
    return `The action ${this.operationName(request) ?? ""} is not valid for this web service.`;
  }

  decode({ input }: OperationModel, request: WireRequest): Readonly<Record<string, unknown>> {
    const value = decodeStructure(input, parseForm(formText(request)), STYLE);
    const failures = new Failures();
    input.validate(value, "", failures);
    failures.throwIfAny();
    return value;
  }

  encode({ name, output }: OperationModel, value: unknown, requestId: string): WireAnswer {
    const members = output === undefined ? "" : encodeMembers(output, value ?? {}, "milliseconds");
    const body = element(
      `${name}Response`,
      element("requestId", escapeXml(requestId)) + members,
      this.#settings.namespace,
    );
    return { status: 200, contentType: CONTENT_TYPE, body };
  }

  encodeError(error: ServiceError, requestId: string): WireAnswer {
    const { code, status, message } = ec2Error(error);
    const content = element("Code", escapeXml(code)) + element("Message", escapeXml(message));
    const body = element(
      "Response",
      element("Errors", element("Error", content)) + element("RequestID", escapeXml(requestId)),
    );
    return { status, contentType: CONTENT_TYPE, body: `<?xml version="1.0" encoding="UTF-8"?>\n${body}` };
  }
}
