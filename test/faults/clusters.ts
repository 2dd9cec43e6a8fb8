/** Deployments of Keystead as processes that can be killed, paused and started again, and clients for each of their nodes. */

import { IAM } from "@aws-sdk/client-iam";
import { KMS } from "@aws-sdk/client-kms";
import { freePort } from "../free-port.ts";
import type { RunningProcess } from "./processes.ts";
import type { NodeClients, RegisterPrincipals } from "./registers.ts";
import type { AccessKey } from "./signed-requests.ts";

/** Above what a node takes to say that it can't, below what a test can wait. */
const REQUEST_MS_MAX = 8_000;

/** Node processes by name, each started again in its place. */
export class NodeProcess {
  readonly name: string;
  readonly #start: (port: string) => Promise<RunningProcess>;
  #running: RunningProcess;

  private constructor(name: string, start: (port: string) => Promise<RunningProcess>, running: RunningProcess) {
    this.name = name;
    this.#start = start;
    this.#running = running;
  }

  /** @param start starts the node on a port, which is its own for good */
  static async start(name: string, start: (port: string) => Promise<RunningProcess>): Promise<NodeProcess> {
    return new NodeProcess(name, start, await start(String(await freePort())));
  }

  get endpoint(): string {
    return this.#running.endpoint;
  }

  /** Of the process that was started: the primary where it has workers. */
  get pid(): number {
    return this.#running.child.pid ?? 0;
  }

  /** SIGKILL, and a new process on the same port. */
  async killAndStart(): Promise<void> {
    const { port } = new URL(this.#running.endpoint);
    await this.#running.kill();
    this.#running = await this.#start(port);
  }

  /** SIGSTOP, and SIGCONT after a while. */
  async pause(milliseconds: number): Promise<void> {
    this.#running.child.kill("SIGSTOP");
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    this.#running.child.kill("SIGCONT");
  }

  async stop(): Promise<void> {
    await this.#running.stop();
  }
}

/** Makes the user whom policies and grants name, and clients of it and of the account's root user for each endpoint. */
export async function clusterClients(
  nodes: readonly { readonly name: string; readonly endpoint: string }[],
  account: string,
  credentials: AccessKey,
): Promise<{ readonly nodes: readonly NodeClients[]; readonly principals: RegisterPrincipals; close(): void }> {
  const [first] = nodes;
  if (first === undefined) throw new Error("A cluster has nodes.");
  const iam = new IAM({ endpoint: first.endpoint, region: "us-east-1", credentials, maxAttempts: 1 });
  const { User } = await iam.createUser({ UserName: "reader" });
  const { AccessKey: key } = await iam.createAccessKey({ UserName: "reader" });
  iam.destroy();
  const userCredentials = { accessKeyId: key?.AccessKeyId ?? "", secretAccessKey: key?.SecretAccessKey ?? "" };
  const clients = nodes.map(({ name, endpoint }) => {
    const client = (who: AccessKey): KMS =>
      new KMS({
        endpoint,
        region: "us-east-1",
        credentials: who,
        maxAttempts: 1,
        requestHandler: { connectionTimeout: 1_000, requestTimeout: REQUEST_MS_MAX, throwOnRequestTimeout: true },
      });
    return { name, admin: client(credentials), user: client(userCredentials) };
  });
  return {
    nodes: clients,
    principals: { rootArn: `arn:aws:iam::${account}:root`, userArn: User?.Arn ?? "" },
    close: () => {
      for (const { admin, user } of clients) for (const client of [admin, user]) client.destroy();
    },
  };
}
