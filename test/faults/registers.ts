/** Registers of a running KMS, written through one node and read through others, with the history of both. */

import type { KMS } from "@aws-sdk/client-kms";
import type { Read, Write } from "./history.ts";

/** One node: a client of the administrator, and one of a user who may do what policies and grants let them. */
export interface NodeClients {
  readonly name: string;
  readonly admin: KMS;
  readonly user: KMS;
}

/** Whom policies and grants name. */
export interface RegisterPrincipals {
  readonly rootArn: string;
  readonly userArn: string;
}

/** What a read came to: which versions it fits, or nothing, since it was not answered. */
type Seen = ((version: number) => boolean) | undefined;

/** One thing that is changed and decides. */
interface Kind {
  readonly name: string;
  /** Makes the key at version 0. */
  create(node: NodeClients, principals: RegisterPrincipals): Promise<string>;
  write(node: NodeClients, keyId: string, version: number, principals: RegisterPrincipals): Promise<void>;
  read(node: NodeClients, keyId: string): Promise<Seen>;
}

const isEven = (version: number): boolean => version % 2 === 0;
const isOdd = (version: number): boolean => version % 2 === 1;
const PLAINTEXT = new Uint8Array(16);

/** Reads a decision: allowed, refused with the named error, or not answered. */
async function decisionOf(
  use: Promise<unknown>,
  refusal: string,
  fits: { allowed: Seen; refused: Seen },
): Promise<Seen> {
  try {
    await use;
    return fits.allowed;
  } catch (cause) {
    if ((cause as Error).name === refusal) return fits.refused;
    requireUnanswered(cause);
    return undefined;
  }
}

/** @throws Error the answer is one that no fault explains */
function requireUnanswered(cause: unknown): void {
  const { $metadata, name } = cause as { $metadata?: { httpStatusCode?: number }; name: string };
  const status = $metadata?.httpStatusCode;
  if (status === undefined || status >= 500 || name === "ThrottlingException") return;
  throw cause;
}

function policyOf({ rootArn, userArn }: RegisterPrincipals, letsUserIn: boolean): string {
  const root = { Effect: "Allow", Principal: { AWS: rootArn }, Action: "kms:*", Resource: "*" };
  const user = { Effect: "Allow", Principal: { AWS: userArn }, Action: "kms:Encrypt", Resource: "*" };
  return JSON.stringify({ Version: "2012-10-17", Statement: letsUserIn ? [root, user] : [root] });
}

const encryptedByUser = ({ user }: NodeClients, KeyId: string): Promise<unknown> =>
  user.encrypt({ KeyId, Plaintext: PLAINTEXT });

async function newKey({ admin }: NodeClients, Policy?: string): Promise<string> {
  const { KeyMetadata } = await admin.createKey(Policy === undefined ? {} : { Policy });
  return KeyMetadata?.KeyId ?? "";
}

const grantName = (version: number): string => `version-${version}`;

/** State, policy, grants and description of keys. */
export const KINDS: readonly Kind[] = [
  {
    name: "key state",
    create: (node) => newKey(node),
    async write({ admin }, KeyId, version) {
      if (isOdd(version)) await admin.disableKey({ KeyId });
      else await admin.enableKey({ KeyId });
    },
    read: ({ admin }, KeyId) =>
      decisionOf(admin.encrypt({ KeyId, Plaintext: PLAINTEXT }), "DisabledException", {
        allowed: isEven,
        refused: isOdd,
      }),
  },
  {
    name: "key policy",
    create: (node, principals) => newKey(node, policyOf(principals, false)),
    async write({ admin }, KeyId, version, principals) {
      await admin.putKeyPolicy({ KeyId, Policy: policyOf(principals, isOdd(version)) });
    },
    read: (node, keyId) =>
      decisionOf(encryptedByUser(node, keyId), "AccessDeniedException", { allowed: isOdd, refused: isEven }),
  },
  {
    name: "grant",
    create: (node, principals) => newKey(node, policyOf(principals, false)),
    async write({ admin }, KeyId, version, { userArn: GranteePrincipal }) {
      if (isOdd(version)) {
        await admin.createGrant({ KeyId, GranteePrincipal, Operations: ["Encrypt"], Name: grantName(version) });
        return;
      }
      const { Grants = [] } = await admin.listGrants({ KeyId });
      for (const { GrantId } of Grants) await admin.revokeGrant({ KeyId, GrantId: GrantId ?? "" });
    },
    read: (node, keyId) =>
      decisionOf(encryptedByUser(node, keyId), "AccessDeniedException", { allowed: isOdd, refused: isEven }),
  },
  {
    name: "description",
    create: (node) => newKey(node),
    async write({ admin }, KeyId, version) {
      await admin.updateKeyDescription({ KeyId, Description: String(version) });
    },
    async read({ admin }, KeyId) {
      try {
        const { KeyMetadata } = await admin.describeKey({ KeyId });
        const seen = Number(KeyMetadata?.Description);
        return (version) => version === seen;
      } catch (cause) {
        requireUnanswered(cause);
        return undefined;
      }
    },
  },
];

/** One register with everything that was done to it and seen of it. */
export class Register {
  readonly kind: Kind;
  readonly keyId: string;
  readonly writes: Write[] = [];
  readonly reads: Read[] = [];
  /** Whether its last write has no known outcome: it could be done after a later one, so there is none. */
  isOver = false;
  readonly #principals: RegisterPrincipals;

  private constructor(kind: Kind, keyId: string, principals: RegisterPrincipals) {
    this.kind = kind;
    this.keyId = keyId;
    this.#principals = principals;
  }

  static async create(kind: Kind, node: NodeClients, principals: RegisterPrincipals): Promise<Register> {
    return new Register(kind, await kind.create(node, principals), principals);
  }

  /** Writes the next version through a node. */
  async write(node: NodeClients): Promise<void> {
    const version = this.writes.length + 1;
    const begin = performance.now();
    const index = this.writes.push({ version, begin, end: undefined }) - 1;
    try {
      await this.kind.write(node, this.keyId, version, this.#principals);
      this.writes[index] = { version, begin, end: performance.now() };
    } catch (cause) {
      requireUnanswered(cause);
      this.isOver = true;
    }
  }

  /** Reads through a node; returns whether it was answered. */
  async read(node: NodeClients): Promise<boolean> {
    const begin = performance.now();
    const fits = await this.kind.read(node, this.keyId);
    if (fits === undefined) return false;
    const end = performance.now();
    this.reads.push({ begin, end, fits, label: `${this.kind.name} of ${this.keyId} through ${node.name}` });
    return true;
  }
}
