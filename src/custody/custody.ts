/** What the rest of the house sees of custody: sealed rows and finished results, never key bytes. */

import type { KeyObject } from "node:crypto";
import type { KeyStoreSecretName, SealedKeyStoreSecret } from "./key-store-secrets.ts";
import type { ObjectKeys } from "./object-keys.ts";

/** The SigV4 key of one credential, day, Region and service: it computes signatures and is no secret access key. */
export type SigningKey = KeyObject;

/** Whose material it is. All of it is authenticated by the seal, so a row moved to another owner does not open. */
export interface MaterialOwner {
  readonly account: string;
  readonly region: string;
  readonly keyId: string;
  readonly spec: string;
  readonly usage: string;
  readonly origin: string;
}

/** A sealed material, as its row stores it; `MaterialRow` in snake case is mapped by `kms/`. */
export interface SealedMaterial extends MaterialOwner {
  readonly materialId: string;
  readonly domainVersion: number;
  readonly sealed: Uint8Array;
  /** Of a key in an external key store, where it is used: what encrypts once more around what we encrypt. */
  readonly outer?: OuterLayer;
}

/** What an external key makes of a plaintext. */
export interface ExternalCiphertext {
  /** 12 or 16 bytes. */
  readonly iv: Uint8Array;
  /** 16 bytes. */
  readonly tag: Uint8Array;
  /** Up to 20 bytes that the proxy wants back, such as a version of its key. */
  readonly metadata: Uint8Array;
  /** As long as the plaintext. */
  readonly ciphertext: Uint8Array;
}

/** An external key, for one request. What it is given is encrypted already: it never sees a plaintext. */
export interface OuterLayer {
  encrypt(inner: Uint8Array, aad: Uint8Array): Promise<ExternalCiphertext>;
  decrypt(outer: ExternalCiphertext, aad: Uint8Array): Promise<Uint8Array>;
  /** The error where what `decrypt` gave does not open. */
  corrupted(): Error;
}

/** What a well-formed blob says of itself. Nothing of it is trusted before the blob has opened. */
export interface BlobHeader {
  readonly keyId: string;
  readonly materialId: string;
}

export type EncryptionContext = Readonly<Record<string, string>>;

/** How a custodian encrypts; names are the API's. */
export type EncryptionAlgorithm = "SYMMETRIC_DEFAULT" | "RSAES_OAEP_SHA_1" | "RSAES_OAEP_SHA_256" | "SM2PKE";

/**
 * What is signed, and how; names are the API's. With `DIGEST` and `EXTERNAL_MU`, `message` is signed as the digest or mu that
 * it is.
 */
export interface SigningInput {
  readonly algorithm: string;
  readonly messageType: "RAW" | "DIGEST" | "EXTERNAL_MU";
  readonly message: Uint8Array;
}

/** What temporary credentials are made of, beside the access key id. */
export interface NewSession {
  /** 40 ASCII characters, on their way to the caller, who wipes them. */
  readonly secretAccessKey: Uint8Array;
  /** Base64. */
  readonly token: string;
}

/** Which session a request claims to be of, and the signing key that it needs. */
export interface SessionRequest {
  readonly accessKeyId: string;
  readonly token: string;
  readonly date: string;
  readonly region: string;
  readonly service: string;
}

/** What a token was sealed with; one object as long as it is cached, so that it can name what is made of it. */
export interface SealedClaims {
  readonly text: string;
}

export type SessionOpening =
  | {
      readonly claims: SealedClaims;
      readonly signingKey: SigningKey;
    }
  | "expired"
  | undefined;

/** The purposes of domain keys (DESIGN §6). */
export type Purpose = "material" | "credential" | "session" | "import" | "store" | "audit" | "backup";

/** Where a root key comes from; `ephemeral` and `environment` are for development only. */
export type RecipientKind = "ephemeral" | "file" | "systemd" | "environment" | "recovery";

/** A root key that opens this store's domain keys, as its row stores it. The root key itself is never there. */
export interface StoredRecipient {
  /** 32 hex digits that tell one root key from another and nothing more. */
  readonly id: string;
  readonly kind: RecipientKind;
  /**
   * The key that seals this recipient's copies, itself sealed under the `store` domain key, so that a server that holds any
   * one root key can make copies of a new domain key for all of them (docs/ciphertext.md, Recipients).
   */
  readonly sealedKey: Uint8Array;
}

/**
 * Where custody keeps its domain keys; storage has the rows, `cli/` joins the two.
 *
 * Custody calls it on its own, outside any transaction: call `createMaterial`, `importMaterial`, `issueImport`, `takeImport`
 * and `sealCredential` while no transaction is open.
 */
export interface DomainKeyStore {
  /** All recipients that the store knows. */
  recipients(): Promise<readonly StoredRecipient[]>;
  /** Every version of one domain key with all its sealed copies, oldest first; empty when there is none yet. */
  load(region: string, purpose: Purpose): Promise<readonly StoredDomainKey[]>;
  /** Every version of every domain key. */
  loadAll(): Promise<readonly StoredDomainKey[]>;
  /**
   * Adds a version with its copies and, with the very first domain key of a store, its recipients, all in one transaction.
   *
   * @returns false, with nothing changed, when that version is there already, or the copies are not for the recipients that
   *   the store has by then, all of them and no others
   */
  insert(key: StoredDomainKey, recipients?: readonly StoredRecipient[]): Promise<boolean>;
  /**
   * Adds recipients with copies of every domain key, in one transaction.
   *
   * @param keys the domain keys with the copies that are new
   * @returns false, with nothing changed, when the store has a domain key by then that is not among them
   */
  addRecipients(recipients: readonly StoredRecipient[], keys: readonly StoredDomainKey[]): Promise<boolean>;
  /** A secret of the deployment that no domain key derives, sealed under the `store` domain key; undefined when there is none. */
  findSecret(name: string): Promise<Uint8Array | undefined>;
  /** Replaces what the `store` domain key seals, in one transaction. Recipients that are gone by then stay away. */
  replaceStoreRows(
    recipients: readonly StoredRecipient[],
    secrets: readonly { readonly name: string; readonly sealed: Uint8Array }[],
  ): Promise<void>;
  /** Erases every version of one domain key before that one, and their copies. */
  erase(keys: { region: string; purpose: Purpose; before: number }): Promise<void>;
  /** Reserves `count` seals of a version and returns how many had been reserved before. */
  reserveSeals(key: { region: string; purpose: Purpose; version: number }, count: number): Promise<number>;
}

export interface StoredDomainKey {
  /** Empty for the purposes of the whole deployment (`store`, `credential`, `session`). */
  readonly region: string;
  readonly purpose: Purpose;
  readonly version: number;
  /** Seals reserved so far. */
  readonly seals: number;
  readonly copies: readonly { readonly recipient: string; readonly sealed: Uint8Array }[];
}

/** What of custody gives plaintexts to the caller; an attested caller gets each as an envelope (`Custody.forRecipient`). */
export interface PlaintextSource {
  /** The plaintext of a blob or a bare RSA ciphertext, which is the caller's to wipe. */
  decrypt(
    material: SealedMaterial,
    blob: Uint8Array,
    context: EncryptionContext,
    algorithm?: EncryptionAlgorithm,
  ): Promise<Uint8Array>;
  /** A new data key of `lengthBytes`, plain and encrypted. The plaintext is the caller's to wipe. */
  generateDataKey(
    material: SealedMaterial,
    lengthBytes: number,
    context: EncryptionContext,
  ): Promise<{ plaintext: Uint8Array; blob: Uint8Array }>;
  /**
   * A new key pair for use outside: DER SubjectPublicKeyInfo, DER PKCS#8, and the latter encrypted. The private key is the
   * caller's to wipe.
   */
  generateDataKeyPair(
    material: SealedMaterial,
    pairSpec: string,
    context: EncryptionContext,
  ): Promise<{ publicKey: Uint8Array; privateKey: Uint8Array; blob: Uint8Array }>;
  /**
   * The ECDH secret with a peer: the x coordinate, as long as the field. The secret is the caller's to wipe.
   *
   * @param peer DER SubjectPublicKeyInfo
   * @returns undefined when the peer is no public key of the material's spec
   */
  deriveSharedSecret(material: SealedMaterial, peer: Uint8Array): Promise<Uint8Array | undefined>;
  /** Random bytes of the system's generator. */
  random(lengthBytes: number): Uint8Array;
  /** Random bytes that somebody else has made, such as a cluster; they are this one's to wipe. */
  takeRandom(bytes: Uint8Array): Uint8Array;
}

/**
 * A custodian of key material (today `software`).
 *
 * @throws ThrottlingException (base/errors.ts) by what uses or makes key pairs: too many dear jobs are waiting
 * @throws UnsupportedOperationException (base/errors.ts) by what uses or makes SM2 keys where OpenSSL can't be reached
 * @throws InvalidCiphertextException (base/errors.ts, no message) by `decrypt`, `reEncrypt` when a blob does not open
 * @throws SealedRowError (seal.ts), by whatever opens material or a credential, when its row was altered or moved
 * @throws Error by everything after `close`
 */
export interface Custody extends PlaintextSource {
  /** New material of the owner's spec, sealed: random bytes, or a key pair (an RSA one takes up to seconds). */
  createMaterial(owner: MaterialOwner): Promise<SealedMaterial>;
  /**
   * Material given from outside, sealed: the bytes of a symmetric or HMAC key, or a private key as DER PKCS#8. The bytes are
   * wiped, whatever happens.
   */
  importMaterial(owner: MaterialOwner, bytes: Uint8Array): Promise<SealedMaterial>;
  /**
   * What an import into the owner's key needs: the public half of a new wrapping key pair, as DER SubjectPublicKeyInfo, and a
   * token that holds the private one, sealed.
   *
   * @param wrapping algorithm and key spec in the words of the API, and until when the token is good
   */
  issueImport(
    owner: MaterialOwner,
    wrapping: { readonly algorithm: string; readonly keySpec: string; readonly validTo: number },
  ): Promise<{ publicKey: Uint8Array; token: Uint8Array }>;
  /**
   * Material wrapped under the key of a token, sealed.
   *
   * @throws InvalidImportTokenException the token is not ours, was altered, or is of another key
   * @throws ExpiredImportTokenException its time is over
   * @throws InvalidCiphertextException what is wrapped does not open, whatever the reason
   * @throws IncorrectKeyMaterialException it opens, and is no key material of the owner's spec
   */
  takeImport(
    owner: MaterialOwner,
    given: { readonly token: Uint8Array; readonly wrapped: Uint8Array; readonly now: number },
  ): Promise<SealedMaterial>;
  /**
   * The same material, with the same id, sealed for the key's row in another Region: what a replica of a multi-Region key has.
   */
  resealMaterial(material: SealedMaterial, region: string): Promise<SealedMaterial>;
  /** A new ciphertext blob, or a bare RSA or SM2 ciphertext (no context). The plaintext is borrowed: its owner wipes it. */
  encrypt(
    material: SealedMaterial,
    plaintext: Uint8Array,
    context: EncryptionContext,
    algorithm?: EncryptionAlgorithm,
  ): Promise<Uint8Array>;
  /** Opens `blob` under the source and encrypts it under the destination; the plaintext is wiped and never leaves. */
  reEncrypt(
    source: {
      material: SealedMaterial;
      blob: Uint8Array;
      context: EncryptionContext;
      algorithm?: EncryptionAlgorithm;
    },
    destination: {
      material: SealedMaterial;
      context: EncryptionContext;
      algorithm?: EncryptionAlgorithm;
      /** Throws when the destination can't take a plaintext of that length. */
      fits?(lengthBytes: number): void;
    },
  ): Promise<Uint8Array>;
  /** The same, plaintext wiped and never returned. */
  generateDataKeyWithoutPlaintext(
    material: SealedMaterial,
    lengthBytes: number,
    context: EncryptionContext,
  ): Promise<Uint8Array>;
  /** The same, the private key wiped and never returned. */
  generateDataKeyPairWithoutPlaintext(
    material: SealedMaterial,
    pairSpec: string,
    context: EncryptionContext,
  ): Promise<{ publicKey: Uint8Array; blob: Uint8Array }>;
  /** The public key of a key pair, as DER SubjectPublicKeyInfo; derived from the private one that is sealed. */
  publicKey(material: SealedMaterial): Promise<Uint8Array>;
  /** A signature as the API answers it: RSA as RFC 8017 has it, ECDSA in DER, the others as they are. */
  sign(material: SealedMaterial, input: SigningInput): Promise<Uint8Array>;
  /** Whether a signature is one of the input; whatever can't be parsed is not. */
  verify(material: SealedMaterial, input: SigningInput, signature: Uint8Array): Promise<boolean>;
  /** HMAC (RFC 2104) with the hash that the key's spec names. */
  mac(material: SealedMaterial, message: Uint8Array): Promise<Uint8Array>;
  /** Whether a MAC is the message's, compared in constant time. */
  verifyMac(material: SealedMaterial, message: Uint8Array, mac: Uint8Array): Promise<boolean>;
  /**
   * The same custody for a recipient: what gives a plaintext gives instead BER of CMS EnvelopedData (RFC 5652) to the public
   * key, and the plaintext itself never leaves.
   *
   * @param publicKey DER SubjectPublicKeyInfo
   * @returns undefined when that is no RSA key of 2,048 to 4,096 bits
   */
  forRecipient(publicKey: Uint8Array): Promise<PlaintextSource | undefined>;
  /** A new ML-KEM shared secret and its ciphertext (FIPS 203). The secret is the caller's to wipe. */
  encapsulate(material: SealedMaterial): Promise<{ secret: Uint8Array; ciphertext: Uint8Array }>;
  /**
   * The ML-KEM shared secret of a ciphertext, which is the caller's to wipe. One that was altered gives another secret
   * (implicit rejection); only its length is refused.
   *
   * @throws InvalidCiphertextException (base/errors.ts, no message) the ciphertext is of another length
   */
  decapsulate(material: SealedMaterial, ciphertext: Uint8Array): Promise<Uint8Array>;
  /** The header of a well-formed blob of any version we know, or undefined. */
  parseBlob(blob: Uint8Array): BlobHeader | undefined;
  /** Drops every opened handle of a key's materials at once (disable, deletion, expiry). */
  forget(keyId: string): void;

  /** Seals a secret access key for the row that `name` identifies. The secret is wiped by its owner, the caller. */
  sealCredential(name: { account: string; accessKeyId: string }, secret: Uint8Array): Promise<Uint8Array>;
  /**
   * The SigV4 signing key of a sealed credential: HMAC chain over date, Region and service (AWS SigV4). Cached by
   * (access key id, revision, date, Region, service), bounded. The secret access key itself never leaves custody.
   *
   * @returns the key at once where it is cached
   */
  signingKey(credential: {
    account: string;
    accessKeyId: string;
    revision: string;
    sealed: Uint8Array;
    date: string;
    region: string;
    service: string;
  }): SigningKey | Promise<SigningKey>;
  /**
   * Temporary credentials: a new secret access key, sealed with what the session is (`claims`, any text) in a token. Nothing
   * of them is kept.
   */
  newSession(session: { accessKeyId: string; claims: string }): Promise<NewSession>;
  /**
   * Opens a session token for a request that is signed with temporary credentials. What was opened is cached, bounded, and
   * so are signing keys.
   *
   * @returns at once where both are cached. `expired`: it was sealed under a domain key so old that no session lives any
   *   more. Undefined: no token of this store (as it is since its last restore), or another access key's
   */
  openSession(request: SessionRequest): SessionOpening | Promise<SessionOpening>;
  /**
   * Seals the secret of a proxy credential for the custom key store that `name` identifies. The secret is wiped by its owner,
   * the caller.
   */
  sealKeyStoreSecret(name: KeyStoreSecretName, secret: Uint8Array): Promise<Uint8Array>;
  /** Data keys of S3 objects that no KMS key protects. */
  readonly objectKeys: ObjectKeys;
  /**
   * The SigV4 signature, in hex, of a request to a custom key store's proxy.
   *
   * @param request the date of its scope, such as `20310203`, and what is signed
   */
  signForProxy(
    secret: SealedKeyStoreSecret,
    request: { readonly date: string; readonly stringToSign: string },
  ): Promise<string>;
  /** HMAC-SHA-256 under a key derived for `label` from the deployment's own secret: what makes markers unforgeable. */
  authenticate(label: string, bytes: Uint8Array): Promise<Uint8Array>;
  /** Wipes what can be wiped. */
  close(): void;
}
