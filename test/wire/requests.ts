/** Requests for the tests of the wire room, and what they come to. */

import type { ServiceError } from "../../src/base/errors.ts";
import type { OperationModel, ServiceModel } from "../../src/wire/model.ts";
import type { WireAnswer, WireRequest } from "../../src/wire/protocol.ts";

export function operation(model: ServiceModel, name: string): OperationModel {
  const found = model.operations.get(name);
  if (found === undefined) throw new Error(`No operation ${name}`);
  return found;
}

export function jsonRequest(body: unknown, target = "TrentService.Encrypt"): WireRequest {
  const bytes = body instanceof Uint8Array ? body : Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
  return {
    method: "POST",
    target: "/",
    headers: { "content-type": "application/x-amz-json-1.1", "x-amz-target": target },
    body: new Uint8Array(bytes),
  };
}

export function formRequest(text: string): WireRequest {
  return {
    method: "POST",
    target: "/",
    headers: { "content-type": "application/x-www-form-urlencoded; charset=utf-8" },
    body: new Uint8Array(Buffer.from(text)),
  };
}

/** The code and message of the ServiceError that `run` throws; anything else fails the test. */
export function refusal(run: () => unknown): { readonly code: string; readonly message: string } {
  try {
    run();
  } catch (error) {
    if (error instanceof Error && "code" in error && "messageMember" in error) {
      const { code, message } = error as ServiceError;
      return { code, message };
    }
    throw error;
  }
  throw new Error("Nothing was refused");
}

export function text({ body }: WireAnswer): string {
  if (typeof body === "object" && "lengthBytes" in body) throw new Error("A body is a stream.");
  return typeof body === "string" ? body : Buffer.from(body).toString();
}
