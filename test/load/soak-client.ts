/** A client of the soak: sends signed requests, expects an outcome of each, and remembers what was answered. */

import { Agent } from "node:http";
import type { RandomChoices } from "../faults/random-choices.ts";
import { type AccessKey, kmsDraft, REGION, send, sign } from "../faults/signed-requests.ts";

/** What all clients of a soak share. */
export interface SoakShared {
  readonly endpoint: string;
  readonly root: AccessKey;
  /** The one request id of each answered request, and what it was. */
  readonly answered: Map<string, string>;
  /** How often the server's clock was moved: what is tied to its time may fail in between. */
  moves: number;
}

/** How a request is to end: with success unless a code is given. */
export interface Expectation {
  /** The error's code that is asked for. */
  readonly refused?: string;
  /** Codes that are no fault either. */
  readonly tolerated?: readonly string[];
  readonly by?: AccessKey;
}

type Output = Readonly<Record<string, unknown>>;

/** An answer that nobody asked for. */
export class UnaskedAnswerError extends Error {
  override readonly name = "UnaskedAnswerError";
}

export class SoakClient implements Disposable {
  readonly shared: SoakShared;
  readonly choices: RandomChoices;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(shared: SoakShared, choices: RandomChoices) {
    this.shared = shared;
    this.choices = choices;
  }

  /** Calls the KMS API. @throws UnaskedAnswerError the answer is another than what was expected */
  async kms(operation: string, input: unknown, expectation: Expectation = {}): Promise<Output> {
    const draft = kmsDraft(operation, input);
    const body = await this.#send(operation, { draft, service: "kms", ...expectation });
    return JSON.parse(body || "{}") as Output;
  }

  /** Calls an API with the query protocol and gives back the answer's XML. */
  async query(
    service: "iam" | "sts",
    parameters: Readonly<Record<string, string>>,
    expectation: Expectation = {},
  ): Promise<string> {
    const Version = service === "iam" ? "2010-05-08" : "2011-06-15";
    const body = new URLSearchParams({ Version, ...parameters }).toString();
    const headers = { "content-type": "application/x-www-form-urlencoded; charset=utf-8" };
    return await this.#send(parameters["Action"] ?? "", { draft: { headers, body }, service, ...expectation });
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  async #send(
    operation: string,
    {
      draft,
      service,
      refused,
      tolerated = [],
      by = this.shared.root,
    }: Expectation & { readonly draft: Parameters<typeof sign>[1]; readonly service: string },
  ): Promise<string> {
    const server = { endpoint: this.shared.endpoint, credentials: by };
    const signed = await sign(server, draft, { service, region: REGION });
    const { status, headers, body } = await send(server.endpoint, signed, { agent: this.#agent });
    const text = body.toString("utf8");
    const code = status === 200 ? undefined : (/"__type":"(?:[^"#]*#)?(\w+)"|<Code>(\w+)<\/Code>/.exec(text) ?? []);
    const found = code?.[1] ?? code?.[2];
    // An expired session is nobody: such requests have no record.
    if (status !== 200 && tolerated.includes(found ?? "")) return text;
    this.shared.answered.set(String(headers["x-amzn-requestid"]), operation);
    if ((status === 200 ? undefined : (found ?? "no code")) !== refused) {
      throw new UnaskedAnswerError(
        `${operation} answered ${status} ${found ?? ""} for ${refused ?? "success"}: ${text}`,
      );
    }
    return text;
  }
}

/** The text of an XML element. */
export function elementIn(xml: string, name: string): string {
  const text = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
  if (text === undefined) throw new Error(`The answer has no ${name}.`);
  return text.replaceAll("&quot;", '"').replaceAll("&amp;", "&");
}
