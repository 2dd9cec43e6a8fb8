/** Imports: which key opens what was wrapped, for whom, and that it is done where dear jobs are done. */

import assert from "node:assert/strict";
import { constants, createPublicKey, publicEncrypt } from "node:crypto";
import { describe, it } from "node:test";
import { DomainKeys } from "../../src/custody/domain-keys.ts";
import { Imports } from "../../src/custody/imports.ts";
import { newPair } from "../../src/custody/key-pairs.ts";
import type { PairUse } from "../../src/custody/pair-use.ts";
import { ephemeralRootKey } from "../../src/custody/root-key.ts";
import { decryptOaep, type OaepHash } from "../../src/custody/rsa.ts";
import { owner } from "./fixtures.ts";
import { MemoryDomainKeyStore } from "./memory-domain-key-store.ts";

const domainKeys = await DomainKeys.open({
  store: new MemoryDomainKeyStore(),
  rootKeys: [ephemeralRootKey()],
  singleRootKey: true,
});

describe("an import", () => {
  for (const keySpec of ["RSA_2048", "RSA_3072", "SM2"]) {
    it(`leaves opening to the pairs' use, as the account's job with a key of spec ${keySpec}`, async () => {
      const jobs: unknown[] = [];
      const pairs: Pick<PairUse, "takePair" | "decrypt"> = {
        takePair: async ({ spec }) => newPair(spec),
        async decrypt({ row, privateKey }, how, ciphertext) {
          jobs.push({ ...row, how });
          return how === "sm2" ? new Uint8Array(32) : decryptOaep({ privateKey }, how satisfies OaepHash, ciphertext);
        },
      };
      const imports = new Imports(domainKeys, pairs);
      const algorithm = keySpec === "SM2" ? "SM2PKE" : "RSAES_OAEP_SHA_256";
      const { publicKey, token } = await imports.issue(owner, { algorithm, keySpec, validTo: 2 });
      const key = createPublicKey({ key: Buffer.from(publicKey), format: "der", type: "spki" });
      const padding = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256" };
      const wrapped = keySpec === "SM2" ? new Uint8Array(9) : publicEncrypt({ key, ...padding }, new Uint8Array(32));
      using material = await imports.take(owner, { token, wrapped: new Uint8Array(wrapped), now: 1 });
      assert.deepEqual(material.bytes, new Uint8Array(32));
      assert.deepEqual(jobs, [{ account: owner.account, spec: keySpec, how: keySpec === "SM2" ? "sm2" : "sha256" }]);
    });
  }
});
