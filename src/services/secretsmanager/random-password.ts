/** GetRandomPassword: passwords of the characters that a request asks for. */

import { randomInt } from "node:crypto";
import { InvalidParameterException } from "./errors.ts";
import { type Context, onAccount, read } from "./operation.ts";

/** What passwords are made of (API reference, GetRandomPassword). */
const LOWERCASE = "abcdefghijklmnopqrstuvwxyz";
const UPPERCASE = LOWERCASE.toUpperCase();
const NUMBERS = "0123456789";
const PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
const LENGTH = 32;

/** Makes a random password; it has a character of each type that is included, unless the request lets that go. */
export const getRandomPassword = read<"GetRandomPassword", Context>("GetRandomPassword", {
  targets: [onAccount("GetRandomPassword")],
  async run(input) {
    const { PasswordLength: length = LENGTH, ExcludeCharacters = "", RequireEachIncludedType = true } = input;
    const types = [
      ...(input.ExcludeLowercase === true ? [] : [LOWERCASE]),
      ...(input.ExcludeUppercase === true ? [] : [UPPERCASE]),
      ...(input.ExcludeNumbers === true ? [] : [NUMBERS]),
      ...(input.ExcludePunctuation === true ? [] : [PUNCTUATION]),
      ...(input.IncludeSpace === true ? [" "] : []),
    ].map((type) => [...type].filter((character) => !ExcludeCharacters.includes(character)));
    const all = types.flat();
    if (all.length === 0) throw new InvalidParameterException("All characters are excluded.");
    const required = RequireEachIncludedType ? types : [];
    if (required.some((type) => type.length === 0)) {
      throw new InvalidParameterException("A type of characters is required of which all characters are excluded.");
    }
    if (length < required.length) {
      throw new InvalidParameterException("Password length is too short based on the required types."); // quoted by users
    }
    const rest = Array.from({ length: length - required.length }, () => pick(all));
    return { RandomPassword: shuffled([...required.map(pick), ...rest]).join("") };
  },
});

function pick(characters: readonly string[]): string {
  return characters[randomInt(characters.length)] ?? "";
}

/** Every order is equally likely (Fisher and Yates). */
function shuffled(characters: readonly string[]): string[] {
  const left = [...characters];
  return characters.map(() => left.splice(randomInt(left.length), 1)[0] ?? "");
}
