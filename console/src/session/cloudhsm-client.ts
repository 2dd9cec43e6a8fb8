/** A client of the one operation of CloudHSM that the console calls: AWS's own client would bring an older generation of its SDK. */

import { Sha256 } from "@aws-crypto/sha256-js";
import { SignatureV4 } from "@smithy/signature-v4";
import type { AccessKey } from "./session.ts";

/** A cluster, as far as the console shows it. */
export interface Cluster {
  readonly ClusterId?: string;
  readonly State?: string;
  readonly Hsms?: readonly { readonly HsmId?: string; readonly State?: string }[];
}

interface Page {
  readonly Clusters?: readonly Cluster[];
  readonly NextToken?: string;
}

export interface CloudHsmClientOptions {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: AccessKey;
}

export class CloudHsmClient {
  readonly #endpoint: URL;
  readonly #signer: SignatureV4;

  constructor({ endpoint, region, credentials }: CloudHsmClientOptions) {
    this.#endpoint = new URL("/", endpoint);
    this.#signer = new SignatureV4({ service: "cloudhsm", region, credentials, sha256: Sha256 });
  }

  /**
   * All clusters of the account and Region (API reference of CloudHSM, DescribeClusters).
   *
   * @throws an error with the code of the answer as its name
   */
  async describeClusters(): Promise<readonly Cluster[]> {
    const clusters: Cluster[] = [];
    let token: string | undefined;
    do {
      const page = (await this.#call("DescribeClusters", { NextToken: token })) as Page;
      clusters.push(...(page.Clusters ?? []));
      token = page.NextToken;
    } while (token !== undefined);
    return clusters;
  }

  async #call(operation: string, input: object): Promise<unknown> {
    const { protocol, hostname, port, pathname, host } = this.#endpoint;
    const { headers, body } = await this.#signer.sign({
      method: "POST",
      protocol,
      hostname,
      ...(port !== "" && { port: Number(port) }),
      path: pathname,
      query: {},
      headers: {
        host,
        "content-type": "application/x-amz-json-1.1",
        "x-amz-target": `BaldrApiService.${operation}`,
      },
      body: JSON.stringify(input),
    });
    // The browser says itself which host it means.
    const { host: _host, ...others } = headers;
    const response = await fetch(this.#endpoint, { method: "POST", headers: others, body });
    const answer: unknown = await response.json();
    if (!response.ok) throw errorOf(answer);
    return answer;
  }
}

/** The error that an answer of AWS's JSON protocol tells. */
function errorOf(answer: unknown): Error {
  const { __type = "", message, Message } = answer as Readonly<Record<string, string | undefined>>;
  const error = new Error(message ?? Message ?? "");
  error.name = __type.split("#").at(-1) || error.name;
  return error;
}
