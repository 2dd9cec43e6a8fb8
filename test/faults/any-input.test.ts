/** Any input of any operation of any service: an answer or an error of the service's, never a fault of the server's own. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, describe, it } from "node:test";
import { CloudTrail } from "@aws-sdk/client-cloudtrail";
import { CloudWatch } from "@aws-sdk/client-cloudwatch";
import { EBS } from "@aws-sdk/client-ebs";
import { EC2 } from "@aws-sdk/client-ec2";
import { EventBridge } from "@aws-sdk/client-eventbridge";
import { IAM } from "@aws-sdk/client-iam";
import { KMS } from "@aws-sdk/client-kms";
import { Organizations } from "@aws-sdk/client-organizations";
import { ResourceGroupsTaggingAPI } from "@aws-sdk/client-resource-groups-tagging-api";
import { S3 } from "@aws-sdk/client-s3";
import { SecretsManager } from "@aws-sdk/client-secrets-manager";
import { ServiceQuotas } from "@aws-sdk/client-service-quotas";
import { SSM } from "@aws-sdk/client-ssm";
import { STS } from "@aws-sdk/client-sts";
import { startDevServer } from "../dev-server.ts";
import { REGION } from "../kms-client.ts";
import { ModelInputs, type Shapes } from "./model-inputs.ts";
import { RandomChoices } from "./random-choices.ts";

const REQUESTS = 1_500;
const seed = Number(process.env["FAULTS_SEED"] ?? 20_261_127);

/** By the names of their models. */
const CLIENTS = {
  cloudtrail: CloudTrail,
  cloudwatch: CloudWatch,
  ebs: EBS,
  ec2: EC2,
  events: EventBridge,
  iam: IAM,
  kms: KMS,
  organizations: Organizations,
  resourcegroupstaggingapi: ResourceGroupsTaggingAPI,
  s3: S3,
  secretsmanager: SecretsManager,
  "service-quotas": ServiceQuotas,
  ssm: SSM,
  sts: STS,
} as const;

/** What takes long, what the client computes or refuses by itself, and what ends the account. */
const LEFT_OUT = /^(?:GenerateDataKeyPair|CloseAccount|LeaveOrganization|SelectObjectContent)/;
const CLIENT_SIDE = ["ContentLength", "ContentMD5", "ChecksumAlgorithm", "EndpointId"];
/** Seldom, so that there is something left to ask for. */
const ENDING = /^(?:Disable|Schedule|Delete)/;

/** `Body` is a stream in S3 and EBS. */
interface Answer {
  readonly $metadata?: unknown;
  readonly Body?: { destroy?(): void };
}

interface Operation {
  readonly name: string;
  readonly shapes: Shapes;
  readonly input: string | undefined;
  readonly call: (input: object) => Promise<Answer>;
}

const server = await startDevServer();
const { endpoint, credentials } = server;
const silence = (): void => {};
const logger = { debug: silence, info: silence, warn: silence, error: silence };
const clients = Object.entries(CLIENTS).map(([model, Client]) => ({
  model,
  client: new Client({ endpoint, credentials, region: REGION, maxAttempts: 1, forcePathStyle: true, logger }),
}));
after(async () => {
  for (const { client } of clients) client.destroy();
  await server.stop();
});

/** The operations of a model, as a client calls them. */
function operationsOf(model: string, client: object): readonly Operation[] {
  const file = new URL(`../../src/wire/models/${model}.json`, import.meta.url);
  const { operations, shapes } = JSON.parse(readFileSync(file, "utf8")) as {
    readonly operations: Readonly<Record<string, { readonly input?: { readonly shape: string } }>>;
    readonly shapes: Shapes;
  };
  const methods = client as Readonly<Record<string, Operation["call"] | undefined>>;
  return Object.entries(operations)
    .filter(([name]) => !LEFT_OUT.test(name))
    .map(([name, { input }]) => {
      const method = methods[name.charAt(0).toLowerCase() + name.slice(1)];
      assert.ok(method, `${model} has no ${name}`);
      return { name, shapes, input: input?.shape, call: method.bind(client) };
    });
}

describe(`a server that gets ${REQUESTS} inputs of any operation (seed ${seed})`, () => {
  it("answers each, or refuses it in its service's words", async (t) => {
    const choices = new RandomChoices(seed);
    const inputs = new ModelInputs(choices);
    const operations = clients.flatMap(({ model, client }) => operationsOf(model, client));
    let successes = 0;
    for (let count = 0; count < REQUESTS; count += 1) {
      const { name, shapes, input: shape, call } = choices.pick(operations);
      if (ENDING.test(name) && choices.integer(1, 4) > 1) continue;
      const input = shape === undefined ? {} : inputs.input(shapes, shape);
      for (const member of CLIENT_SIDE) delete input[member];
      const fault = await call(input).then(
        ({ $metadata: _metadata, Body: body, ...answer }: Answer) => {
          successes += 1;
          body?.destroy?.();
          inputs.learn(answer);
          return undefined;
        },
        (cause: Error & { readonly $metadata?: { readonly httpStatusCode?: number } }) => {
          const status = cause.$metadata?.httpStatusCode ?? 0; // none: the client refused to send it
          return status < 500 || status === 501 ? undefined : `${status} ${cause.name}: ${cause.message}`;
        },
      );
      assert.equal(fault, undefined, `${name} ${JSON.stringify(input)}`);
    }
    t.diagnostic(`${successes} were answered`);
    assert.ok(successes > REQUESTS / 20, "too few inputs are any good");
  });
});
