/** What the clients of a soak do: uses, reads, changes, grants, sessions, IAM, deletions, and what must be refused. */

import type { AccessKey } from "../faults/signed-requests.ts";
import { keyArnOf, textOf } from "../faults/signed-requests.ts";
import { elementIn, type SoakClient } from "./soak-client.ts";

/** What is made once, before the load begins. */
export interface SoakWorld {
  readonly account: string;
  /** Keys that live as long as the soak, by what they are for. */
  readonly keys: Readonly<Record<"encrypt" | "rotating" | "rsa" | "ec" | "hmac" | "busy", string>>;
  readonly user: AccessKey;
  readonly role: string;
  /** Ciphertexts of the key that rotates, oldest first, with what they hold. */
  readonly blobs: { readonly blob: string; readonly plaintext: string }[];
  /** Keys whose deletion was scheduled since the clock was moved last. */
  doomed: string[];
}

const USER = "soak-user";
const ROLE = "soak-role";
const BLOBS_MAX = 200;
const CONTEXT = { soak: "yes" };

/** Makes keys, a user without permissions, and a role. */
export async function makeWorld(client: SoakClient, account: string): Promise<SoakWorld> {
  const make = async (input: object): Promise<string> => keyArnOf(await client.kms("CreateKey", input));
  const keys = {
    encrypt: await make({}),
    rotating: await make({}),
    rsa: await make({ KeySpec: "RSA_2048", KeyUsage: "SIGN_VERIFY" }),
    ec: await make({ KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" }),
    hmac: await make({ KeySpec: "HMAC_256", KeyUsage: "GENERATE_VERIFY_MAC" }),
    busy: await make({}),
  };
  await client.kms("EnableKeyRotation", { KeyId: keys.rotating, RotationPeriodInDays: 90 });
  await client.query("iam", { Action: "CreateUser", UserName: USER });
  const made = await client.query("iam", { Action: "CreateAccessKey", UserName: USER });
  const user = { accessKeyId: elementIn(made, "AccessKeyId"), secretAccessKey: elementIn(made, "SecretAccessKey") };
  const trust = statement({ Principal: { AWS: `arn:aws:iam::${account}:root` }, Action: "sts:AssumeRole" });
  await client.query("iam", { Action: "CreateRole", RoleName: ROLE, AssumeRolePolicyDocument: trust });
  const PolicyDocument = statement({ Action: ["kms:Encrypt", "kms:GenerateDataKey"], Resource: "*" });
  await client.query("iam", { Action: "PutRolePolicy", RoleName: ROLE, PolicyName: "uses", PolicyDocument });
  // Root users can't assume roles, so the user may, and nothing else.
  const mayAssume = statement({ Action: "sts:AssumeRole", Resource: "*" });
  const policy = { UserName: USER, PolicyName: "assumes", PolicyDocument: mayAssume };
  await client.query("iam", { Action: "PutUserPolicy", ...policy });
  return { account, keys, user, role: `arn:aws:iam::${account}:role/${ROLE}`, blobs: [], doomed: [] };
}

function statement(parts: object): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", ...parts }] });
}

type Step = (client: SoakClient, world: SoakWorld) => Promise<void>;

/** What is done, each as often as its weight says. */
export const STEPS: readonly { readonly name: string; readonly weight: number; readonly run: Step }[] = [
  { name: "encrypt and decrypt", weight: 30, run: encryptAndDecrypt },
  { name: "decrypt what is old", weight: 10, run: decryptOld },
  { name: "data keys", weight: 15, run: dataKeys },
  { name: "sign and verify", weight: 8, run: signAndVerify },
  { name: "MACs", weight: 8, run: macs },
  { name: "reads and lists", weight: 12, run: reads },
  { name: "a key's life", weight: 4, run: lifeOfAKey },
  { name: "grants", weight: 5, run: grants },
  { name: "sessions", weight: 5, run: sessions },
  { name: "IAM", weight: 4, run: iamChanges },
  { name: "what is refused", weight: 8, run: refused },
];

async function encryptAndDecrypt(client: SoakClient, { keys }: SoakWorld): Promise<void> {
  const Plaintext = Buffer.from(client.choices.bytes(32)).toString("base64");
  const EncryptionContext = CONTEXT;
  const { CiphertextBlob } = await client.kms("Encrypt", { KeyId: keys.encrypt, Plaintext, EncryptionContext });
  const output = await client.kms("Decrypt", { CiphertextBlob, EncryptionContext });
  if (output["Plaintext"] !== Plaintext) throw new Error("A ciphertext became another plaintext.");
}

/** Under a key that rotates meanwhile. */
async function decryptOld(client: SoakClient, { keys, blobs }: SoakWorld): Promise<void> {
  if (blobs.length < BLOBS_MAX) {
    const plaintext = Buffer.from(client.choices.bytes(16)).toString("base64");
    const output = await client.kms("Encrypt", { KeyId: keys.rotating, Plaintext: plaintext });
    blobs.push({ blob: textOf(output, "CiphertextBlob"), plaintext });
  }
  const { blob, plaintext } = client.choices.pick(blobs);
  const output = await client.kms("Decrypt", { CiphertextBlob: blob });
  if (output["Plaintext"] !== plaintext) throw new Error("An old ciphertext became another plaintext.");
}

async function dataKeys(client: SoakClient, { keys }: SoakWorld): Promise<void> {
  await client.kms("GenerateDataKey", { KeyId: keys.encrypt, KeySpec: "AES_256", EncryptionContext: CONTEXT });
  await client.kms("GenerateDataKeyWithoutPlaintext", { KeyId: keys.encrypt, KeySpec: "AES_128" });
  await client.kms("GenerateDataKeyPairWithoutPlaintext", { KeyId: keys.encrypt, KeyPairSpec: "ECC_NIST_P256" });
}

async function signAndVerify(client: SoakClient, { keys }: SoakWorld): Promise<void> {
  const [KeyId, SigningAlgorithm] = client.choices.pick([
    [keys.rsa, "RSASSA_PSS_SHA_256"],
    [keys.ec, "ECDSA_SHA_256"],
  ] as const);
  const input = { KeyId, SigningAlgorithm, Message: Buffer.from(client.choices.bytes(40)).toString("base64") };
  const { Signature } = await client.kms("Sign", input);
  await client.kms("Verify", { ...input, Signature });
}

async function macs(client: SoakClient, { keys }: SoakWorld): Promise<void> {
  const input = { KeyId: keys.hmac, MacAlgorithm: "HMAC_SHA_256", Message: "AAAA" };
  const { Mac } = await client.kms("GenerateMac", input);
  await client.kms("VerifyMac", { ...input, Mac });
}

async function reads(client: SoakClient, { keys, account }: SoakWorld): Promise<void> {
  const KeyId = keys.busy;
  await client.kms("DescribeKey", { KeyId });
  await client.kms("ListKeys", { Limit: 100 });
  await client.kms("ListAliases", { Limit: 50 });
  await client.kms("ListGrants", { KeyId, Limit: 50 });
  await client.kms("GetKeyPolicy", { KeyId, PolicyName: "default" });
  await client.kms("GetPublicKey", { KeyId: keys.ec });
  await client.kms("ListRetirableGrants", { RetiringPrincipal: `arn:aws:iam::${account}:root` });
}

/** From its making to the day on which its deletion is asked for. */
async function lifeOfAKey(client: SoakClient, world: SoakWorld): Promise<void> {
  const KeyId = keyArnOf(await client.kms("CreateKey", { Tags: [{ TagKey: "soak", TagValue: "a" }] }));
  const AliasName = `alias/soak-${client.choices.text(20)}`;
  await client.kms("CreateAlias", { AliasName, TargetKeyId: KeyId });
  const output = await client.kms("Encrypt", { KeyId: AliasName, Plaintext: "AAAA" });
  await client.kms("TagResource", { KeyId, Tags: [{ TagKey: "more", TagValue: client.choices.text(8) }] });
  await client.kms("UpdateKeyDescription", { KeyId, Description: client.choices.text(30) });
  await client.kms("RotateKeyOnDemand", { KeyId });
  await client.kms("Decrypt", { CiphertextBlob: output["CiphertextBlob"] });
  await client.kms("DisableKey", { KeyId });
  await client.kms("Encrypt", { KeyId, Plaintext: "AAAA" }, { refused: "DisabledException" });
  await client.kms("EnableKey", { KeyId });
  await client.kms("ScheduleKeyDeletion", { KeyId, PendingWindowInDays: 7 });
  world.doomed.push(KeyId);
}

async function grants(client: SoakClient, { keys, account, role }: SoakWorld): Promise<void> {
  const grant = { KeyId: keys.busy, GranteePrincipal: role, Operations: ["Decrypt"] };
  const RetiringPrincipal = `arn:aws:iam::${account}:root`;
  const { GrantId } = await client.kms("CreateGrant", { ...grant, RetiringPrincipal });
  if (client.choices.integer(0, 1) === 0) await client.kms("RevokeGrant", { KeyId: keys.busy, GrantId });
  else await client.kms("RetireGrant", { KeyId: keys.busy, GrantId });
}

async function sessions(client: SoakClient, { keys, role, user }: SoakWorld): Promise<void> {
  const moves = client.shared.moves;
  const RoleSessionName = client.choices.text(10);
  const parameters = { Action: "AssumeRole", RoleArn: role, RoleSessionName };
  const xml = await client.query("sts", parameters, { by: user });
  const by = {
    accessKeyId: elementIn(xml, "AccessKeyId"),
    secretAccessKey: elementIn(xml, "SecretAccessKey"),
    sessionToken: elementIn(xml, "SessionToken"),
  };
  // A session ends with its hour, and the clock may be moved by days in between.
  const tolerated = ["ExpiredTokenException"];
  const hasMoved = (): boolean => client.shared.moves !== moves;
  await client.kms("Encrypt", { KeyId: keys.busy, Plaintext: "AAAA" }, { by, tolerated });
  if (hasMoved()) return;
  const denied = { by, refused: "AccessDeniedException", tolerated };
  await client.kms("DescribeKey", { KeyId: keys.busy }, denied);
}

async function iamChanges(client: SoakClient): Promise<void> {
  const UserName = `u-${client.choices.text(16)}`;
  const PolicyName = "p";
  const PolicyDocument = statement({ Action: "kms:DescribeKey", Resource: "*" });
  await client.query("iam", { Action: "CreateUser", UserName });
  await client.query("iam", { Action: "PutUserPolicy", UserName, PolicyName, PolicyDocument });
  await client.query("iam", { Action: "ListUserPolicies", UserName });
  await client.query("iam", { Action: "DeleteUserPolicy", UserName, PolicyName });
  await client.query("iam", { Action: "DeleteUser", UserName });
  await client.query("iam", { Action: "GetUser", UserName }, { refused: "NoSuchEntity" });
}

async function refused(client: SoakClient, { account, keys, user }: SoakWorld): Promise<void> {
  const denied = { by: user, refused: "AccessDeniedException" };
  await client.kms("Encrypt", { KeyId: keys.encrypt, Plaintext: "AAAA" }, denied);
  await client.kms("ListKeys", {}, denied);
  const absent = `arn:aws:kms:us-east-1:${account}:key/00000000-0000-4000-8000-000000000000`;
  await client.kms("DescribeKey", { KeyId: absent }, { refused: "NotFoundException" });
  const garbage = Buffer.from(client.choices.bytes(90)).toString("base64");
  await client.kms("Decrypt", { CiphertextBlob: garbage }, { refused: "InvalidCiphertextException" });
  await client.kms("Encrypt", { KeyId: keys.hmac, Plaintext: "AAAA" }, { refused: "InvalidKeyUsageException" });
  await client.kms("CreateKey", { KeySpec: "NO_SUCH_SPEC" }, { refused: "ValidationException" });
}
