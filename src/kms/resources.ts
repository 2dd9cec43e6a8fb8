/** Keys, aliases and the account as resources of KMS actions, and how an input leads to them. */

import type { Denial } from "../access/decide.ts";
import { parsePrincipalIds } from "../access/principals.ts";
import {
  AccessDeniedException,
  CustomKeyStoreNotFoundException,
  IncorrectKeyException,
  InvalidCiphertextException,
  NotFoundException,
  type ServiceError,
} from "../base/errors.ts";
import { parseBlob } from "../custody/blob.ts";
import type { BlobHeader, OuterLayer, SealedMaterial } from "../custody/custody.ts";
import type { Call, Resolution, Resource, RunContext } from "../pipeline/operation.ts";
import { type CompiledPolicy, compilePolicy } from "../policy/policy.ts";
import type { KeyStoreRow } from "../storage/key-store-schema.ts";
import type { AliasRow, KeyRow, KeyState, MaterialRow } from "../storage/schema.ts";
import type { Reader } from "../storage/store.ts";
import { isPredefinedAlias, makeManagedKey } from "./aws-managed.ts";
import { ignoresCiphertext, isBare } from "./encryption-input.ts";
import { aliasArn, anyIdentifier, type Forms, type KeyName, keyArn, parseKeyName } from "./identifiers.ts";
import { namesMaterials } from "./keys.ts";
import { isPropagated } from "./propagation.ts";

/** A key that exists, as one row says it is, with the material that the operation needs. */
export class Key implements Resource {
  readonly row: KeyRow;
  readonly arn: string;
  readonly account: string;
  /** The custom key store that it is in. */
  readonly keyStore: KeyStoreRow | undefined;
  readonly #material: MaterialRow | undefined;
  #policy: CompiledPolicy | undefined;
  #sealed: SealedMaterial | undefined;

  constructor(row: KeyRow, { material, keyStore }: { material?: MaterialRow; keyStore?: KeyStoreRow } = {}) {
    this.row = row;
    this.keyStore = keyStore;
    this.account = row.account;
    this.arn = keyArn({ ...row, keyId: row.key_id });
    this.#material = material;
  }

  get id(): string {
    return this.row.key_id;
  }

  /** Whether it is a symmetric encryption key. */
  get isSymmetric(): boolean {
    return this.row.spec === "SYMMETRIC_DEFAULT";
  }

  /** The id of its material as answers and records have it; undefined where they name none, or there is none. */
  get namedMaterialId(): string | undefined {
    return namesMaterials(this.row) ? this.#material?.material_id : undefined;
  }

  get region(): string {
    return this.row.region;
  }

  /** Whether it is an AWS managed key: no resource control policy limits those (KMS guide, Resource control policies). */
  get exempt(): boolean {
    return this.row.manager === "AWS";
  }

  get state(): KeyState {
    return this.row.state;
  }

  /** The key policy, compiled once for each version of the row. */
  get policy(): CompiledPolicy {
    this.#policy ??= compilePolicy(this.row.policy, "resource", parsePrincipalIds(this.row.policy_principals));
    return this.#policy;
  }

  /** Whether the store has the material that was asked for. */
  get hasMaterial(): boolean {
    return this.#material !== undefined;
  }

  /** The sealed material that the target asked for: the current one, or the one that a ciphertext names. */
  get material(): SealedMaterial {
    if (this.#sealed === undefined) {
      if (this.#material === undefined) throw new Error("This key was resolved without material.");
      this.#sealed = sealedMaterialOf(this.#material);
    }
    return this.#sealed;
  }

  /** The same key for one request, in which what it encrypts passes through its external key, too. */
  through(outer: OuterLayer): Key {
    const { row, keyStore } = this;
    const material = this.#material;
    const key = new Key(row, { ...(material && { material }), ...(keyStore && { keyStore }) });
    key.#sealed = { ...this.material, outer };
    return key;
  }
}

/** An alias that exists, or one that is to be made (no row). */
export interface Alias extends Resource {
  readonly name: string;
  readonly row: AliasRow | undefined;
}

/** How a member of the input leads to a resource. */
export interface Locator<I, R extends Resource> {
  resolve(input: I, call: Call, reader: Reader): Resolution<R>;
  /** What must hold of it beyond state and usage, checked between the two. */
  fit?(resource: R, input: I): void;
  /** The error for a caller who may not, where the common one would tell too much. */
  denied?(call: Call, input: I, denial: Denial): ServiceError | undefined;
}

const keyOfRow = new WeakMap<KeyRow, Key>();
const keyOfMaterial = new WeakMap<MaterialRow, Key>();

/** The key of a row; one object for each version of the row, so that its policy is compiled once. */
export function asKey(row: KeyRow, reader: Reader): Key {
  const keyStore = findKeyStore(row, reader);
  let key = keyOfRow.get(row);
  if (key === undefined || key.keyStore !== keyStore) {
    key = new Key(row, keyStore && { keyStore });
    keyOfRow.set(row, key);
  }
  return key;
}

function findKeyStore({ region, key_store_id }: KeyRow, reader: Reader): KeyStoreRow | undefined {
  return key_store_id === null ? undefined : reader.find("keyStore", region, key_store_id);
}

/** The key with a material that is here; imported material that was deleted or has expired leaves its row. */
function withMaterial(row: KeyRow, materialId: string, reader: Reader): Key {
  const material = reader.find("material", row.region, row.key_id, materialId);
  if (material === undefined || material.import_state === "PENDING_IMPORT") return asKey(row, reader);
  const keyStore = findKeyStore(row, reader);
  let key = keyOfMaterial.get(material);
  if (key === undefined || key.row !== row || key.keyStore !== keyStore) {
    key = new Key(row, { material, ...(keyStore && { keyStore }) });
    keyOfMaterial.set(material, key);
  }
  return key;
}

/** A material as custody takes it. */
export function sealedMaterialOf(
  row: Omit<MaterialRow, "created_at" | "rotated_at" | "rotation_type">,
): SealedMaterial {
  return {
    account: row.account,
    region: row.region,
    keyId: row.key_id,
    spec: row.spec,
    usage: row.usage,
    origin: row.origin,
    materialId: row.material_id,
    domainVersion: row.domain_version,
    sealed: row.sealed,
  };
}

/** An input with a text member; a member that the model requires is always there. */
type Naming<M extends string> = { readonly [K in M]?: string };

function textOf<M extends string>(input: Naming<M>, member: M): string {
  const text = input[member];
  if (text === undefined) throw new Error(`${member} is read though the input lacks it.`);
  return text;
}

/** The key that `member` names in one of `forms`. */
export function key<M extends string>(member: M, forms: Forms): Locator<Naming<M>, Key> {
  return {
    resolve(input, call, reader) {
      const name = parseKeyName(textOf(input, member), forms, call);
      if (!forms.crossAccount && name.account !== call.principal.account) return absentKey(name, call);
      return resolveKey(name, call, reader, asKey);
    },
  };
}

/** A key with its current material. */
const asCurrentKey = (row: KeyRow, reader: Reader): Key => withMaterial(row, row.current_material_id, reader);

/** The key that `member` names in any form, with its current material: what most cryptographic operations use. */
export function keyWithMaterial<M extends string>(member: M): Locator<Naming<M>, Key> {
  return {
    resolve: (input, call, reader) =>
      resolveKey(parseKeyName(textOf(input, member), anyIdentifier, call), call, reader, asCurrentKey),
  };
}

/** The key that `member` names in any form; a predefined AWS alias without a key gets one made (API reference, DescribeKey). */
export function keyMadeOnFirstUse<M extends string>(member: M): Locator<Naming<M>, Key> {
  return {
    resolve(input, call, reader) {
      const name = parseKeyName(textOf(input, member), anyIdentifier, call);
      const resolution = resolveKey(name, call, reader, asKey);
      if (resolution.kind === "found" || name.kind !== "alias" || !isPredefinedAlias(name.alias)) return resolution;
      return { ...resolution, make: (context: RunContext) => makeManagedKey(name.alias, context) };
    },
  };
}

type MakeKey = (row: KeyRow, reader: Reader) => Key;

function resolveKey(name: KeyName, call: Call, reader: Reader, make: MakeKey): Resolution<Key> {
  const { region, account } = name;
  const alias = name.kind === "id" ? undefined : reader.find("alias", region, account, name.alias);
  const keyId = name.kind === "id" ? name.id : alias?.key_id;
  const row = keyId === undefined ? undefined : reader.find("key", region, keyId);
  if (row === undefined || row.account !== account) return absentKey(name, call);
  const isKnown = isPropagated(row.created_at, call) && (alias === undefined || isPropagated(alias.created_at, call));
  return isKnown ? { kind: "found", resource: make(row, reader) } : absentKey(name, call);
}

/** The texts are recorded on AWS (spec 09 for the alias). */
function absentKey(name: KeyName, { partition }: Call): Resolution<Key> {
  const owner = { partition, region: name.region, account: name.account };
  if (name.kind === "alias") {
    const arn = aliasArn({ ...owner, name: name.alias });
    return {
      kind: "absent",
      resource: { arn, account: name.account },
      error: () => notFound(`Alias ${arn} is not found.`),
    };
  }
  const arn = keyArn({ ...owner, keyId: name.id });
  return {
    kind: "absent",
    resource: { arn, account: name.account },
    error: () => notFound(`Key '${arn}' does not exist`),
  };
}

function notFound(message: string): NotFoundException {
  return new NotFoundException(message);
}

type Ciphertext<B extends string, M extends string, A extends string> = { readonly [K in B]?: Uint8Array } & Naming<M> &
  Naming<A> & {
    readonly DryRunModifiers?: readonly string[];
  };

/**
 * The key that a ciphertext blob names, or, where the caller named one in `keyMember`, that one: then the blob must be of it.
 * With an asymmetric algorithm in `algorithmMember` the ciphertext is bare and names nothing, so the caller has to.
 *
 * A blob that can't be parsed is InvalidCiphertextException; one whose key is not here or not the caller's to use is denied in
 * words that are the same for both.
 */
export function keyOfCiphertext<B extends string, M extends string, A extends string>(
  blobMember: B,
  keyMember: M,
  algorithmMember: A,
): Locator<Ciphertext<B, M, A>, Key> {
  const isBareIn = (input: Ciphertext<B, M, A>): boolean => isBare((input as Naming<A>)[algorithmMember]);
  const headerOf = (input: Ciphertext<B, M, A>): BlobHeader | undefined => {
    const blob: Uint8Array | undefined = input[blobMember];
    return blob === undefined ? undefined : parseBlob(blob);
  };
  return {
    resolve(input, call, reader) {
      const header = headerOf(input);
      const named: string | undefined = input[keyMember];
      if (isBareIn(input) && named !== undefined) {
        return resolveKey(parseKeyName(named, anyIdentifier, call), call, reader, asCurrentKey);
      }
      const open = (row: KeyRow): Key =>
        header === undefined || header.keyId !== row.key_id
          ? asKey(row, reader)
          : withMaterial(row, header.materialId, reader);
      if (named !== undefined) return resolveKey(parseKeyName(named, anyIdentifier, call), call, reader, open);
      if (header === undefined) throw new InvalidCiphertextException();
      const row = reader.find("key", call.region, header.keyId);
      if (row !== undefined) return { kind: "found", resource: open(row) };
      return { kind: "absent", resource: { arn: "*", account: "" }, error: () => ciphertextDenied(call) };
    },
    fit(found, input) {
      if (ignoresCiphertext(input) || isBareIn(input)) return;
      const header = headerOf(input);
      if (header === undefined) throw new InvalidCiphertextException();
      if (header.keyId !== found.id) {
        throw new IncorrectKeyException(
          "The key ID in the request does not identify a CMK that can perform this operation.",
        );
      }
    },
    denied: (call, _input, { by }) => (by === "resource-based policy" ? ciphertextDenied(call) : undefined),
  };
}

/**
 * One text for "no such key here" and "not yours to use" (spec 09). Whom the key's policy lets in, and whose own policies do not,
 * is told which of them, as with any other key.
 */
function ciphertextDenied({ principal, operation }: Call): AccessDeniedException {
  const action = operation === "ReEncrypt" ? "kms:ReEncryptFrom" : `kms:${operation}`;
  return new AccessDeniedException(
    `User: ${principal.arn} is not authorized to perform: ${action} on the resource associated with this ciphertext because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access`,
  );
}

/** An existing alias of the caller's account. */
export function alias<M extends string>(member: M): Locator<Naming<M>, Alias> {
  return {
    resolve(input, call, reader) {
      const resource = aliasNamed(textOf(input, member), call, reader);
      if (resource.row !== undefined) return { kind: "found", resource };
      return absentAlias(resource);
    },
  };
}

/** An alias that is to be made: it need not exist, and the operation finds out whether it does. */
export function newAlias<M extends string>(member: M): Locator<Naming<M>, Alias> {
  return {
    resolve: (input, call, reader) => ({ kind: "found", resource: aliasNamed(textOf(input, member), call, reader) }),
  };
}

/** The key behind an existing alias of the caller's account. */
export function keyOfAlias<M extends string>(member: M): Locator<Naming<M>, Key> {
  return {
    resolve(input, call, reader) {
      const resource = aliasNamed(textOf(input, member), call, reader);
      const row = resource.row === undefined ? undefined : reader.find("key", call.region, resource.row.key_id);
      return row === undefined ? absentAlias(resource) : { kind: "found", resource: asKey(row, reader) };
    },
  };
}

function aliasNamed(name: string, { principal, region, partition }: Call, reader: Reader): Alias {
  const { account } = principal;
  const row = reader.find("alias", region, account, name);
  return { arn: aliasArn({ partition, region, account, name }), account, name, row };
}

function absentAlias(resource: Alias): Resolution<never> {
  return { kind: "absent", resource, error: () => notFound(`Alias ${resource.arn} is not found.`) };
}

/** The account itself, for actions on no key in particular. */
export const account: Locator<unknown, Resource> = {
  resolve: (_input, { principal }) => ({ kind: "found", resource: { arn: "*", account: principal.account } }),
};

/** Every key of the account and Region: `kms:TagResource` at creation, when there is no key yet (spec 01, Tag permissions). */
export const everyKey: Locator<unknown, Resource> = {
  resolve: (_input, { principal, partition, region }) => ({
    kind: "found",
    resource: {
      arn: keyArn({ partition, region, account: principal.account, keyId: "*" }),
      account: principal.account,
    },
  }),
};

/** A custom key store. It has no ARN and no policy: IAM policies alone say who may do what with those of their account. */
export interface KeyStore extends Resource {
  readonly row: KeyStoreRow;
}

/** The text is ours: no recording was found. */
export function notFoundStore(name: string): CustomKeyStoreNotFoundException {
  return new CustomKeyStoreNotFoundException(`The custom key store ${name} was not found.`);
}

/** The custom key store of the caller's account that `member` names by its id (API reference, ConnectCustomKeyStore). */
export function keyStore<M extends string>(member: M): Locator<Naming<M>, KeyStore> {
  return {
    resolve(input, call, reader) {
      const { account } = call.principal;
      const row = reader.find("keyStore", call.region, textOf(input, member));
      const resource = { arn: "*", account };
      if (row?.account === account) return { kind: "found", resource: { ...resource, row } };
      return { kind: "absent", resource, error: () => notFoundStore(textOf(input, member)) };
    },
  };
}
