/** Clients that change keys of their own in every way that takes effect at once, and note what was answered. */

import { Agent } from "node:http";
import type { CrashLedger, Subject } from "./crash-ledger.ts";
import type { RandomChoices } from "./random-choices.ts";
import { keyArnOf, mustCallKms, REGION, type ServerAddress, textOf } from "./signed-requests.ts";
import type { LogWatch } from "./write-ahead-log.ts";

/** A client makes this many keys and then goes on with them, so that values are changed many times. */
const KEYS_MAX = 25;
const TAGS_MAX = 6;

interface ClientKey {
  readonly arn: string;
  readonly id: string;
  readonly state: Subject;
  readonly description: Subject;
  readonly policy: Subject;
  readonly tags: Map<string, Subject>;
  readonly aliases: { readonly name: string; readonly subject: Subject }[];
  readonly grants: { readonly id: string; readonly subject: Subject }[];
  rotations: number;
}

type Output = Readonly<Record<string, unknown>>;

export interface CrashClientOptions {
  readonly server: ServerAddress;
  readonly account: string;
  readonly ledger: CrashLedger;
  readonly watch: LogWatch;
  readonly choices: RandomChoices;
}

export class CrashClient {
  readonly #options: CrashClientOptions;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #keys: ClientKey[] = [];

  constructor(options: CrashClientOptions) {
    this.#options = options;
  }

  /** Sends one request after another until it is told to stop. */
  async run(isOver: () => boolean): Promise<void> {
    try {
      while (!isOver()) await this.#step();
    } finally {
      this.#agent.destroy();
    }
  }

  async #step(): Promise<void> {
    const { choices } = this.#options;
    if (this.#keys.length === 0 || (this.#keys.length < KEYS_MAX && choices.integer(0, 9) === 0)) {
      return this.#createKey();
    }
    const key = choices.pick(this.#keys);
    const steps = [
      () => this.#encrypt(key),
      () => this.#changeState(key),
      () => this.#describe(key),
      () => this.#putPolicy(key),
      () => this.#tag(key),
      () => this.#alias(key),
      () => this.#grant(key),
      () => this.#rotate(key),
    ];
    return choices.pick(steps)();
  }

  async #createKey(): Promise<void> {
    const { ledger } = this.#options;
    const { output, note } = await this.#call("CreateKey", { Description: "new" });
    const arn = keyArnOf(output);
    const id = arn.slice(arn.lastIndexOf("/") + 1);
    const column = (name: string): Subject => {
      const sql = `SELECT ${name} AS value FROM "key" WHERE region = ? AND key_id = ?`;
      return ledger.add({ name: `${name} of ${id}`, sql, parameters: [REGION, id] });
    };
    const key: ClientKey = {
      arn,
      id,
      state: column("state"),
      description: column("description"),
      policy: column("policy"),
      tags: new Map(),
      aliases: [],
      grants: [],
      rotations: 0,
    };
    note(key.state, "Enabled");
    note(key.description, "new");
    this.#keys.push(key);
  }

  async #encrypt({ arn, state }: ClientKey): Promise<void> {
    if (state.versions.at(-1)?.value !== "Enabled") return;
    const { choices, ledger, watch } = this.#options;
    const plaintext = choices.bytes(32);
    const input = { KeyId: arn, Plaintext: Buffer.from(plaintext).toString("base64") };
    const { output } = await this.#request("Encrypt", input);
    const bytes = Buffer.from(textOf(output, "CiphertextBlob"), "base64");
    ledger.blobs.push({ region: REGION, bytes, plaintext, mark: watch.mark() });
  }

  async #changeState({ arn, state }: ClientKey): Promise<void> {
    const KeyId = arn;
    switch (state.versions.at(-1)?.value) {
      case "Enabled":
        if (this.#options.choices.integer(0, 3) > 0) return this.#change(state, "Disabled", "DisableKey", { KeyId });
        return this.#change(state, "PendingDeletion", "ScheduleKeyDeletion", { KeyId, PendingWindowInDays: 7 });
      case "Disabled":
        return this.#change(state, "Enabled", "EnableKey", { KeyId });
      default:
        return this.#change(state, "Disabled", "CancelKeyDeletion", { KeyId });
    }
  }

  async #describe(key: ClientKey): Promise<void> {
    if (isPendingDeletion(key)) return;
    const Description = this.#options.choices.text(12);
    await this.#change(key.description, Description, "UpdateKeyDescription", { KeyId: key.arn, Description });
  }

  async #putPolicy(key: ClientKey): Promise<void> {
    if (isPendingDeletion(key)) return;
    const { account, choices } = this.#options;
    const Principal = { AWS: `arn:aws:iam::${account}:root` };
    const Statement = [{ Sid: choices.text(12), Effect: "Allow", Principal, Action: "kms:*", Resource: "*" }];
    const Policy = JSON.stringify({ Version: "2012-10-17", Statement });
    await this.#change(key.policy, Policy, "PutKeyPolicy", { KeyId: key.arn, PolicyName: "default", Policy });
  }

  async #tag(key: ClientKey): Promise<void> {
    if (isPendingDeletion(key)) return;
    const { choices, ledger } = this.#options;
    const TagKey = `t${choices.integer(1, TAGS_MAX)}`;
    const subject =
      key.tags.get(TagKey) ??
      ledger.add({
        name: `tag ${TagKey} of ${key.id}`,
        sql: "SELECT tag_value AS value FROM tag WHERE region = ? AND key_id = ? AND tag_key = ?",
        parameters: [REGION, key.id, TagKey],
      });
    key.tags.set(TagKey, subject);
    const KeyId = key.arn;
    if (isThere(subject) && choices.integer(0, 2) === 0) {
      return this.#change(subject, null, "UntagResource", { KeyId, TagKeys: [TagKey] });
    }
    const TagValue = choices.text(12);
    await this.#change(subject, TagValue, "TagResource", { KeyId, Tags: [{ TagKey, TagValue }] });
  }

  async #alias(key: ClientKey): Promise<void> {
    if (isPendingDeletion(key)) return;
    const { account, choices, ledger } = this.#options;
    const KeyId = key.arn;
    const living = key.aliases.filter(({ subject }) => isThere(subject));
    if (living.length > 0 && choices.integer(0, 1) === 0) {
      const { name, subject } = choices.pick(living);
      return this.#change(subject, null, "DeleteAlias", { AliasName: name });
    }
    if (living.length > TAGS_MAX) return;
    const name = `alias/${choices.text(16)}`;
    const sql = "SELECT key_id AS value FROM alias WHERE region = ? AND account = ? AND name = ?";
    const subject = ledger.add({ name, sql, parameters: [REGION, account, name] });
    key.aliases.push({ name, subject });
    await this.#change(subject, key.id, "CreateAlias", { AliasName: name, TargetKeyId: KeyId });
  }

  async #grant(key: ClientKey): Promise<void> {
    if (isPendingDeletion(key)) return;
    const { account, choices, ledger } = this.#options;
    const KeyId = key.arn;
    const living = key.grants.filter(({ subject }) => isThere(subject));
    if (living.length > 0 && choices.integer(0, 1) === 0) {
      const { id, subject } = choices.pick(living);
      return this.#change(subject, null, "RevokeGrant", { KeyId, GrantId: id });
    }
    if (key.state.versions.at(-1)?.value !== "Enabled") return;
    const grantee = `arn:aws:iam::${account}:root`;
    const { output, note } = await this.#call("CreateGrant", {
      KeyId,
      GranteePrincipal: grantee,
      Operations: ["Decrypt"],
    });
    const id = textOf(output, "GrantId");
    const sql = 'SELECT grantee AS value FROM "grant" WHERE region = ? AND grant_id = ?';
    const subject = ledger.add({ name: `grant ${id}`, sql, parameters: [REGION, id] });
    key.grants.push({ id, subject });
    note(subject, grantee);
  }

  async #rotate(key: ClientKey): Promise<void> {
    if (key.state.versions.at(-1)?.value !== "Enabled" || key.rotations >= 3) return;
    key.rotations += 1;
    const { note } = await this.#call("RotateKeyOnDemand", { KeyId: key.arn });
    const { ledger } = this.#options;
    const sql = "SELECT count(*) || '' AS value FROM material WHERE region = ? AND key_id = ?";
    const name = `materials of ${key.id} after rotation ${key.rotations}`;
    const subject = ledger.add({ name, sql, parameters: [REGION, key.id] });
    note(subject, String(key.rotations + 1));
    // Every later rotation makes one more.
    for (let more = key.rotations + 1; more <= 3; more += 1) subject.versions.push({ value: String(more + 1) });
  }

  /** Gives something another value. From the sending on, the store may have it. */
  async #change(subject: Subject, value: string | null, operation: string, input: unknown): Promise<void> {
    const version: Subject["versions"][number] = { value };
    subject.versions.push(version);
    const { requestId } = await this.#request(operation, input);
    const mark = this.#options.watch.mark();
    version.mark = mark;
    this.#options.ledger.changes.push({ requestId, operation, mark });
  }

  /** A change whose subject is known with the answer only. */
  async #call(operation: string, input: unknown) {
    const { output, requestId } = await this.#request(operation, input);
    const mark = this.#options.watch.mark();
    this.#options.ledger.changes.push({ requestId, operation, mark });
    const note = (subject: Subject, value: string): void => void subject.versions.push({ value, mark });
    return { output, note };
  }

  async #request(operation: string, input: unknown): Promise<{ readonly output: Output; readonly requestId: string }> {
    return await mustCallKms(this.#options.server, operation, input, { agent: this.#agent });
  }
}

function isThere({ versions }: Subject): boolean {
  return typeof versions.at(-1)?.value === "string";
}

function isPendingDeletion({ state }: ClientKey): boolean {
  return state.versions.at(-1)?.value === "PendingDeletion";
}
