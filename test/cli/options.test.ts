/** Values of options: ports, and which hosts are loopback. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Command } from "commander";
import fc from "fast-check";
import { isLoopback, option, port, repeatable, UsageError } from "../../src/cli/options.ts";

describe("a port", () => {
  it("is any number from 0 to 65,535", () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 65_535 }), (value) => assert.equal(port(String(value)), value)));
  });

  for (const text of ["", " ", "65536", "99999", "-1", "+80", "80.0", "8e1", "0x50", "80 ", "http", "１"]) {
    it(`is not '${text}'`, () => {
      assert.throws(() => port(text), new UsageError(`--port takes 0 to 65535, not '${text}'.`));
    });
  }
});

describe("a loopback host", () => {
  for (const host of ["localhost", "127.0.0.1", "127.255.255.254", "::1"]) {
    it(`is ${host}`, () => assert.equal(isLoopback(host), true));
  }
  for (const host of ["", "0.0.0.0", "::", "128.0.0.1", "127.0.0.1.example", "localhost.example", "10.127.0.1"]) {
    it(`is not '${host}'`, () => assert.equal(isLoopback(host), false));
  }
});

describe("an option", () => {
  it("is read from the variable of its name", () => {
    assert.equal(option("--tls-cert <file>", "").envVar, "KEYSTEAD_TLS_CERT");
  });

  const parsed = (args: readonly string[]): unknown =>
    new Command().addOption(repeatable("--root <file>", "")).parse(args, { from: "user" }).opts()["root"];

  it("that is repeatable gathers its values, in order", () => {
    assert.equal(parsed([]), undefined);
    assert.deepEqual(parsed(["--root", "a"]), ["a"]);
    assert.deepEqual(parsed(["--root", "a", "--root", "b"]), ["a", "b"]);
    assert.throws(() => parsed(["--root", "a", "--root", ""]), UsageError);
  });

  it("that is repeatable takes one value from its variable, and none beside arguments", () => {
    process.env["KEYSTEAD_ROOT"] = "c";
    try {
      assert.deepEqual(parsed([]), ["c"]);
      assert.deepEqual(parsed(["--root", "a"]), ["a"]);
    } finally {
      delete process.env["KEYSTEAD_ROOT"];
    }
  });
});
