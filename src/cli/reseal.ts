/** Seals the rows of a store anew under the domain keys that a shred leaves. */

import { digestMaterial } from "../audit/trails/digest-keys.ts";
import { findSealVersion } from "../custody/seal.ts";
import type { SoftwareCustody } from "../custody/software.ts";
import { secretOf } from "../kms/key-stores/xks-client.ts";
import { materialColumns } from "../kms/keys.ts";
import { sealedMaterialOf } from "../kms/resources.ts";
import type { KeyStoreRow } from "../storage/key-store-schema.ts";
import { listEveryKeyStore, replaceSealedKeyStores } from "../storage/key-stores.ts";
import { listSealedContents, replaceSealedContents, type SealedContent } from "../storage/objects.ts";
import type { CredentialRow, MaterialRow } from "../storage/schema.ts";
import {
  listCredentialRows,
  listMaterialsToSeal,
  replaceSealedCredentials,
  replaceSealedMaterials,
  type Shred,
} from "../storage/shreds.ts";
import type { Store } from "../storage/store.ts";
import { listDigestKeysToSeal, replaceDigestKey } from "../storage/trails.ts";

/** Rows that are read, sealed and written at a time. */
const BATCH_ROWS = 200;

interface Resealing {
  readonly store: Store;
  readonly custody: SoftwareCustody;
  readonly begun: Shred;
}

/**
 * Seals what is sealed under old domain keys anew, in batches that stand by themselves.
 *
 * @returns how many rows there were
 * @throws SealedRowError a row does not open, or is not what its id says
 */
export async function resealRows(resealing: Resealing): Promise<number> {
  let rows = 0;
  for (const { purpose, region, version } of resealing.begun.versions) {
    if (purpose === "material") {
      rows += await resealMaterials(resealing, { region, version });
      rows += await resealDigestKeys(resealing, { region, version });
    }
    if (purpose === "credential") rows += await resealCredentials(resealing, version);
    if (purpose === "store") rows += await resealKeyStores(resealing, version);
    if (purpose === "store") rows += await resealObjects(resealing, version);
  }
  return rows;
}

async function resealMaterials(
  { store, custody }: Resealing,
  old: { readonly region: string; readonly version: number },
): Promise<number> {
  let rows = 0;
  let after: MaterialRow | undefined;
  do {
    const batch = await listMaterialsToSeal(store.db, old, { after, count: BATCH_ROWS });
    const sealed: ReturnType<typeof materialColumns>[] = [];
    for (const row of batch) {
      sealed.push(materialColumns(await custody.resealMaterial(sealedMaterialOf(row), row.region)));
    }
    if (sealed.length > 0) await store.transaction((tx) => replaceSealedMaterials(tx, sealed));
    rows += batch.length;
    after = batch.at(-1);
  } while (after !== undefined);
  return rows;
}

async function resealDigestKeys(
  { store, custody }: Resealing,
  old: { readonly region: string; readonly version: number },
): Promise<number> {
  const keys = await listDigestKeysToSeal(store.db, old);
  for (const row of keys) {
    const { sealed, domainVersion } = await custody.resealMaterial(digestMaterial(row), row.region);
    await store.transaction((tx) => replaceDigestKey(tx, { ...row, sealed, domain_version: domainVersion }));
  }
  return keys.length;
}

async function resealCredentials({ store, custody }: Resealing, version: number): Promise<number> {
  let rows = 0;
  let after: string | undefined = "";
  while (after !== undefined) {
    const batch: CredentialRow[] = await listCredentialRows(store.db, { after, count: BATCH_ROWS });
    const old = batch.filter(({ secret }) => (findSealVersion(secret) ?? 0) < version);
    const sealed: Pick<CredentialRow, "access_key_id" | "secret">[] = [];
    for (const { account, access_key_id, secret } of old) {
      const name = { account, accessKeyId: access_key_id };
      sealed.push({ access_key_id, secret: await custody.resealCredential(name, secret) });
    }
    if (sealed.length > 0) await store.transaction((tx) => replaceSealedCredentials(tx, sealed));
    rows += old.length;
    after = batch.at(-1)?.access_key_id;
  }
  return rows;
}

async function resealKeyStores({ store, custody }: Resealing, version: number): Promise<number> {
  let rows = 0;
  let after: KeyStoreRow | undefined;
  do {
    const batch: KeyStoreRow[] = await listEveryKeyStore(store.db, after, BATCH_ROWS);
    const old = batch.filter(({ secret }) => (findSealVersion(secret) ?? 0) < version);
    const sealed: Pick<KeyStoreRow, "region" | "id" | "secret">[] = [];
    for (const row of old) {
      const { region, id } = row;
      sealed.push({ region, id, secret: await custody.resealKeyStoreSecret(secretOf(row), row.secret) });
    }
    if (sealed.length > 0) await store.transaction((tx) => replaceSealedKeyStores(tx, sealed));
    rows += old.length;
    after = batch.at(-1);
  } while (after !== undefined);
  return rows;
}

/** Data keys of S3 objects and uploads that no KMS key protects. */
async function resealObjects({ store, custody }: Resealing, version: number): Promise<number> {
  let rows = 0;
  for (const kind of ["object", "upload"] as const) {
    let after: string | undefined = "";
    while (after !== undefined) {
      const batch: readonly SealedContent[] = await listSealedContents(store.db, kind, { after, count: BATCH_ROWS });
      const old = batch.filter(({ data_key }) => (findSealVersion(data_key) ?? 0) < version);
      const sealed: Pick<SealedContent, "body" | "data_key">[] = [];
      for (const { account, bucket, body, data_key } of old) {
        sealed.push({ body, data_key: await custody.objectKeys.reseal({ account, bucket, body }, data_key) });
      }
      if (sealed.length > 0) await store.transaction((tx) => replaceSealedContents(tx, kind, sealed));
      rows += old.length;
      after = batch.at(-1)?.body;
    }
  }
  return rows;
}
