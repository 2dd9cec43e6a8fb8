/** The mode in which changes lag, for software that must wait or bring its grant tokens (spec 03 and 08, Eventual consistency). */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { startKeystead } from "../../src/testing.ts";
import {
  ACCOUNT,
  allowing,
  assertRefused,
  bytes,
  newKey,
  OTHER_ACCOUNT,
  policyOf,
  present,
  startWorld,
} from "../kms-client.ts";

const world = await startWorld(["--eventual-consistency", "300"]);
after(() => world.stop());
const { kms, other } = world;

const propagate = (): Promise<Date> => world.server.clock.advance("PT301S");

describe("with changes that lag", () => {
  it("S03-022, S08-025: a new grant decides with its token at once, and without it after the lag", async () => {
    const { KeyId, Arn } = await newKey(kms, { Policy: policyOf(allowing(ACCOUNT)) });
    await propagate();
    const GranteePrincipal = `arn:aws:iam::${OTHER_ACCOUNT}:root`;
    const { GrantToken } = await kms.createGrant({ KeyId, GranteePrincipal, Operations: ["Encrypt"] });
    const input = { KeyId: Arn, Plaintext: bytes(1) };
    await assertRefused(other.encrypt(input), "AccessDeniedException");
    await other.encrypt({ ...input, GrantTokens: [present(GrantToken)] });
    await assertRefused(other.encrypt(input), "AccessDeniedException");
    await propagate();
    await other.encrypt(input);
    const { GrantToken: another } = await kms.createGrant({ KeyId, GranteePrincipal, Operations: ["DescribeKey"] });
    await assertRefused(
      other.decrypt({ KeyId: Arn, CiphertextBlob: bytes(200), GrantTokens: [present(another)] }),
      "AccessDeniedException",
    );
  });

  it("S08-025: a new key is not found before the lag is over", async () => {
    const { KeyMetadata } = await kms.createKey({ Origin: "EXTERNAL" });
    const KeyId = present(KeyMetadata?.KeyId);
    const input = { KeyId, WrappingAlgorithm: "RSAES_OAEP_SHA_256", WrappingKeySpec: "RSA_2048" } as const;
    await assertRefused(
      kms.getParametersForImport(input),
      "NotFoundException",
      `Key '${KeyMetadata?.Arn}' does not exist`,
    );
    await propagate();
    await kms.getParametersForImport(input);
  });

  it("S08-025: a new alias is listed at once and names its key after the lag", async () => {
    const { KeyId } = await newKey(kms);
    await propagate();
    await kms.createAlias({ AliasName: "alias/late", TargetKeyId: KeyId });
    const { Aliases } = await kms.listAliases({ KeyId });
    assert.deepEqual(
      Aliases?.map(({ AliasName }) => AliasName),
      ["alias/late"],
    );
    await assertRefused(kms.describeKey({ KeyId: "alias/late" }), "NotFoundException");
    await propagate();
    await kms.describeKey({ KeyId: "alias/late" });
  });

  for (const text of ["-1", "soon", "3601", ""]) {
    it(`does not start with '${text}'`, async () => {
      await assert.rejects(startKeystead({ args: ["--eventual-consistency", text] }), /--eventual-consistency/);
    });
  }
});
