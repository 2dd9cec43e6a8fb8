/** What the console's forms take and send: keys to create, replicas, tags, imports, rotation, policies. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { breadcrumbsOf } from "../../console/src/model/breadcrumbs.ts";
import { failureOf } from "../../console/src/model/failures.ts";
import { expiryOf, importFiles, importZipName, wrappingAlgorithms } from "../../console/src/model/import-parameters.ts";
import {
  aliasProblem,
  createKeyInput,
  isStepDone,
  type KeyDraft,
  NEW_DRAFT,
  policyOfDraft,
  tagProblem,
  withOrigin,
  withUsage,
} from "../../console/src/model/key-draft.ts";
import { hasMultiRegionKeys, specsOf } from "../../console/src/model/key-kinds.ts";
import { consoleKeyPolicy, policyText } from "../../console/src/model/key-policy.ts";
import { accountProblem, areAccountsSound } from "../../console/src/model/other-accounts.ts";
import { publicKeyPem } from "../../console/src/model/pem.ts";
import { POLICY_BYTES_MAX, policyProblems } from "../../console/src/model/policy-problems.ts";
import { replicaRegions } from "../../console/src/model/regions.ts";
import { regionsOfSet, relatedKeys } from "../../console/src/model/related-keys.ts";
import { replicaDraft } from "../../console/src/model/replica-draft.ts";
import { periodDays, rotationLock } from "../../console/src/model/rotation.ts";
import { tagChanges } from "../../console/src/model/tag-changes.ts";

const owner = { account: "111122223333", partition: "aws" };
const draft = (input: Partial<KeyDraft> = {}): KeyDraft => ({ ...NEW_DRAFT, alias: "mine", ...input });

describe("a draft", () => {
  it("becomes the input of CreateKey, with what was chosen and nothing else", () => {
    const { Policy, ...input } = createKeyInput(draft(), owner);
    assert.deepEqual(input, { KeySpec: "SYMMETRIC_DEFAULT", KeyUsage: "ENCRYPT_DECRYPT", Origin: "AWS_KMS" });
    assert.equal(JSON.parse(Policy ?? "").Statement.length, 1);
    const full = createKeyInput(
      draft({ multiRegion: true, description: "d", tags: [{ key: "a", value: "" }], policy: "{}" }),
      owner,
    );
    assert.deepEqual(full, {
      KeySpec: "SYMMETRIC_DEFAULT",
      KeyUsage: "ENCRYPT_DECRYPT",
      Origin: "AWS_KMS",
      MultiRegion: true,
      Description: "d",
      Tags: [{ TagKey: "a", TagValue: "" }],
      Policy: "{}",
    });
  });

  it("takes the first spec of another type or usage", () => {
    const asymmetric = withUsage(draft(), "Asymmetric", undefined, "aws");
    assert.deepEqual([asymmetric.usage, asymmetric.spec], ["ENCRYPT_DECRYPT", "RSA_2048"]);
    assert.equal(withUsage(asymmetric, "Asymmetric", "KEY_AGREEMENT", "aws").spec, "ECC_NIST_P256");
  });

  it("has no ML-DSA key for imported material", () => {
    const signing = draft({ type: "Asymmetric", usage: "SIGN_VERIFY", spec: "ML_DSA_65" });
    assert.equal(withOrigin(signing, "EXTERNAL", "aws").spec, "RSA_2048");
    const ofCurve = { ...signing, spec: "ECC_NIST_P384" } as const;
    assert.equal(withOrigin(ofCurve, "EXTERNAL", "aws").spec, "ECC_NIST_P384");
    assert.ok(specsOf("Asymmetric", "SIGN_VERIFY", "aws").includes("ML_DSA_65"));
  });

  it("leaves fields of accounts that were left empty out of the policy", () => {
    const choices = { ...NEW_DRAFT.choices, otherAccounts: ["", "444455556666"] };
    assert.match(policyOfDraft(draft({ choices }), owner), /iam::444455556666:root/);
    assert.doesNotMatch(policyOfDraft(draft({ choices }), owner), /iam:::root/);
  });

  for (const { title, step, input, done } of [
    {
      title: "imported material that was not confirmed",
      step: "configure",
      input: { origin: "EXTERNAL" },
      done: false,
    },
    { title: "a missing alias", step: "labels", input: { alias: "" }, done: false },
    { title: "a tag without a key", step: "labels", input: { tags: [{ key: "", value: "v" }] }, done: false },
    { title: "all that is needed", step: "labels", input: {}, done: true },
    {
      title: "an account of eleven digits",
      step: "users",
      input: { choices: { ...NEW_DRAFT.choices, otherAccounts: ["11112222333"] } },
      done: false,
    },
    { title: "a policy that is none", step: "review", input: { policy: "no" }, done: false },
    { title: "the policy that follows", step: "review", input: {}, done: true },
  ] satisfies readonly {
    title: string;
    step: Parameters<typeof isStepDone>[0];
    input: Partial<KeyDraft>;
    done: boolean;
  }[]) {
    it(`${done ? "goes on" : "stays"} with ${title}`, () => assert.equal(isStepDone(step, draft(input), owner), done));
  }
});

describe("what is typed", () => {
  for (const { title, problem, expected } of [
    { title: "no alias", problem: aliasProblem(""), expected: /required/ },
    { title: "an alias of AWS's", problem: aliasProblem("aws/mine"), expected: /AWS managed/ },
    { title: "an alias with a space", problem: aliasProblem("a b"), expected: /letters/ },
    { title: "an alias that is too long", problem: aliasProblem("a".repeat(251)), expected: /250/ },
    {
      title: "alias/ before an alias, which makes alias/alias/",
      problem: aliasProblem("alias/x"),
      expected: undefined,
    },
    { title: "a reserved tag key", problem: tagProblem("aws:x", []), expected: /reserved/ },
    { title: "a tag key twice", problem: tagProblem("x", ["x"]), expected: /already/ },
    {
      title: "the own account",
      problem: accountProblem("111122223333", { ownAccount: "111122223333", others: [] }),
      expected: /own/,
    },
    {
      title: "an account twice",
      problem: accountProblem("444455556666", { ownAccount: "1", others: ["444455556666"] }),
      expected: /already/,
    },
  ]) {
    it(`is told of ${title}`, () => {
      if (expected === undefined) assert.equal(problem, undefined);
      else assert.match(problem ?? "", expected);
    });
  }

  it("may leave a field for an account empty", () =>
    assert.ok(areAccountsSound(["", "444455556666", ""], owner.account)));
});

describe("a policy that is written by hand", () => {
  const statement = { Sid: "One", Effect: "Allow", Principal: "*", Action: "kms:*", Resource: "*" };
  const { Resource: _resource, ...withoutResource } = statement;
  const { Action: _action, ...withoutAction } = statement;

  for (const { title, text, problems } of [
    { title: "is sound", text: JSON.stringify({ Statement: [statement] }), problems: [] },
    { title: "may be one statement without a list", text: JSON.stringify({ Statement: statement }), problems: [] },
    {
      title: "S03-008 needs Resource, or the statement has no effect",
      text: JSON.stringify({ Statement: [statement, withoutResource] }),
      problems: [/^Statement "One" has no Resource/],
    },
    {
      title: "S03-008 needs Action, or the statement has no effect",
      text: JSON.stringify({ Statement: [{ ...withoutAction, Sid: "" }] }),
      problems: [/^Statement 1 has no Action/],
    },
    { title: "is JSON", text: "{", problems: [/not valid JSON/] },
    { title: "is an object", text: "null", problems: [/no statement/] },
    { title: "has a statement", text: "{}", problems: [/no statement/] },
    {
      title: "is not too long",
      text: `${JSON.stringify({ Statement: [statement] })}${" ".repeat(POLICY_BYTES_MAX)}`,
      problems: [/32768/],
    },
  ]) {
    it(title, () => {
      const found = policyProblems(text);
      assert.equal(found.length, problems.length, found.join());
      for (const [index, pattern] of problems.entries()) assert.match(found[index] ?? "", pattern);
    });
  }
});

describe("a replica's draft", () => {
  const kind = { spec: "RSA_2048", usage: "SIGN_VERIFY", origin: "AWS_KMS", multiRegion: true } as const;
  const choices = { ...NEW_DRAFT.choices, users: ["arn:aws:iam::111122223333:user/a"] };
  const policy = policyText(consoleKeyPolicy(kind, owner, choices));
  const metadata = {
    KeyId: "mrk-1",
    KeySpec: "RSA_2048",
    KeyUsage: "SIGN_VERIFY",
    MultiRegion: true,
    Description: "d",
  } as const;

  it("is the primary key's, its policy to the letter and its people chosen", () => {
    const made = replicaDraft({ metadata, policy, alias: "a", tags: [{ key: "k", value: "v" }], owner });
    assert.deepEqual([made.alias, made.description, made.tags], ["a", "d", [{ key: "k", value: "v" }]]);
    assert.deepEqual([made.policy, made.choices], [policy, choices]);
  });

  it("can go to Regions of the partition that have no key of the set", () => {
    const set = {
      ...metadata,
      Arn: "arn:p",
      MultiRegionConfiguration: {
        PrimaryKey: { Arn: "arn:p", Region: "us-east-1" },
        ReplicaKeys: [{ Arn: "arn:r", Region: "eu-west-1" }],
      },
    };
    assert.deepEqual(relatedKeys(set), [{ arn: "arn:r", region: "eu-west-1", role: "Multi-Region replica" }]);
    const regions = replicaRegions("us-east-1", regionsOfSet(set));
    assert.deepEqual(
      regions.filter(({ disabled }) => disabled).map(({ value }) => value),
      ["eu-west-1", "us-east-1"],
    );
    assert.ok(!regions.some(({ value }) => /^(?:cn|us-gov)-/.test(value)));
  });
});

describe("an import", () => {
  const now = new Date("2026-03-04T05:06:07.890Z");
  const parameters = {
    keyId: "k",
    wrappingKeySpec: "RSA_4096",
    wrappingAlgorithm: "RSAES_OAEP_SHA_256",
    publicKey: new Uint8Array([1]),
    importToken: new Uint8Array([2]),
    validTo: new Date("2026-03-05T05:06:07Z"),
    now,
  } as const;

  it("S05-060 is named by its key and the moment, and tells how material is to be wrapped and until when", () => {
    assert.equal(importZipName(parameters), "Import_Parameters_k_0304050607.zip");
    const files = importFiles(parameters);
    assert.deepEqual(Object.keys(files), ["WrappingPublicKey.bin", "ImportToken.bin", "README.txt"]);
    const readme = new TextDecoder().decode(files["README.txt"]);
    for (const told of ["RSA_4096", "RSAES_OAEP_SHA_256", "2026-03-05T05:06:07.000Z"]) assert.ok(readme.includes(told));
  });

  it("offers algorithms that the material fits", () => {
    const hybrid = ["RSA_AES_KEY_WRAP_SHA_256", "RSA_AES_KEY_WRAP_SHA_1"];
    assert.deepEqual(wrappingAlgorithms("RSA_2048", "RSA_4096"), hybrid);
    const direct = ["RSAES_OAEP_SHA_256", "RSAES_OAEP_SHA_1"];
    assert.deepEqual(wrappingAlgorithms("RSA_2048", "HMAC_256"), direct);
    assert.deepEqual(wrappingAlgorithms("RSA_2048", "ECC_NIST_P256"), [...direct, ...hybrid]);
    assert.deepEqual(wrappingAlgorithms("SM2", "SYMMETRIC_DEFAULT"), ["SM2PKE"]);
  });

  for (const { day, time, problem } of [
    { day: "", time: "", problem: "Choose a date and a time." },
    { day: "2026-03-03", time: "", problem: "The time has to be in the future." },
    { day: "2027-03-06", time: "", problem: "At most 365 days from now." },
  ]) {
    it(`does not expire at '${day}'`, () => assert.equal(expiryOf(day, time, now), problem));
  }

  it("expires at a time of the user's zone", () => {
    assert.deepEqual(expiryOf("2026-03-06", "10:30", now), new Date("2026-03-06T10:30"));
  });
});

describe("the rest of the console's rules", () => {
  it("change no more tags than were edited", () => {
    const before = [
      { key: "a", value: "1" },
      { key: "b", value: "2" },
      { key: "c", value: "3" },
    ];
    const after = [
      { key: "a", value: "1" },
      { key: "b", value: "x" },
      { key: "d", value: "4" },
    ];
    assert.deepEqual(tagChanges(before, after), {
      put: [
        { TagKey: "b", TagValue: "x" },
        { TagKey: "d", TagValue: "4" },
      ],
      removed: ["c"],
    });
  });

  it("offer SM2 in China Regions alone, and ML-KEM and multi-Region keys everywhere else", () => {
    assert.ok(specsOf("Asymmetric", "SIGN_VERIFY", "aws-cn").includes("SM2"));
    assert.ok(!specsOf("Asymmetric", "SIGN_VERIFY", "aws").includes("SM2"));
    assert.deepEqual(specsOf("Asymmetric", "ENCAPSULATE_DECAPSULATE", "aws-cn"), []);
    assert.deepEqual([hasMultiRegionKeys("aws-cn"), hasMultiRegionKeys("aws")], [false, true]);
  });

  for (const { input, locked } of [
    { input: { KeyManager: "CUSTOMER", KeyState: "Enabled" }, locked: false },
    { input: { KeyManager: "CUSTOMER", KeyState: "Disabled" }, locked: true },
    { input: { KeyManager: "CUSTOMER", KeyState: "PendingDeletion" }, locked: true },
    { input: { KeyManager: "AWS", KeyState: "Enabled" }, locked: true },
    {
      input: {
        KeyManager: "CUSTOMER",
        KeyState: "Enabled",
        MultiRegionConfiguration: { MultiRegionKeyType: "REPLICA" },
      },
      locked: true,
    },
  ] as const) {
    it(`${locked ? "lock" : "open"} rotation of ${JSON.stringify(input)}`, () => {
      assert.equal(rotationLock({ KeyId: "k", ...input }) !== undefined, locked);
    });
  }

  it("take rotation periods of 90 to 2560 days", () => {
    assert.deepEqual(["89", "90", "2560", "2561", "1e3"].map(periodDays), [undefined, 90, 2560, undefined, undefined]);
  });

  it("write a public key as PEM, in lines of 64 characters", () => {
    const pem = publicKeyPem(new Uint8Array(50).fill(255));
    assert.deepEqual(
      pem.split("\n").map(({ length }) => length),
      [26, 64, 4, 24, 0],
    );
  });

  it("name the permission that is missing, and say when nobody answered", () => {
    const denied = Object.assign(new Error("no"), { name: "AccessDeniedException" });
    assert.deepEqual(failureOf(denied, "kms:ListKeys"), {
      title: "You don't have permission: kms:ListKeys",
      message: "AccessDeniedException: no",
    });
    assert.match(failureOf(new TypeError("Failed to fetch")).title, /did not answer/);
  });

  for (const [path, texts] of [
    ["keys", "KMS > Customer managed keys"],
    ["defaultKeys", "KMS > AWS managed keys"],
    ["keys/create", "KMS > Customer managed keys > Create key"],
    ["keys/k/tags", "KMS > Customer managed keys > Key ID: k"],
    ["keys/k/import", "KMS > Customer managed keys > Key ID: k > Import key material"],
  ] as const) {
    it(`know the way to ${path}`, () => {
      assert.equal(
        breadcrumbsOf(path)
          .map(({ text }) => text)
          .join(" > "),
        texts,
      );
    });
  }
});
