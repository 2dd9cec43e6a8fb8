/** Mutations of what proves who calls: signatures, scopes, dates and the headers that they cover. */

import { type GoodCall, goodCalls, type MutationKind, type MutationSubject } from "./mutations.ts";
import type { RandomChoices } from "./random-choices.ts";
import { bytesOf, kmsDraft, type Scope, type SignedRequest, sign } from "./signed-requests.ts";

const INVALID = ["InvalidSignatureException"];
const INCOMPLETE = ["IncompleteSignatureException"];
const UNKNOWN_KEY = ["UnrecognizedClientException"];
const UNSIGNED = ["MissingAuthenticationTokenException"];

/** How a signed request is spoiled; each has the codes that it may be refused with. */
interface Spoiling {
  readonly codes: readonly string[];
  spoil(request: SignedRequest, random: RandomChoices): SignedRequest;
}

function withHeader(request: SignedRequest, name: string, value: string | undefined): SignedRequest {
  const headers = Object.fromEntries(Object.entries(request.headers).filter(([there]) => there !== name));
  return { ...request, headers: value === undefined ? headers : { ...headers, [name]: value } };
}

function withAuthorization(request: SignedRequest, change: (text: string) => string): SignedRequest {
  return withHeader(request, "authorization", change(request.headers["authorization"] ?? ""));
}

const HEX = "0123456789abcdef";

/** Another hex digit in one place of the signature. */
function otherDigit(text: string, random: RandomChoices): string {
  const at = text.length - random.integer(1, 64);
  const digit = random.pick([...HEX].filter((there) => there !== text[at]));
  return text.slice(0, at) + digit + text.slice(at + 1);
}

const spoilings: readonly Spoiling[] = [
  { codes: INVALID, spoil: (request, random) => withAuthorization(request, (text) => otherDigit(text, random)) },
  {
    codes: [...INVALID, ...INCOMPLETE],
    spoil: (request, random) => withAuthorization(request, (text) => text.slice(0, -random.integer(1, 63))),
  },
  {
    codes: [...INVALID, ...INCOMPLETE],
    spoil: (request) => withAuthorization(request, (text) => text.replace(/Signature=.*/, "Signature=")),
  },
  {
    codes: UNKNOWN_KEY,
    spoil: (request, random) =>
      withAuthorization(request, (text) => text.replace(/AKIA\w+/, `AKIA${random.text(16, "ABCDEFGHIJ234567")}`)),
  },
  { codes: UNSIGNED, spoil: (request) => withHeader(request, "authorization", undefined) },
  {
    codes: [...UNSIGNED, ...INCOMPLETE],
    spoil: (request, random) =>
      withHeader(
        request,
        "authorization",
        random.pick(["", "Basic dGVzdDp0ZXN0", "Bearer x", "AWS AKIA:sig", random.text(40)]),
      ),
  },
  {
    codes: INCOMPLETE,
    spoil: (request, random) =>
      withAuthorization(request, (text) =>
        random.pick([
          () => text.replace(/Credential=[^,]*, /, ""),
          () => text.replace(/SignedHeaders=[^,]*, /, ""),
          () => text.replace(/, Signature=.*/, ""),
          () => text.replace(/aws4_request/, ""),
          () => text.replace(/Credential=[^,]*/, "Credential=a/b"),
        ])(),
      ),
  },
  {
    codes: [...INVALID, ...INCOMPLETE],
    spoil: (request, random) => {
      const name = random.pick(["host", "x-amz-date", "x-amz-target"]);
      return withAuthorization(request, (text) =>
        text.replace(/SignedHeaders=([^,]*)/, (_, list: string) => {
          const kept = list.split(";").filter((there) => there !== name);
          return `SignedHeaders=${kept.join(";")}`;
        }),
      );
    },
  },
  {
    codes: INVALID,
    spoil: (request) => ({ ...request, body: Buffer.from(Buffer.from(request.body).toString().replace("{", "{ ")) }),
  },
  {
    codes: INVALID,
    spoil: (request) => withHeader(request, "x-amz-target", "TrentService.CancelKeyDeletion"),
  },
  { codes: INVALID, spoil: (request) => withHeader(request, "x-amz-new", "unsigned") },
  { codes: INVALID, spoil: (request) => withHeader(request, "host", "kms.eu-west-1.amazonaws.com") },
  { codes: INVALID, spoil: (request) => ({ ...request, path: "/?a=b" }) },
  {
    codes: [...INVALID, ...INCOMPLETE, ...UNSIGNED],
    spoil: (request, random) =>
      withHeader(
        request,
        "x-amz-date",
        random.pick(["", "now", "20260101T000000", "2026-01-01T00:00:00Z", "99999999T999999Z"]),
      ),
  },
  {
    codes: [...INVALID, ...INCOMPLETE, ...UNSIGNED],
    spoil: (request) => withHeader(request, "x-amz-date", undefined),
  },
  {
    codes: ["UnrecognizedClientException", "InvalidClientTokenId", ...INVALID],
    spoil: (request, random) => withHeader(request, "x-amz-security-token", random.text(200)),
  },
];

const broken: MutationKind = {
  name: "a broken signature",
  async make(subject, random) {
    const { codes, spoil } = random.pick(spoilings);
    const signed = await sign(subject.server, callDraft(subject, random));
    const spoiled = withLength(spoil(signed, random));
    return { parts: [bytesOf(spoiled)], allowed: { codes } };
  },
};

/** A request that was good once: five minutes and more from now, to either side. */
const stale: MutationKind = {
  name: "an old or early date",
  async make(subject, random) {
    const minutes = random.pick([6, 10, 60, 1_440, 525_600, 5_256_000]) * random.pick([-1, -1, -1, 1]);
    const date = new Date(Date.now() + minutes * 60_000);
    const signed = await sign(subject.server, callDraft(subject, random), { date });
    return { parts: [bytesOf(signed)], allowed: { codes: INVALID } };
  },
};

/** Signed properly for something else: another secret, a Region or a service that is not here. */
const elsewhere: MutationKind = {
  name: "a signature for something else",
  async make(subject, random) {
    const { server } = subject;
    const wrongSecret = { ...server, credentials: { ...server.credentials, secretAccessKey: random.text(40) } };
    const cases: readonly { readonly scope: Scope; readonly codes: readonly string[]; readonly as?: typeof server }[] =
      [
        { scope: {}, codes: INVALID, as: wrongSecret },
        { scope: { region: random.text(9) }, codes: [...INVALID, ...UNKNOWN_KEY] },
        { scope: { region: "us-east-99" }, codes: [...INVALID, ...UNKNOWN_KEY] },
        {
          scope: { service: random.pick(["sqs", "lambda", "dynamodb", random.text(5)]) },
          codes: [...INVALID, ...UNKNOWN_KEY],
        },
      ];
    const { scope, codes, as = server } = random.pick(cases);
    const signed = await sign(as, callDraft(subject, random), scope);
    return { parts: [bytesOf(signed)], allowed: { codes } };
  },
};

function callDraft(subject: MutationSubject, random: RandomChoices) {
  const { operation, input }: GoodCall = random.pick(goodCalls(subject));
  return kmsDraft(operation, input);
}

function withLength(request: SignedRequest): SignedRequest {
  return withHeader(request, "content-length", String(request.body.length));
}

/** The kinds that are refused for who calls. */
export const signatureMutations: readonly MutationKind[] = [broken, stale, elsewhere];
