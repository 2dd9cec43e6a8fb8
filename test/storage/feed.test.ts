/** Following the change feed: in order, whole, and noticing a lost tail. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { BEHIND_MAX, Feed } from "../../src/storage/feed.ts";
import { migrate } from "../../src/storage/migrations.ts";
import { Statements } from "../../src/storage/statements.ts";

class Followed {
  readonly database = new DatabaseSync(":memory:");
  readonly heard: string[] = [];
  fault: Error | undefined;
  readonly feed: Feed;

  constructor(...before: string[]) {
    migrate(this.database, { kind: "dev", now: 0 });
    this.append(...before);
    const statements = new Statements(this.database);
    this.feed = new Feed((sql, parameters) => statements.run(sql, parameters), {
      changed: (changes) => {
        if (this.fault !== undefined) throw this.fault;
        this.heard.push(...changes.map(({ name }) => name));
      },
      reset: () => this.heard.push("reset"),
    });
  }

  append(...names: string[]): void {
    const insert = this.database.prepare(
      "INSERT INTO changes (kind, name, tag) VALUES ('account', ?, hex(randomblob(8)))",
    );
    for (const name of names) insert.run(name);
  }

  follow(): string[] {
    this.heard.length = 0;
    this.feed.follow();
    return [...this.heard];
  }
}

describe("a follower of the feed", () => {
  it("hears of each change once, in order", () => {
    const followed = new Followed();
    assert.deepEqual(followed.follow(), []);
    followed.append("a", "b");
    assert.deepEqual(followed.follow(), ["a", "b"]);
    assert.deepEqual(followed.follow(), []);
    followed.append("c");
    assert.deepEqual(followed.follow(), ["c"]);
  });

  it("hears of nothing from before it was opened", () => {
    const followed = new Followed("a");
    assert.deepEqual(followed.follow(), []);
    followed.append("b");
    assert.deepEqual(followed.follow(), ["b"]);
  });

  it("hears again of what it failed to take in", () => {
    const followed = new Followed();
    followed.append("a");
    followed.fault = new Error("unknown kind");
    assert.throws(() => followed.follow(), { message: "unknown kind" });
    followed.fault = undefined;
    assert.deepEqual(followed.follow(), ["a"]);
  });

  for (const { title, sql } of [
    { title: "is gone", sql: "DELETE FROM changes WHERE position = 2" },
    { title: "has another tag", sql: "UPDATE changes SET tag = 'other' WHERE position = 2" },
    { title: "and everything else is gone", sql: "DELETE FROM changes" },
  ]) {
    it(`starts anew when the row it applied last ${title}`, () => {
      const followed = new Followed("a", "b");
      followed.database.exec(sql);
      assert.deepEqual(followed.follow(), ["reset"]);
      assert.deepEqual(followed.follow(), []);
      followed.append("c");
      assert.deepEqual(followed.follow(), ["c"]);
    });
  }

  it("is not troubled by the pruning of what it has applied, the last row excepted", () => {
    const followed = new Followed("a", "b");
    followed.database.exec("DELETE FROM changes WHERE position < 2");
    followed.append("c");
    assert.deepEqual(followed.follow(), ["c"]);
  });

  it("starts anew when it is further behind than a list would be worth", () => {
    const followed = new Followed("a");
    followed.append(...Array.from({ length: BEHIND_MAX }, (_, index) => String(index)));
    assert.deepEqual(followed.follow(), ["reset"]);
    followed.append("b");
    assert.deepEqual(followed.follow(), ["b"]);
  });
});
