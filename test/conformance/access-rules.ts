/** Who may call what, written down from the KMS guide: the permissions reference, grant operations, cross-account use (spec 03 and 04). */

/**
 * Where a permission may come from: IAM policies alone, the key's policies (and grants), or the grant that is to be retired.
 * Of the key of a ciphertext nothing is told, not even to its own account.
 */
type Source = "iam" | "key" | "ciphertext" | "grant";

/** One permission that an operation needs. */
export interface Need {
  readonly action: string;
  readonly source: Source;
}

/** A row of the permissions reference. */
export interface Rule {
  readonly operation: string;
  /** All of them, in the order in which they are asked for. */
  readonly needs: readonly Need[];
  /** Whether keys of other accounts may be used (column Cross-account use). */
  readonly isCrossAccount: boolean;
  /** It names nothing but an alias, which is always one of the caller's account and Region. */
  readonly isByAlias: boolean;
}

const row = (operation: string, crossAccount: "yes" | "no" | "-", ...permissions: readonly string[]): Rule => ({
  operation,
  needs: permissions.map((permission) => {
    const [source = "", action = operation] = permission.split(" ");
    return { source: source as Source, action: `kms:${action}` };
  }),
  isCrossAccount: crossAccount === "yes",
  isByAlias: operation === "DeleteAlias",
});

/** Operations that have no key ("-") are asked of IAM policies alone, and so are aliases. */
export const RULES: readonly Rule[] = [
  row("CancelKeyDeletion", "no", "key"),
  row("ConnectCustomKeyStore", "-", "iam"),
  row("CreateAlias", "no", "iam", "key"),
  row("CreateCustomKeyStore", "-", "iam"),
  row("CreateGrant", "yes", "key"),
  row("CreateKey", "-", "iam"),
  row("Decapsulate", "yes", "key"),
  row("Decrypt", "yes", "ciphertext"),
  row("DeleteAlias", "no", "iam", "key"),
  row("DeleteCustomKeyStore", "-", "iam"),
  row("DeleteImportedKeyMaterial", "no", "key"),
  row("DeriveSharedSecret", "yes", "key"),
  row("DescribeCustomKeyStores", "-", "iam"),
  row("DescribeKey", "yes", "key"),
  row("DisableKey", "no", "key"),
  row("DisableKeyRotation", "no", "key"),
  row("DisconnectCustomKeyStore", "-", "iam"),
  row("EnableKey", "no", "key"),
  row("EnableKeyRotation", "no", "key"),
  row("Encapsulate", "yes", "key"),
  row("Encrypt", "yes", "key"),
  row("GenerateDataKey", "yes", "key"),
  row("GenerateDataKeyPair", "yes", "key"),
  row("GenerateDataKeyPairWithoutPlaintext", "yes", "key"),
  row("GenerateDataKeyWithoutPlaintext", "yes", "key"),
  row("GenerateMac", "yes", "key"),
  row("GenerateRandom", "-", "iam"),
  row("GetKeyLastUsage", "no", "key"),
  row("GetKeyPolicy", "no", "key"),
  row("GetKeyRotationStatus", "yes", "key"),
  row("GetParametersForImport", "no", "key"),
  row("GetPublicKey", "yes", "key"),
  row("ImportKeyMaterial", "no", "key"),
  row("ListAliases", "-", "iam"),
  row("ListGrants", "yes", "key"),
  row("ListKeyPolicies", "no", "key"),
  row("ListKeyRotations", "no", "key"),
  row("ListKeys", "-", "iam"),
  row("ListResourceTags", "no", "key"),
  row("ListRetirableGrants", "-", "iam"),
  row("PutKeyPolicy", "no", "key"),
  row("ReEncrypt", "yes", "ciphertext ReEncryptFrom", "key ReEncryptTo"),
  row("ReplicateKey", "no", "key", "iam CreateKey"),
  row("RetireGrant", "yes", "grant"),
  row("RevokeGrant", "yes", "key"),
  row("RotateKeyOnDemand", "no", "key"),
  row("ScheduleKeyDeletion", "no", "key"),
  row("Sign", "yes", "key"),
  row("TagResource", "no", "key"),
  row("UntagResource", "no", "key"),
  row("UpdateAlias", "no", "iam", "key", "key"),
  row("UpdateCustomKeyStore", "-", "iam"),
  row("UpdateKeyDescription", "no", "key"),
  row("UpdatePrimaryRegion", "no", "key", "key"),
  row("Verify", "yes", "key"),
  row("VerifyMac", "yes", "key"),
];

/** What a grant can allow (Grant operations; DeriveSharedSecret, Encapsulate and Decapsulate came later). */
export const GRANT_OPERATIONS = {
  encryption: [
    ...["Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext"],
    ...["GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext", "CreateGrant", "DescribeKey", "RetireGrant"],
  ],
  signing: ["Sign", "Verify", "GetPublicKey"],
  mac: ["GenerateMac", "VerifyMac"],
  agreement: ["DeriveSharedSecret"],
  kem: ["Encapsulate", "Decapsulate"],
} as const;

const grantable: ReadonlySet<string> = new Set(
  Object.values(GRANT_OPERATIONS).flatMap((names) => names.map((name) => `kms:${name}`)),
);

/** Every permission, parted in two halves that alternate by name: what a limit lets through, and what it doesn't. */
export const HALVES: readonly [readonly string[], readonly string[]] = (() => {
  const actions = [...new Set(RULES.flatMap(({ needs }) => needs.map(({ action }) => action)))].sort();
  return [actions.filter((_, index) => index % 2 === 0), actions.filter((_, index) => index % 2 === 1)];
})();

/** What gives a caller permissions, and what limits them. */
export interface Standing {
  /** Whether the key is another account's. */
  readonly isForeign?: true;
  /** What IAM policies of the caller, within its limits, let through: everything, nothing, or one half of the permissions. */
  readonly iam: "all" | "none" | 0 | 1;
  /** What the key policy says: it leaves it to IAM policies by naming the caller's account, names the caller, or neither. */
  readonly keyPolicy: "account" | "caller" | "none";
  /** The caller is the grantee of grants of all grant operations. */
  readonly isGrantee?: true;
  /** What refusals for want of an IAM permission say, where it is not that no identity-based policy allows. */
  readonly limit?: RegExp;
}

/** What a call comes to. */
export type Verdict =
  | { readonly is: "allowed" }
  | { readonly is: "absent" }
  | { readonly is: "denied"; readonly text: RegExp };

/** How refusals by a service control policy that denies end. */
export const SCP_DENIES =
  /with an explicit deny in a service control policy: arn:aws:organizations::\d{12}:policy\/o-[a-z0-9]{10}\/service_control_policy\/p-[a-z0-9]{8}$/;
const BY_IDENTITY = /because no identity-based policy allows the \S+ action$/;
const BY_RESOURCE = /because no resource-based policy allows the \S+ action$/;
const BY_CIPHERTEXT =
  /on the resource associated with this ciphertext because the resource does not exist in this Region/;
const ANOTHERS = /on this resource because the resource does not exist in this Region, no resource-based policies/;

/** The rules themselves. */
export function verdictOf({ needs, isCrossAccount, isByAlias }: Rule, standing: Standing): Verdict {
  for (const need of needs) {
    const text = refusalOf(need, isCrossAccount, standing);
    const isHidden = need.source === "ciphertext" && (text === BY_RESOURCE || text === ANOTHERS);
    if (text !== undefined) return { is: "denied", text: isHidden ? BY_CIPHERTEXT : text };
    if (isByAlias && standing.isForeign) return { is: "absent" };
  }
  return { is: "allowed" };
}

/** Why a permission isn't there; undefined when it is. */
function refusalOf({ action, source }: Need, isCrossAccount: boolean, standing: Standing): RegExp | undefined {
  const { iam, keyPolicy, isGrantee, isForeign, limit = BY_IDENTITY } = standing;
  const byIam = iam === "all" || (iam !== "none" && HALVES[iam].includes(action));
  const forWantOfIam = byIam ? undefined : limit;
  if (source === "iam") return forWantOfIam;
  if (isGrantee && grantable.has(action)) return undefined;
  if (source === "grant") return refusalToRetire(byIam, standing);
  if (isForeign) return isCrossAccount && keyPolicy === "account" ? forWantOfIam : ANOTHERS;
  if (keyPolicy === "caller") return undefined;
  return keyPolicy === "account" ? forWantOfIam : BY_RESOURCE;
}

/**
 * Those whom the grant names may retire it, and the account of its key, which hands that on by IAM policies; key policies have
 * no say (spec 03, Retiring versus revoking).
 */
function refusalToRetire(byIam: boolean, { isForeign, limit }: Standing): RegExp | undefined {
  if (isForeign) return ANOTHERS;
  if (byIam) return undefined;
  return limit === SCP_DENIES ? limit : BY_RESOURCE;
}
