/** Stores and blobs of every version that was ever written open for ever. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import type { Purpose, RecipientKind } from "../../src/custody/custody.ts";
import { readRecoveryKey } from "../../src/custody/root-key.ts";
import { openCustody } from "../../src/custody/software.ts";
import { externalLayer } from "./external-layer.ts";
import { ascii, HeldClock } from "./fixtures.ts";
import { MemoryDomainKeyStore } from "./memory-domain-key-store.ts";

/** A golden file: a whole store in hex, with the root keys that open it. */
interface Golden {
  readonly rootKeys: readonly { kind: RecipientKind; id: string; text: string }[];
  readonly recipients: readonly { id: string; kind: RecipientKind; sealedKey: string }[];
  readonly domainKeys: readonly {
    region: string;
    purpose: Purpose;
    version: number;
    seals: number;
    copies: readonly { recipient: string; sealed: string }[];
  }[];
  readonly material: {
    account: string;
    region: string;
    keyId: string;
    spec: string;
    usage: string;
    origin: string;
    materialId: string;
    domainVersion: number;
    sealed: string;
  };
  readonly context: Readonly<Record<string, string>>;
  readonly plaintext: string;
  readonly blob: string;
  /** Of a key in an external key store. */
  readonly externalKey?: string;
}

const folder = new URL("../vectors/blobs/", import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith(".json"));
const hex = (text: string): Uint8Array => Uint8Array.fromHex(text);

function loadGolden(name: string): { golden: Golden; store: MemoryDomainKeyStore } {
  const golden = JSON.parse(readFileSync(new URL(name, folder), "utf8")) as Golden;
  const store = new MemoryDomainKeyStore();
  store.recipientRows = golden.recipients.map((row) => ({ ...row, sealedKey: hex(row.sealedKey) }));
  store.keys = golden.domainKeys.map((row) => ({
    ...row,
    copies: row.copies.map(({ recipient, sealed }) => ({ recipient, sealed: hex(sealed) })),
  }));
  return { golden, store };
}

describe("the golden blobs", () => {
  it("are all here", () => {
    assert.deepEqual(names.sort(), [
      "v1-context.json",
      "v1-external.json",
      "v1-multi-region.json",
      "v1-no-context.json",
      "v1-sm4.json",
    ]);
  });

  for (const name of names) {
    for (const which of [0, 1]) {
      it(`${name} opens with root key ${which} alone`, async () => {
        const { golden, store } = loadGolden(name);
        const named = golden.rootKeys[which];
        assert.ok(named);
        const rootKey = readRecoveryKey(ascii(named.text));
        assert.equal(rootKey.id, named.id);
        const custody = await openCustody({ store, rootKeys: [rootKey], clock: new HeldClock() });
        const { keyId, materialId } = golden.material;
        assert.deepEqual(custody.parseBlob(hex(golden.blob)), { keyId, materialId });
        const { externalKey } = golden;
        const material = {
          ...golden.material,
          sealed: hex(golden.material.sealed),
          ...(externalKey !== undefined && { outer: externalLayer(hex(externalKey)) }),
        };
        const plaintext = await custody.decrypt(material, hex(golden.blob), golden.context);
        assert.equal(plaintext.toHex(), golden.plaintext);
      });
    }
  }
});
