/** Where the features of the guide's document history are shown: one server with key stores, quotas and simulated services in reach. */

import { generateKeyPairSync } from "node:crypto";
import { IAM } from "@aws-sdk/client-iam";
import { KMS, type RecipientInfo } from "@aws-sdk/client-kms";
import { enclaveFields, newPki, registers, signDocument } from "../attestation.ts";
import type { AccessKey } from "../faults/signed-requests.ts";
import { newUser } from "../iam-world.ts";
import { REGION } from "../kms-client.ts";
import { type SimulatedService, simulatedService } from "../services/simulated-service.ts";
import { type ClusterWorld, startClusterWorld } from "./cluster-world.ts";

/** A feature with its date in the guide, and what shows it. */
export interface DatedFeature {
  readonly date: string;
  readonly feature: string;
  show(): Promise<void>;
}

interface ClientOptions {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: AccessKey;
  readonly maxAttempts: number;
}

export interface DatedWorld extends ClusterWorld {
  /** The root user's. */
  readonly iam: IAM;
  /** A client of a service for the root user of the first account, or for whoever has these credentials. */
  clientFor<C extends { destroy(): void }>(
    Client: new (options: ClientOptions) => C,
    options?: { readonly region?: string; readonly credentials?: AccessKey },
  ): C;
  /** A user who is allowed this, by policies of its own, and its client of KMS. */
  person(name: string, allow?: readonly object[]): Promise<{ readonly arn: string; readonly kms: KMS }>;
  /** A service that calls KMS from the usual Region. */
  service(name: string): SimulatedService;
  /** In an enclave, with an attestation document of now. */
  recipient(): RecipientInfo;
  /** PEM of what opens answers to it. */
  readonly recipientKey: string;
}

/** @param quotas as the file of `--quotas`; those of AWS if not given */
export async function startDatedWorld(quotas?: string): Promise<DatedWorld> {
  const pki = newPki();
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const spki = new Uint8Array(publicKey.export({ format: "der", type: "spki" }));
  const world = await startClusterWorld({
    ...(quotas !== undefined && { quotas }),
    config: { attestationRoots: [pki.root.der] },
  });
  const made: { destroy(): void }[] = [];
  const clientFor: DatedWorld["clientFor"] = (Client, { region = REGION, credentials } = {}) => {
    const { address } = world.held;
    const options = { endpoint: address.endpoint, region, credentials: credentials ?? address.credentials };
    const client = new Client({ ...options, maxAttempts: 1 });
    made.push(client);
    return client;
  };
  const iam = clientFor(IAM);
  return {
    ...world,
    iam,
    clientFor,
    async person(name, allow) {
      const { arn, ...credentials } = await newUser(iam, name, allow);
      return { arn, kms: clientFor(KMS, { credentials }) };
    },
    service: (name) => simulatedService(world.held, name, REGION),
    recipient: () => ({
      AttestationDocument: signDocument(pki, enclaveFields(pki, spki).set("pcrs", registers())),
      KeyEncryptionAlgorithm: "RSAES_OAEP_SHA_256",
    }),
    recipientKey: privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
    async [Symbol.asyncDispose]() {
      for (const client of made) client.destroy();
      await world[Symbol.asyncDispose]();
    },
  };
}
