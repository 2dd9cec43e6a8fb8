/** The example policies of the KMS guide: who is let in, who isn't, and with which error. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import type { KMS } from "@aws-sdk/client-kms";
import { type Person, startIamWorld } from "../iam-world.ts";
import { ACCOUNT, allowing, assertRefused, bytes, newKey, OTHER_ACCOUNT, policyOf } from "../kms-client.ts";
import { abac, conditions, contexts } from "./guide-conditions.ts";
import type { Case, Example, Refusal } from "./guide-example.ts";
import { iamPolicies, keyPolicies } from "./guide-policies.ts";

const world = await startIamWorld();
after(() => world.stop());
const { kms } = world;

const DryRun = true;
/** What calls have where a case says nothing else. */
const INPUTS: Readonly<Record<string, object>> = {
  CreateAlias: { AliasName: "alias/new" },
  CreateGrant: { GranteePrincipal: `arn:aws:iam::${ACCOUNT}:root`, Operations: ["Encrypt"], DryRun },
  Encrypt: { Plaintext: bytes(1), DryRun },
  GenerateDataKey: { KeySpec: "AES_256", DryRun },
  GenerateDataKeyPairWithoutPlaintext: { KeyPairSpec: "RSA_2048", DryRun },
  GenerateMac: { Message: bytes(1), MacAlgorithm: "HMAC_SHA_256", DryRun },
  GetParametersForImport: { WrappingAlgorithm: "RSAES_OAEP_SHA_256", WrappingKeySpec: "RSA_3072" },
  PutKeyPolicy: { Policy: policyOf(allowing(ACCOUNT)) },
  Sign: { Message: bytes(1), SigningAlgorithm: "RSASSA_PSS_SHA_256", DryRun },
  TagResource: { Tags: [{ TagKey: "Free", TagValue: "x" }] },
  UpdateKeyDescription: { Description: "new" },
  VerifyMac: { Message: bytes(1), MacAlgorithm: "HMAC_SHA_256", Mac: bytes(32), DryRun },
};
/** Operations that are on no key: their resource is `*`. */
const KEYLESS: readonly string[] = ["CreateKey", "ListKeys", "ListAliases"];

/** How the message goes on after the action. */
function reasonOf(refusal: Refusal, action: string, resource: string): string {
  const policy = `${refusal.replace("!", "")}-based policy`;
  if (refusal === "another account's") {
    return "on this resource because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access";
  }
  const article = policy.startsWith("i") ? "an" : "a";
  return refusal.endsWith("!")
    ? `on resource: ${resource} with an explicit deny in ${article} ${policy}`
    : `on resource: ${resource} because no ${policy} allows the ${action} action`;
}

/** Makes the call of a case, and asserts what it comes to. */
async function check(person: Person, key: string, { operation, input = {}, refusal }: Case): Promise<void> {
  const isKeyless = KEYLESS.includes(operation);
  const named = operation === "CreateAlias" ? { TargetKeyId: key } : isKeyless ? {} : { KeyId: key };
  const method = `${operation.charAt(0).toLowerCase()}${operation.slice(1)}`;
  const calls = person.kms as unknown as Readonly<Record<string, (this: KMS, input: object) => Promise<unknown>>>;
  const filled = JSON.stringify(input).includes("USERNAME") ? { EncryptionContext: { user: person.name } } : input;
  const call = calls[method]?.call(person.kms, { ...named, ...INPUTS[operation], ...filled });
  assert.ok(call, operation);
  const what = `${operation} ${JSON.stringify(input)}`;
  if (refusal === undefined) {
    await call.catch(({ name, message }: Error) =>
      assert.equal(name, "DryRunOperationException", `${what}: ${message}`),
    );
    return;
  }
  const action = `kms:${operation}`;
  const message = `User: ${person.arn} is not authorized to perform: ${action} ${reasonOf(refusal, action, isKeyless ? "*" : key)}`;
  await assertRefused(call, "AccessDeniedException", message).catch((cause: unknown) => {
    throw new Error(what, { cause });
  });
}

let count = 0;

/** A user, and a key that the account's root user can manage whatever the example says. */
async function setUp({
  keyPolicy,
  iam,
  key,
  aliases = [],
  isForeign,
}: Example): Promise<{ person: Person; arn: string }> {
  count += 1;
  const account = isForeign ? OTHER_ACCOUNT : ACCOUNT;
  const { Arn } = await newKey(kms, key ?? {});
  const person = await world.person(`example-${count}`, { account, allow: iam?.(Arn) ?? [] });
  if (keyPolicy !== undefined) {
    const root = { ...allowing(ACCOUNT), Condition: { StringEquals: { "aws:PrincipalType": "Account" } } };
    await kms.putKeyPolicy({ KeyId: Arn, Policy: policyOf(root, ...keyPolicy(person.arn)) });
  }
  for (const AliasName of aliases) await kms.createAlias({ AliasName, TargetKeyId: Arn });
  return { person, arn: Arn };
}

const EXAMPLES: readonly (readonly [kind: string, examples: readonly Example[]])[] = [
  ["a key policy", keyPolicies],
  ["an IAM policy", iamPolicies],
  ["a condition on the encryption context", contexts],
  ["a condition", conditions],
  ["access by tags", abac],
];

for (const [kind, examples] of EXAMPLES) {
  describe(`${kind} of the guide:`, () => {
    for (const example of examples) {
      it(`${example.ids === undefined ? "" : `${example.ids}: `}${example.title}`, async () => {
        assert.ok(example.cases.length > 0);
        const { person, arn } = await setUp(example);
        for (const each of example.cases) await check(person, arn, each);
      });
    }
  });
}
