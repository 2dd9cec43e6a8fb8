/** Opened material is kept for a while, dropped at once when told, and never outlives a change of its row. */

import assert from "node:assert/strict";
import { createSecretKey } from "node:crypto";
import { describe, it } from "node:test";
import type { SealedMaterial } from "../../src/custody/custody.ts";
import { DomainKeys } from "../../src/custody/domain-keys.ts";
import { type Handle, Handles, materialFields, materialId } from "../../src/custody/handles.ts";
import { ephemeralRootKey } from "../../src/custody/root-key.ts";
import { SealedRowError } from "../../src/custody/seal.ts";
import { HeldClock, owner } from "./fixtures.ts";
import { MemoryDomainKeyStore } from "./memory-domain-key-store.ts";

const fingerprint = createSecretKey(new Uint8Array(32).fill(1));
const otherKeyId = "0987dcba-09fe-87dc-65ba-ab0987654321";

async function newHandles(): Promise<{
  handles: Handles;
  clock: HeldClock;
  seal: (keyId: string, id?: string) => Promise<SealedMaterial>;
}> {
  const rootKeys = [ephemeralRootKey()];
  const domainKeys = await DomainKeys.open({ store: new MemoryDomainKeyStore(), rootKeys, singleRootKey: true });
  const clock = new HeldClock();
  const handles = new Handles(domainKeys, fingerprint, { entriesMax: 10, ageMsMax: 1000 }, clock);
  const seal = async (keyId: string, id?: string): Promise<SealedMaterial> => {
    const named = { ...owner, keyId };
    const bytes = new Uint8Array(32).fill(3);
    const materialName = id ?? materialId(fingerprint, named, bytes);
    const domain = { region: owner.region, purpose: "material" } as const;
    const { version, sealed } = await domainKeys.seal(domain, materialFields(named, materialName), bytes);
    return { ...named, materialId: materialName, domainVersion: version, sealed };
  };
  return { handles, clock, seal };
}

const isOpen = (handle: Handle | Promise<Handle>): boolean => !(handle instanceof Promise);

describe("a handle of material", () => {
  it("is there at once the second time, also for an equal row", async () => {
    const { handles, seal } = await newHandles();
    const row = await seal(owner.keyId);
    const first = handles.open(row);
    assert.ok(!isOpen(first));
    const handle = await first;
    assert.equal(handles.open(row), handle);
    assert.equal(handles.open({ ...row }), handle);
  });

  it("is not made of material whose id is another's, though its seal opens", async () => {
    const { handles, seal } = await newHandles();
    const row = await seal(owner.keyId, "ab".repeat(32));
    await assert.rejects(
      async () => await handles.open(row),
      (error) => {
        assert.ok(error instanceof SealedRowError);
        assert.match(error.message, /is not what its id says/);
        return true;
      },
    );
    assert.equal(handles.size, 0);
  });

  it("is dropped when its key is forgotten, and no other is", async () => {
    const { handles, seal } = await newHandles();
    const row = await seal(owner.keyId);
    const other = await seal(otherKeyId);
    await handles.open(row);
    await handles.open(other);
    handles.forget(owner.keyId);
    assert.ok(isOpen(handles.open(other)));
    assert.equal(handles.size, 1);
  });

  it("is not kept when its key is forgotten while it is being opened", async () => {
    const { handles, seal } = await newHandles();
    const opening = handles.open(await seal(owner.keyId));
    handles.forget(owner.keyId);
    await opening;
    assert.equal(handles.size, 0);
  });

  it("is dropped when it is old", async () => {
    const { handles, seal, clock } = await newHandles();
    const row = await seal(owner.keyId);
    await handles.open(row);
    clock.time += 999;
    assert.ok(isOpen(handles.open(row)));
    clock.time += 1;
    const again = handles.open(row);
    assert.ok(!isOpen(again));
    await again;
  });
});
