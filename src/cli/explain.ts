/** `keystead explain`: why a request would be allowed or denied, as a tree that people read. */

import { z } from "zod";
import { accessDenied } from "../access/decide.ts";
import { adviceOf, type ExplainedCondition, type ExplainedSource, type ExplainedStatement } from "../access/explain.ts";
import { systemClock } from "../base/clock.ts";
import { findPrincipalByArn } from "../identity/credentials.ts";
import type { Principal } from "../identity/principal.ts";
import { aliasArn, keyArn } from "../kms/identifiers.ts";
import { kmsDirectory } from "../kms/simulation.ts";
import { simulate } from "../pipeline/simulation.ts";
import type { Reader, Store } from "../storage/store.ts";
import { EXPLAIN_PATH } from "./explain-route.ts";
import { openStore, requireStoreAt } from "./open-store.ts";
import { UsageError } from "./options.ts";
import { askServer, checkedQuestion, parseQuestion } from "./questions.ts";
import { databaseOf } from "./root-keys.ts";

const questionForm = z.strictObject({
  /** The ARN of a root user, user, role or role session. */
  principal: z.string(),
  action: z.string().regex(/^[a-z0-9-]+:[A-Za-z0-9]+$/, "an action is like kms:Decrypt"),
  /** A key ARN, a key id or an alias of the principal's account, or `*`. */
  resource: z.string().default("*"),
  /** `key=value`, the key with its prefix or, of an encryption context, without one. */
  context: z.array(z.string()).default([]),
  region: z.string().default("us-east-1"),
});

/** What is asked. */
export type ExplainQuestion = z.output<typeof questionForm>;

interface ExplainOptions {
  readonly principal: string;
  readonly action: string;
  readonly resource: string;
  readonly context?: readonly string[];
  readonly region: string;
  readonly data?: string;
  readonly database?: string;
  readonly endpoint: string;
}

/** As `parseQuestion` of questions.ts. */
export function parseExplainQuestion(body: Uint8Array): ExplainQuestion {
  return parseQuestion(questionForm, body);
}

/** Prints the explanation; of the store in `--data` or `--database`, else of the development server at `--endpoint`. */
export async function explainCommand(options: ExplainOptions): Promise<void> {
  const { data, database, endpoint, principal, action, resource, context, region } = options;
  const text =
    data === undefined && database === undefined
      ? await askServer(endpoint, EXPLAIN_PATH, { principal, action, resource, context, region })
      : await readStore(options);
  process.stdout.write(text);
}

async function readStore(options: ExplainOptions): Promise<string> {
  const { data, database } = options;
  if (data !== undefined) requireStoreAt({ data, ...databaseOf(options) });
  const config = {
    kind: "serve",
    create: false,
    ...(data !== undefined && database === undefined && { directory: data }),
    ...databaseOf(options),
  } as const;
  await using store = await openStore(config, { lock: "tool", clock: systemClock });
  const { principal, action, resource, context, region } = options;
  return await explainText(
    store,
    checkedQuestion(questionForm, { principal, action, resource, context, region }),
    systemClock.now(),
  );
}

/**
 * The explanation as text.
 *
 * @throws UsageError nobody has that ARN, or a context entry is none
 */
export async function explainText(store: Store, question: ExplainQuestion, now: number): Promise<string> {
  const entries = entriesOf(question.context);
  return await store.settle((reader) => {
    const principal = findPrincipalByArn(reader, question.principal, now);
    if (principal === undefined)
      throw new UsageError(`${question.principal} is nobody here: no such account, user or role.`);
    return render(principal, { ...question, entries, now }, reader);
  });
}

/** Entries by name in lower case. A name without a service is that of an encryption context. */
function entriesOf(texts: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const entries = new Map<string, string[]>();
  for (const text of texts) {
    const equals = text.indexOf("=");
    if (equals < 1) throw new UsageError(`--context takes key=value, not '${text}'.`);
    const name = text.slice(0, equals).toLowerCase();
    const key = name.includes(":") ? name : `kms:encryptioncontext:${name}`;
    entries.set(key, [...(entries.get(key) ?? []), text.slice(equals + 1)]);
  }
  const names = [...entries.keys()].filter((key) => key.startsWith("kms:encryptioncontext:"));
  const keys = names.map((key) => key.slice("kms:encryptioncontext:".length));
  if (keys.length > 0 && !entries.has("kms:encryptioncontextkeys")) entries.set("kms:encryptioncontextkeys", keys);
  return entries;
}

type Asked = ExplainQuestion & { readonly entries: ReadonlyMap<string, readonly string[]>; readonly now: number };

function render(principal: Principal, asked: Asked, reader: Reader): string {
  const { action, now, region } = asked;
  const resourceArn = arnOf(asked, principal, reader);
  const alias = /(?:^|:)(alias\/.+)$/.exec(asked.resource)?.[1];
  const entries = new Map([...(alias === undefined ? [] : [["kms:requestalias", [alias]] as const]), ...asked.entries]);
  const simulation = { principal, action, resourceArn, entries, now, region };
  const { explanation, request } = simulate(simulation, { directory: kmsDirectory, reader });
  const { decision, sources, grant } = explanation;
  const verdict = decision.allowed
    ? `ALLOWED${decision.grant === undefined ? "" : ` by grant ${decision.grant.grantId}`}`
    : `DENIED: ${accessDenied(request, decision).message}`;
  const advice = adviceOf(explanation, request);
  return [
    `${principal.arn}`,
    `  ${action} on ${resourceArn}${request.absent ? " (which is not there)" : ""}`,
    `  ${verdict}`,
    ...(advice === undefined ? [] : [`  To allow it: ${advice}`]),
    "",
    ...sources.flatMap(renderSource),
    ...(principal.kind === "root"
      ? ["identity-based policy", "  (the root user has every permission of its account)"]
      : []),
    `grants\n  ${grant === undefined ? "none lets the caller do this" : `grant ${grant.grantId} lets the caller do this`}`,
    "",
  ].join("\n");
}

/** Names that people use for keys, as the ARN that policies know. An alias means its key here, as in calls. */
function arnOf({ resource, region }: ExplainQuestion, { account, partition }: Principal, reader: Reader): string {
  if (resource === "*" || (resource.startsWith("arn:") && !resource.includes(":alias/"))) return resource;
  const owner = { partition, region, account };
  const name = resource.startsWith("arn:") ? resource.slice(resource.indexOf(":alias/") + 1) : resource;
  if (!name.startsWith("alias/")) return keyArn({ ...owner, keyId: name });
  const alias = reader.find("alias", region, account, name);
  return alias === undefined ? aliasArn({ ...owner, name }) : keyArn({ ...owner, keyId: alias.key_id });
}

function renderSource({ type, name, level, statements }: ExplainedSource): string[] {
  const where = level === undefined ? "" : ` (level ${level} above the account)`;
  return [`${type}: ${name}${where}`, ...statements.flatMap(renderStatement)];
}

function renderStatement({ index, sid, effect, reach, mismatch, conditions }: ExplainedStatement): string[] {
  const title = sid === undefined || sid === "" ? `statement ${index + 1}` : `statement ${index + 1} "${sid}"`;
  const outcome =
    mismatch === undefined ? `matches${reach === "account" ? " (for the account)" : ""}` : `no: ${mismatch}`;
  return [`  ${mismatch === undefined ? "✓" : "✗"} ${effect} ${title}: ${outcome}`, ...conditions.map(renderCondition)];
}

function renderCondition({ operator, key, expected, actual, holds }: ExplainedCondition): string {
  const found = actual === undefined || actual.length === 0 ? "absent" : actual.join(", ");
  return `      ${holds ? "✓" : "✗"} ${operator} ${key}: wants ${expected.join(" or ")}; the request has ${found}`;
}
