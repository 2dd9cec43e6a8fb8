/** The `software` custodian: material sealed in the store, opened in this process, used through node:crypto. */

import { createHmac, createSecretKey, type KeyObject, randomFillSync, timingSafeEqual } from "node:crypto";
import { InvalidCiphertextException } from "../base/errors.ts";
import type { CacheLimits } from "./aged-cache.ts";
import { BackupKey } from "./backup-key.ts";
import { encryptBlob, openBlob, parseBlob } from "./blob.ts";
import { Canary } from "./canary.ts";
import type {
  BlobHeader,
  Custody,
  EncryptionAlgorithm,
  EncryptionContext,
  MaterialOwner,
  NewSession,
  PlaintextSource,
  Purpose,
  SealedMaterial,
  SessionOpening,
  SessionRequest,
  SigningInput,
} from "./custody.ts";
import type { CustodyOptions } from "./custody-options.ts";
import { DomainKeys } from "./domain-keys.ts";
import { decapsulate, encapsulate } from "./encapsulation.ts";
import { encryptTwice, isExternal, openTwice } from "./external-blob.ts";
import { type Handle, Handles, materialFields, materialId, mistaken, type SymmetricHandle } from "./handles.ts";
import { Imports } from "./imports.ts";
import { type KeyStoreSecretName, KeyStoreSecrets, type SealedKeyStoreSecret } from "./key-store-secrets.ts";
import { KeyWorkers, workerLimits } from "./key-workers.ts";
import { findMaterialBytes, openMaterial, requireMaterialLength } from "./materials.ts";
import { Nonces } from "./nonces.ts";
import { ObjectKeys } from "./object-keys.ts";
import { PairUse } from "./pair-use.ts";
import { Tokens } from "./pkcs11/tokens.ts";
import { choosePrimitives } from "./primitives.ts";
import { readySizes } from "./ready-pairs.ts";
import { Recipients } from "./recipients.ts";
import { Secret } from "./secret.ts";
import { Sessions } from "./sessions.ts";
import { SigningKeys } from "./signing-keys.ts";

const HANDLE_LIMITS: CacheLimits = { entriesMax: 10_000, ageMsMax: 15 * 60_000 };
const SIGNING_KEY_LIMITS: CacheLimits = { entriesMax: 10_000, ageMsMax: 15 * 60_000 };
const pairEncryptions = { RSAES_OAEP_SHA_1: "sha1", RSAES_OAEP_SHA_256: "sha256", SM2PKE: "sm2" } as const;
const macHashes: ReadonlyMap<string, string> = new Map([
  ["HMAC_224", "sha224"],
  ["HMAC_256", "sha256"],
  ["HMAC_384", "sha384"],
  ["HMAC_512", "sha512"],
]);
const utf8 = new TextEncoder();
/** 32 characters; no secret. */
const PUBLIC_FINGERPRINT = "keystead/development/fingerprint";

/**
 * Opens a store's keys, and gives an empty store its first ones.
 *
 * @throws WrongRootKeyError (domain-keys.ts) a root key was given that is not a recipient of the store
 * @throws SealedRowError (seal.ts) a domain key or a recipient was altered
 * @throws Error a new store was given one root key without `singleRootKey`
 */
export async function openCustody({
  store,
  rootKeys,
  clock,
  singleRootKey = false,
  publicFingerprints = false,
  handleLimits = HANDLE_LIMITS,
  signingKeyLimits = SIGNING_KEY_LIMITS,
  sessionLimits = SIGNING_KEY_LIMITS,
  incarnation = "",
  processes = 1,
  readyPairs = true,
  workers = new KeyWorkers(workerLimits(processes)),
  warn,
}: CustodyOptions): Promise<SoftwareCustody> {
  const domainKeys = await DomainKeys.open({ store, rootKeys, singleRootKey });
  using fingerprint = publicFingerprints
    ? new Secret(utf8.encode(PUBLIC_FINGERPRINT))
    : await domainKeys.fingerprintKey();
  const fingerprintKey = createSecretKey(fingerprint.bytes);
  const { primitives, warning } = await choosePrimitives();
  if (warning !== undefined) warn?.(warning);
  return new SoftwareCustody({
    domainKeys,
    recipients: new Recipients(store, domainKeys),
    fingerprintKey,
    handles: new Handles(domainKeys, fingerprintKey, handleLimits, clock),
    signingKeys: new SigningKeys(domainKeys, signingKeyLimits, clock),
    keyStoreSecrets: new KeyStoreSecrets(domainKeys, signingKeyLimits, clock),
    objectKeys: new ObjectKeys(domainKeys),
    sessions: new Sessions({ domainKeys, limits: sessionLimits, clock, incarnation }),
    pairs: new PairUse(primitives, workers, readyPairs ? readySizes(processes) : {}),
  });
}

/** Made by `openCustody`. */
export class SoftwareCustody implements Custody {
  /** The root keys of the store. */
  readonly recipients: Recipients;
  /** The tokens behind CloudHSM key stores. */
  readonly tokens: Tokens;
  readonly objectKeys: ObjectKeys;
  readonly #domainKeys: DomainKeys;
  readonly #fingerprintKey: KeyObject;
  readonly #handles: Handles;
  readonly #signingKeys: SigningKeys;
  readonly #sessions: Sessions;
  readonly #keyStoreSecrets: KeyStoreSecrets;
  readonly #pairs: PairUse;
  readonly #imports: Imports;
  readonly #canary: Canary;
  readonly #nonces = new Nonces();
  #closed = false;

  constructor(parts: {
    readonly domainKeys: DomainKeys;
    readonly recipients: Recipients;
    readonly fingerprintKey: KeyObject;
    readonly handles: Handles;
    readonly signingKeys: SigningKeys;
    readonly sessions: Sessions;
    readonly keyStoreSecrets: KeyStoreSecrets;
    readonly objectKeys: ObjectKeys;
    readonly pairs: PairUse;
  }) {
    this.#domainKeys = parts.domainKeys;
    this.recipients = parts.recipients;
    this.#fingerprintKey = parts.fingerprintKey;
    this.#handles = parts.handles;
    this.#signingKeys = parts.signingKeys;
    this.#sessions = parts.sessions;
    this.#keyStoreSecrets = parts.keyStoreSecrets;
    this.tokens = new Tokens(parts.keyStoreSecrets);
    this.objectKeys = parts.objectKeys;
    this.#pairs = parts.pairs;
    this.#imports = new Imports(parts.domainKeys, parts.pairs);
    this.#canary = new Canary(parts.domainKeys);
  }

  async createMaterial(owner: MaterialOwner): Promise<SealedMaterial> {
    return await this.#seal(owner, await this.#newMaterial(owner));
  }

  async importMaterial(owner: MaterialOwner, bytes: Uint8Array): Promise<SealedMaterial> {
    return await this.#seal(owner, new Secret(bytes));
  }

  async issueImport(owner: MaterialOwner, wrapping: Parameters<Custody["issueImport"]>[1]) {
    this.#requireOpen();
    return await this.#imports.issue(owner, wrapping);
  }

  async takeImport(owner: MaterialOwner, given: Parameters<Custody["takeImport"]>[1]): Promise<SealedMaterial> {
    this.#requireOpen();
    return await this.#seal(owner, await this.#imports.take(owner, given));
  }

  async resealMaterial(material: SealedMaterial, region: string): Promise<SealedMaterial> {
    this.#requireOpen();
    const copy = await this.#seal({ ...material, region }, await this.#handles.unseal(material));
    if (copy.materialId !== material.materialId) throw mistaken(material);
    return copy;
  }

  async encrypt(
    material: SealedMaterial,
    plaintext: Uint8Array,
    context: EncryptionContext,
    algorithm: EncryptionAlgorithm = "SYMMETRIC_DEFAULT",
  ): Promise<Uint8Array> {
    const handle = await this.#open(material);
    if (algorithm === "SYMMETRIC_DEFAULT") {
      return await this.#encrypt(requireKind("symmetric", handle), material, { plaintext, context });
    }
    return await this.#pairs.encrypt(requireKind("pair", handle), pairEncryptions[algorithm], plaintext);
  }

  async decrypt(
    material: SealedMaterial,
    blob: Uint8Array,
    context: EncryptionContext,
    algorithm: EncryptionAlgorithm = "SYMMETRIC_DEFAULT",
  ): Promise<Uint8Array> {
    const handle = await this.#open(material);
    const plaintext =
      algorithm === "SYMMETRIC_DEFAULT"
        ? await openSymmetric(requireKind("symmetric", handle), material, { blob, context })
        : await this.#pairs.decrypt(requireKind("pair", handle), pairEncryptions[algorithm], blob);
    if (plaintext === undefined) throw new InvalidCiphertextException();
    return plaintext;
  }

  async reEncrypt(
    source: Parameters<Custody["reEncrypt"]>[0],
    destination: Parameters<Custody["reEncrypt"]>[1],
  ): Promise<Uint8Array> {
    using plaintext = new Secret(await this.decrypt(source.material, source.blob, source.context, source.algorithm));
    destination.fits?.(plaintext.bytes.length);
    return await this.encrypt(destination.material, plaintext.bytes, destination.context, destination.algorithm);
  }

  async generateDataKey(
    material: SealedMaterial,
    lengthBytes: number,
    context: EncryptionContext,
  ): Promise<{ plaintext: Uint8Array; blob: Uint8Array }> {
    const handle = requireKind("symmetric", await this.#open(material));
    const plaintext = this.random(lengthBytes);
    try {
      return { plaintext, blob: await this.#encrypt(handle, material, { plaintext, context }) };
    } catch (cause) {
      plaintext.fill(0);
      throw cause;
    }
  }

  async generateDataKeyWithoutPlaintext(
    material: SealedMaterial,
    lengthBytes: number,
    context: EncryptionContext,
  ): Promise<Uint8Array> {
    const { plaintext, blob } = await this.generateDataKey(material, lengthBytes, context);
    plaintext.fill(0);
    return blob;
  }

  async generateDataKeyPair(
    material: SealedMaterial,
    pairSpec: string,
    context: EncryptionContext,
  ): Promise<{ publicKey: Uint8Array; privateKey: Uint8Array; blob: Uint8Array }> {
    const handle = requireKind("symmetric", await this.#open(material));
    const { publicKey, privateKey } = await this.#pairs.takePair({ account: material.account, spec: pairSpec });
    using secret = new Secret(privateKey);
    const blob = await this.#encrypt(handle, material, { plaintext: secret.bytes, context });
    return { publicKey, privateKey: new Uint8Array(secret.bytes), blob };
  }

  async generateDataKeyPairWithoutPlaintext(
    material: SealedMaterial,
    pairSpec: string,
    context: EncryptionContext,
  ): Promise<{ publicKey: Uint8Array; blob: Uint8Array }> {
    const { publicKey, privateKey, blob } = await this.generateDataKeyPair(material, pairSpec, context);
    privateKey.fill(0);
    return { publicKey, blob };
  }

  async publicKey(material: SealedMaterial): Promise<Uint8Array> {
    return requireKind("pair", await this.#open(material)).spki.slice();
  }

  async sign(material: SealedMaterial, input: SigningInput): Promise<Uint8Array> {
    return await this.#pairs.sign(requireKind("pair", await this.#open(material)), input);
  }

  async verify(material: SealedMaterial, input: SigningInput, signature: Uint8Array): Promise<boolean> {
    return await this.#pairs.verify(requireKind("pair", await this.#open(material)), input, signature);
  }

  async mac(material: SealedMaterial, message: Uint8Array): Promise<Uint8Array> {
    const handle = requireKind("mac", await this.#open(material));
    const hash = macHashes.get(material.spec);
    if (hash === undefined) throw new Error(`${material.spec} names no hash`);
    return new Uint8Array(createHmac(hash, handle.material).update(message).digest());
  }

  async verifyMac(material: SealedMaterial, message: Uint8Array, mac: Uint8Array): Promise<boolean> {
    const expected = await this.mac(material, message);
    return expected.length === mac.length && timingSafeEqual(expected, mac);
  }

  async deriveSharedSecret(material: SealedMaterial, peer: Uint8Array): Promise<Uint8Array | undefined> {
    return await this.#pairs.agree(requireKind("pair", await this.#open(material)), peer);
  }

  async encapsulate(material: SealedMaterial): Promise<{ secret: Uint8Array; ciphertext: Uint8Array }> {
    return encapsulate(requireKind("pair", await this.#open(material)));
  }

  async decapsulate(material: SealedMaterial, ciphertext: Uint8Array): Promise<Uint8Array> {
    const secret = decapsulate(material.spec, requireKind("pair", await this.#open(material)), ciphertext);
    if (secret === undefined) throw new InvalidCiphertextException();
    return secret;
  }

  random(lengthBytes: number): Uint8Array {
    return randomFillSync(new Uint8Array(lengthBytes));
  }

  takeRandom(bytes: Uint8Array): Uint8Array {
    return bytes;
  }

  parseBlob(blob: Uint8Array): BlobHeader | undefined {
    return parseBlob(blob);
  }

  forget(keyId: string): void {
    this.#handles.forget(keyId);
  }

  /** Drops every opened handle of every key: what rows they were opened from is not known any more. */
  forgetAll(): void {
    this.#handles.clear();
  }

  async sealCredential(name: { account: string; accessKeyId: string }, secret: Uint8Array): Promise<Uint8Array> {
    this.#requireOpen();
    return await this.#signingKeys.seal(name, secret);
  }

  /** A sealed secret access key, sealed anew under the newest domain key. */
  async resealCredential(name: { account: string; accessKeyId: string }, sealed: Uint8Array): Promise<Uint8Array> {
    this.#requireOpen();
    return await this.#signingKeys.reseal(name, sealed);
  }

  signingKey(credential: Parameters<Custody["signingKey"]>[0]): KeyObject | Promise<KeyObject> {
    this.#requireOpen();
    return this.#signingKeys.find(credential);
  }

  async newSession(session: { accessKeyId: string; claims: string }): Promise<NewSession> {
    this.#requireOpen();
    return await this.#sessions.seal(session);
  }

  openSession(request: SessionRequest): SessionOpening | Promise<SessionOpening> {
    this.#requireOpen();
    return this.#sessions.open(request);
  }

  async sealKeyStoreSecret(name: KeyStoreSecretName, secret: Uint8Array): Promise<Uint8Array> {
    this.#requireOpen();
    return await this.#keyStoreSecrets.seal(name, secret);
  }

  /** A sealed secret of a key store, sealed anew under the newest domain key. */
  async resealKeyStoreSecret(name: KeyStoreSecretName, sealed: Uint8Array): Promise<Uint8Array> {
    this.#requireOpen();
    return await this.#keyStoreSecrets.reseal(name, sealed);
  }

  async signForProxy(
    secret: SealedKeyStoreSecret,
    { date, stringToSign }: { readonly date: string; readonly stringToSign: string },
  ): Promise<string> {
    this.#requireOpen();
    return await this.#keyStoreSecrets.sign(secret, date, stringToSign);
  }

  async authenticate(label: string, bytes: Uint8Array): Promise<Uint8Array> {
    this.#requireOpen();
    using key = await this.#domainKeys.derive("keystead/authenticate/1", utf8.encode(label));
    return new Uint8Array(createHmac("sha256", key.bytes).update(bytes).digest());
  }

  async forRecipient(publicKey: Uint8Array): Promise<PlaintextSource | undefined> {
    const { RecipientCustody } = await import("./recipient-custody.ts"); // what writes CMS is a tenth of all modules' code
    return RecipientCustody.find(this, publicKey);
  }

  /** Begins to make RSA pairs ahead of time: what comes first does not wait for them either. */
  fillReadyPairs(): void {
    this.#requireOpen();
    this.#pairs.fillReadyPairs();
  }

  /** A new key for one backup, sealed to every recipient of the store. */
  async newBackupKey(): Promise<BackupKey> {
    this.#requireOpen();
    return BackupKey.create(await this.#domainKeys.openRecipients());
  }

  /**
   * Proves that keys can be used: opens a sealed canary with what the store holds now, encrypts and decrypts under it.
   *
   * @throws Error why they can't
   */
  async checkCanary(): Promise<void> {
    this.#requireOpen();
    await this.#canary.check();
  }

  /**
   * Opens a sealed material and lets go of it.
   *
   * @throws SealedRowError the row was altered or moved, or its material has not the id that names it
   */
  async examineMaterial(material: SealedMaterial): Promise<void> {
    await this.#open(material);
  }

  /**
   * Opens every version of a domain key.
   *
   * @throws WrongRootKeyError, SealedRowError one has no copy for the root key, or does not open
   */
  async examineDomainKey(domain: { readonly region: string; readonly purpose: Purpose }): Promise<void> {
    this.#requireOpen();
    await this.#domainKeys.reopen(domain);
  }

  close(): void {
    this.#closed = true;
    this.#pairs.close();
    this.#handles.clear();
    this.#signingKeys.clear();
    this.#sessions.clear();
    this.tokens.close();
    this.#keyStoreSecrets.clear();
    this.#domainKeys.close();
  }

  #open(material: SealedMaterial): Handle | Promise<Handle> {
    this.#requireOpen();
    return this.#handles.open(material);
  }

  async #newMaterial(owner: MaterialOwner): Promise<Secret> {
    this.#requireOpen();
    const lengthBytes = findMaterialBytes(owner);
    if (lengthBytes !== undefined) return Secret.random(lengthBytes);
    return new Secret((await this.#pairs.newPair(owner)).privateKey);
  }

  #encrypt(
    handle: SymmetricHandle,
    material: SealedMaterial,
    input: { readonly plaintext: Uint8Array; readonly context: EncryptionContext },
  ): Uint8Array | Promise<Uint8Array> {
    const whole = { ...input, nonces: this.#nonces };
    return isExternal(handle) ? encryptTwice(handle, material, whole) : encryptBlob(handle, whole);
  }

  /** Seals material for its owner; wipes `secret`, whatever happens. */
  async #seal(owner: MaterialOwner, secret: Secret): Promise<SealedMaterial> {
    using material = secret;
    this.#requireOpen();
    requireMaterialLength(owner, material.bytes);
    const { identity } = openMaterial(owner, material.bytes);
    const id = materialId(this.#fingerprintKey, owner, identity);
    const domain = { region: owner.region, purpose: "material" } as const;
    const { version, sealed } = await this.#domainKeys.seal(domain, materialFields(owner, id), material.bytes);
    const { account, region, keyId, spec, usage, origin } = owner;
    return { account, region, keyId, spec, usage, origin, materialId: id, domainVersion: version, sealed };
  }

  #requireOpen(): void {
    if (this.#closed) throw new Error("Custody is closed");
  }
}

function openSymmetric(
  handle: SymmetricHandle,
  material: SealedMaterial,
  sealed: { readonly blob: Uint8Array; readonly context: EncryptionContext },
): Uint8Array | undefined | Promise<Uint8Array> {
  return isExternal(handle) ? openTwice(handle, material, sealed) : openBlob(handle, sealed);
}

/** The operations check spec and usage before; a handle of another kind is our bug. */
function requireKind<K extends Handle["kind"]>(kind: K, handle: Handle): Extract<Handle, { kind: K }> {
  if (handle.kind !== kind) throw new Error(`Material of spec ${handle.row.spec} can't be used as ${kind}`);
  return handle as Extract<Handle, { kind: K }>;
}
