/** The `software` custodian: material sealed in the store, opened in this process, used through node:crypto. */

import { createHmac, createSecretKey, type KeyObject, randomFillSync } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import { InvalidCiphertextException } from "../base/errors.ts";
import type { CacheLimits } from "./aged-cache.ts";
import { encryptBlob, openBlob, parseBlob } from "./blob.ts";
import type {
  BlobHeader,
  Custody,
  DomainKeyStore,
  EncryptionContext,
  MaterialOwner,
  SealedMaterial,
} from "./custody.ts";
import { DomainKeys } from "./domain-keys.ts";
import { type Handle, Handles, materialFields, materialId } from "./handles.ts";
import { Nonces } from "./nonces.ts";
import type { RootKey } from "./root-key.ts";
import { Secret } from "./secret.ts";
import { SigningKeys } from "./signing-keys.ts";

const MATERIAL_BYTES = 32;
const NO_CONTEXT = new Uint8Array(0);
const HANDLE_LIMITS: CacheLimits = { entriesMax: 10_000, ageMsMax: 15 * 60_000 };
const SIGNING_KEY_LIMITS: CacheLimits = { entriesMax: 10_000, ageMsMax: 15 * 60_000 };
const utf8 = new TextEncoder();
/** 32 characters; no secret. */
const PUBLIC_FINGERPRINT = "keystead/development/fingerprint";

/** What `openCustody` needs. */
export interface CustodyOptions {
  readonly store: DomainKeyStore;
  /** For a new store its recipients, at least two; for one that exists, any of its recipients. */
  readonly rootKeys: readonly RootKey[];
  readonly clock: Clock;
  /** A new store may have a single recipient, the loss of which is the loss of everything. */
  readonly singleRootKey?: boolean;
  /**
   * Material ids under a fingerprint key that everybody knows, so that the same seeded material has the same id in every
   * development server and their ciphertexts open each other's. For development only, which the caller enforces.
   */
  readonly publicFingerprints?: boolean;
  readonly handleLimits?: CacheLimits;
  readonly signingKeyLimits?: CacheLimits;
}

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
}: CustodyOptions): Promise<SoftwareCustody> {
  const domainKeys = await DomainKeys.open({ store, rootKeys, singleRootKey });
  using fingerprint = publicFingerprints
    ? new Secret(utf8.encode(PUBLIC_FINGERPRINT))
    : await domainKeys.derive("keystead/fingerprint/1", NO_CONTEXT);
  const fingerprintKey = createSecretKey(fingerprint.bytes);
  return new SoftwareCustody({
    domainKeys,
    fingerprintKey,
    handles: new Handles(domainKeys, fingerprintKey, handleLimits, clock),
    signingKeys: new SigningKeys(domainKeys, signingKeyLimits, clock),
  });
}

/** Made by `openCustody`. */
export class SoftwareCustody implements Custody {
  readonly #domainKeys: DomainKeys;
  readonly #fingerprintKey: KeyObject;
  readonly #handles: Handles;
  readonly #signingKeys: SigningKeys;
  readonly #nonces = new Nonces();
  #closed = false;

  constructor(parts: {
    readonly domainKeys: DomainKeys;
    readonly fingerprintKey: KeyObject;
    readonly handles: Handles;
    readonly signingKeys: SigningKeys;
  }) {
    this.#domainKeys = parts.domainKeys;
    this.#fingerprintKey = parts.fingerprintKey;
    this.#handles = parts.handles;
    this.#signingKeys = parts.signingKeys;
  }

  async createMaterial(owner: MaterialOwner): Promise<SealedMaterial> {
    return await this.#seal(owner, Secret.random(MATERIAL_BYTES));
  }

  async importMaterial(owner: MaterialOwner, bytes: Uint8Array): Promise<SealedMaterial> {
    return await this.#seal(owner, new Secret(bytes));
  }

  async encrypt(material: SealedMaterial, plaintext: Uint8Array, context: EncryptionContext): Promise<Uint8Array> {
    return this.#encrypt(await this.#open(material), plaintext, context);
  }

  async decrypt(material: SealedMaterial, blob: Uint8Array, context: EncryptionContext): Promise<Uint8Array> {
    const plaintext = openBlob(await this.#open(material), { blob, context });
    if (plaintext === undefined) throw new InvalidCiphertextException();
    return plaintext;
  }

  async reEncrypt(
    source: { material: SealedMaterial; blob: Uint8Array; context: EncryptionContext },
    destination: { material: SealedMaterial; context: EncryptionContext },
  ): Promise<Uint8Array> {
    using plaintext = new Secret(await this.decrypt(source.material, source.blob, source.context));
    return await this.encrypt(destination.material, plaintext.bytes, destination.context);
  }

  async generateDataKey(
    material: SealedMaterial,
    lengthBytes: number,
    context: EncryptionContext,
  ): Promise<{ plaintext: Uint8Array; blob: Uint8Array }> {
    const handle = await this.#open(material);
    const plaintext = this.random(lengthBytes);
    return { plaintext, blob: this.#encrypt(handle, plaintext, context) };
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

  random(lengthBytes: number): Uint8Array {
    return randomFillSync(new Uint8Array(lengthBytes));
  }

  parseBlob(blob: Uint8Array): BlobHeader | undefined {
    return parseBlob(blob);
  }

  forget(keyId: string): void {
    this.#handles.forget(keyId);
  }

  async sealCredential(name: { account: string; accessKeyId: string }, secret: Uint8Array): Promise<Uint8Array> {
    this.#requireOpen();
    return await this.#signingKeys.seal(name, secret);
  }

  signingKey(credential: Parameters<Custody["signingKey"]>[0]): Uint8Array | Promise<Uint8Array> {
    this.#requireOpen();
    return this.#signingKeys.find(credential);
  }

  async authenticate(label: string, bytes: Uint8Array): Promise<Uint8Array> {
    this.#requireOpen();
    using key = await this.#domainKeys.derive("keystead/authenticate/1", utf8.encode(label));
    return new Uint8Array(createHmac("sha256", key.bytes).update(bytes).digest());
  }

  close(): void {
    this.#closed = true;
    this.#handles.clear();
    this.#signingKeys.clear();
    this.#domainKeys.close();
  }

  #open(material: SealedMaterial): Handle | Promise<Handle> {
    this.#requireOpen();
    return this.#handles.open(material);
  }

  #encrypt(handle: Handle, plaintext: Uint8Array, context: EncryptionContext): Uint8Array {
    return encryptBlob(handle, { plaintext, context, nonces: this.#nonces });
  }

  /** Seals material for its owner; wipes `secret`, whatever happens. */
  async #seal(owner: MaterialOwner, secret: Secret): Promise<SealedMaterial> {
    using material = secret;
    this.#requireOpen();
    if (owner.spec !== "SYMMETRIC_DEFAULT")
      throw new Error(`The software custodian has no material of spec ${owner.spec}`);
    if (material.bytes.length !== MATERIAL_BYTES) throw new Error("SYMMETRIC_DEFAULT material has 32 bytes");
    const id = materialId(this.#fingerprintKey, owner, material.bytes);
    const domain = { region: owner.region, purpose: "material" } as const;
    const { version, sealed } = await this.#domainKeys.seal(domain, materialFields(owner, id), material.bytes);
    const { account, region, keyId, spec, usage, origin } = owner;
    return { account, region, keyId, spec, usage, origin, materialId: id, domainVersion: version, sealed };
  }

  #requireOpen(): void {
    if (this.#closed) throw new Error("Custody is closed");
  }
}
