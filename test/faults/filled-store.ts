/** A store of `serve` with keys of several kinds and what was made under them, and the check that all of it still opens. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { type CreateKeyCommandInput, type KeyMetadata, KMS } from "@aws-sdk/client-kms";
import { STS } from "@aws-sdk/client-sts";
import { accessKeyIn, runKeystead, startServe } from "./processes.ts";
import type { AccessKey } from "./signed-requests.ts";

const CONTEXT = { purpose: "kept" };
const MESSAGE = new TextEncoder().encode("what the keys protect");

/** One key and what was made under it. */
interface KeptKey {
  readonly region: string;
  readonly keyId: string;
  readonly materialId: string | undefined;
  readonly blob?: Uint8Array;
  readonly signature?: Uint8Array;
  readonly mac?: Uint8Array;
}

/** What is to be the same for ever, and what is to be refused after a shred. */
export interface FilledStore {
  readonly directory: string;
  readonly account: string;
  readonly credentials: AccessKey;
  /** The recovery key in a file. */
  readonly recovery: string;
  readonly keys: readonly KeptKey[];
  readonly session: AccessKey;
  readonly importing: { readonly keyId: string; readonly token: Uint8Array };
}

const KINDS: readonly (CreateKeyCommandInput & { readonly region: string })[] = [
  { region: "us-east-1" },
  { region: "eu-west-1", MultiRegion: true },
  { region: "us-east-1", KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" },
  { region: "ap-south-1", KeySpec: "HMAC_256", KeyUsage: "GENERATE_VERIFY_MAC" },
];

/** Makes a store below an empty directory and fills it through the API. */
export async function fillStore(directory: string, account = "111122223333"): Promise<FilledStore> {
  const { code, stdout, stderr } = await runKeystead(["init", "--data", directory, "--account", account]);
  assert.equal(code, 0, stderr);
  const recovery = join(directory, "..", "recovery.key");
  writeFileSync(recovery, /^keystead-root-1-.+$/m.exec(stdout)?.[0] ?? "", { mode: 0o600 });
  const credentials = accessKeyIn(stdout);
  await using server = await startServe(directory);
  const kms = clientsOf(server.endpoint, credentials);
  const keys: KeptKey[] = [];
  for (const { region, ...input } of KINDS) {
    const { KeyMetadata } = await kms(region).createKey(input);
    const made = await keyOf(kms(region), region, KeyMetadata);
    keys.push(made);
    if (input.MultiRegion !== true) continue;
    const replica = await kms(region).replicateKey({ KeyId: made.keyId, ReplicaRegion: "eu-west-2" });
    keys.push({ ...(await keyOf(kms("eu-west-2"), "eu-west-2", replica.ReplicaKeyMetadata)), ...withBlob(made) });
    await untilCreated(kms("eu-west-2"), made.keyId);
  }
  const rotated = keys[0]?.keyId;
  await kms("us-east-1").rotateKeyOnDemand({ KeyId: rotated });
  const { KeyMetadata } = await kms("us-east-1").describeKey({ KeyId: rotated });
  keys.push(await keyOf(kms("us-east-1"), "us-east-1", KeyMetadata));
  const external = await kms("us-east-1").createKey({ Origin: "EXTERNAL" });
  const keyId = external.KeyMetadata?.KeyId ?? "";
  const parameters = await kms("us-east-1").getParametersForImport({
    KeyId: keyId,
    WrappingAlgorithm: "RSAES_OAEP_SHA_256",
    WrappingKeySpec: "RSA_2048",
  });
  const sts = new STS({ endpoint: server.endpoint, region: "us-east-1", credentials, maxAttempts: 1 });
  const { Credentials } = await sts.getFederationToken({
    Name: "kept",
    PolicyArns: [{ arn: "arn:aws:iam::aws:policy/AdministratorAccess" }],
  });
  const session = {
    accessKeyId: Credentials?.AccessKeyId ?? "",
    secretAccessKey: Credentials?.SecretAccessKey ?? "",
    sessionToken: Credentials?.SessionToken ?? "",
  };
  const token = parameters.ImportToken ?? new Uint8Array();
  return { directory, account, credentials, recovery, keys, session, importing: { keyId, token } };
}

/** Checks through the API that every key has its material, and that what was made under it opens and verifies. */
export async function checkFilled({ credentials, keys }: FilledStore, endpoint: string): Promise<void> {
  const kms = clientsOf(endpoint, credentials);
  for (const { region, keyId, materialId, blob, signature, mac } of keys) {
    const client = kms(region);
    if (blob !== undefined) {
      const opened = await client.decrypt({ CiphertextBlob: blob, EncryptionContext: CONTEXT });
      assert.deepEqual(Buffer.from(opened.Plaintext ?? []), Buffer.from(MESSAGE));
      assert.equal(opened.KeyMaterialId, materialId);
      await client.encrypt({ KeyId: keyId, Plaintext: MESSAGE });
    }
    const signed = { KeyId: keyId, Message: MESSAGE, SigningAlgorithm: "ECDSA_SHA_256" } as const;
    if (signature !== undefined) {
      assert.ok((await client.verify({ ...signed, Signature: signature })).SignatureValid);
      await client.sign(signed);
    }
    if (mac !== undefined) {
      const macced = { KeyId: keyId, Message: MESSAGE, MacAlgorithm: "HMAC_SHA_256" } as const;
      assert.ok((await client.verifyMac({ ...macced, Mac: mac })).MacValid);
    }
  }
}

/** Clients of an account by Region. */
export function clientsOf(endpoint: string, credentials: AccessKey): (region: string) => KMS {
  const clients = new Map<string, KMS>();
  return (region) => {
    const client = clients.get(region) ?? new KMS({ endpoint, region, credentials, maxAttempts: 1 });
    clients.set(region, client);
    return client;
  };
}

/** Waits until a replica, which is `Creating` at first, can be used. */
async function untilCreated(kms: KMS, keyId: string): Promise<void> {
  while ((await kms.describeKey({ KeyId: keyId })).KeyMetadata?.KeyState === "Creating") await setTimeout(100);
}

async function keyOf(kms: KMS, region: string, metadata: KeyMetadata | undefined): Promise<KeptKey> {
  const { KeyId: keyId = "", CurrentKeyMaterialId: materialId, KeyUsage } = metadata ?? {};
  const key = { region, keyId, materialId };
  switch (KeyUsage) {
    case "SIGN_VERIFY": {
      const input = { KeyId: keyId, Message: MESSAGE, SigningAlgorithm: "ECDSA_SHA_256" } as const;
      const { Signature: signature = new Uint8Array() } = await kms.sign(input);
      return { ...key, signature };
    }
    case "GENERATE_VERIFY_MAC": {
      const { Mac: mac = new Uint8Array() } = await kms.generateMac({
        KeyId: keyId,
        Message: MESSAGE,
        MacAlgorithm: "HMAC_SHA_256",
      });
      return { ...key, mac };
    }
    default: {
      if (metadata?.KeyState !== "Enabled") return key;
      const input = { KeyId: keyId, Plaintext: MESSAGE, EncryptionContext: CONTEXT };
      const { CiphertextBlob: blob = new Uint8Array() } = await kms.encrypt(input);
      return { ...key, blob };
    }
  }
}

function withBlob({ blob }: KeptKey): Pick<KeptKey, "blob"> {
  return blob === undefined ? {} : { blob };
}
