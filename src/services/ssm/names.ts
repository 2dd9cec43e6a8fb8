/** Names of parameters: what may be one, what a request means by one, and the ARN that it stands for. */

import { asArn } from "../../base/arn.ts";
import { AccessDeniedException, ValidationException } from "../../base/errors.ts";
import type { Call } from "../../pipeline/operation.ts";
import {
  type ParameterOwner,
  type ParameterVersion,
  parameterArnOf,
  parameterPath,
} from "../../storage/ssm-parameters.ts";
import { HierarchyLevelLimitExceededException } from "./errors.ts";

/** Levels of a hierarchy (Systems Manager guide, Requirements and constraints for parameter names). */
const LEVELS_MAX = 15;
/** With the ARN around it, whose other parts are `arn:aws:ssm:<region>:<account>:parameter/`. */
const CHARACTERS_MAX = 1011;

/** What a name in a request means. */
export interface MeantParameter {
  readonly name: string;
  /** Whether answers repeat the name as the request spells it; after an ARN they tell the parameter's own. */
  readonly isName: boolean;
  /** As it was given after the name: `:3`, `:production`. */
  readonly selector: string;
  readonly version: ParameterVersion;
}

/** Whose parameters a request is about, and where. */
export const ownerOf = ({ principal, region }: Call): ParameterOwner => ({ account: principal.account, region });

/** The ARN of a parameter; the slash in front of a path is the one after `parameter`. */
export function parameterArn({ region, principal }: Call, name: string): string {
  return parameterArnOf({ region, account: principal.account, name });
}

/**
 * Takes the name of a parameter in a request that reads: a name or an ARN, and maybe a version or a label after a colon.
 *
 * @throws ValidationException an ARN of something else, or what can't be a name
 */
export function meantParameter(text: string, call: Call): MeantParameter {
  const arn = asArn(text);
  const rest = arn === undefined ? text : arn.resource.replace(/^parameter\//, "");
  const isOwn = arn === undefined || (arn.service === "ssm" && arn.account === call.principal.account);
  if (!isOwn || (arn !== undefined && arn.region !== call.region)) {
    throw new ValidationException("Only parameters of the account and the Region are here.");
  }
  const [given = "", ...selectors] = rest.split(":");
  const name = arn !== undefined && given.includes("/") ? `/${given}` : given;
  const isName = arn === undefined;
  if (!isPath(name)) throw new ValidationException(RULES);
  const [selector] = selectors;
  if (selector === undefined) return { name, isName, selector: "", version: "newest" };
  if (selectors.length > 1) return { name: rest, isName, selector: "", version: "newest" };
  const isNumber = /^\d{1,9}$/.test(selector);
  const version = isNumber ? { number: Number(selector) } : { label: selector };
  return { name, isName, selector: `:${selector}`, version };
}

/** Whether a text is a name: one word, or a path with a slash in front. */
function isPath(name: string): boolean {
  return /^(?:[a-zA-Z0-9._-]+|(?:\/[a-zA-Z0-9._-]+)+)$/.test(name);
}

const RULES =
  'Parameter name: can\'t be prefixed with "ssm" (case-insensitive). If formed as a path, it can consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_';
/** What is said of a name at the root of the hierarchy. */
const PREFIXES = 'Parameter name: can\'t be prefixed with "aws" or "ssm" (case-insensitive).';

/**
 * Requires that a new parameter may have a name (Systems Manager guide, Requirements and constraints for parameter names); the
 * texts are quoted by users of SSM.
 *
 * @throws AccessDeniedException a path that begins with `aws`
 * @throws ValidationException it begins with `aws` or `ssm`, or has other characters or form
 * @throws HierarchyLevelLimitExceededException more than 15 levels
 */
export function requireName(name: string, call: Call): void {
  const path = parameterPath(name);
  const isAtRoot = path.lastIndexOf("/") === 0;
  if (isAtRoot && /^\/(?:aws|ssm)/i.test(path)) throw new ValidationException(PREFIXES);
  if (/^\/aws/i.test(path)) throw new AccessDeniedException(`No access to reserved parameter name: ${name}.`);
  if (/^\/ssm/i.test(path) || !isPath(path)) throw new ValidationException(RULES);
  if (name.includes("/") && !name.startsWith("/")) {
    throw new ValidationException("Parameter name must be a fully qualified name.");
  }
  if (parameterArn(call, name).length > CHARACTERS_MAX) {
    throw new ValidationException(`A parameter name can have at most ${CHARACTERS_MAX} characters with its ARN.`);
  }
  if (name.split("/").length - 1 > LEVELS_MAX) {
    throw new HierarchyLevelLimitExceededException(
      `Hierarchies can have at most ${LEVELS_MAX} levels. See Requirements and constraints for parameter names.`,
    );
  }
}

/** @throws ValidationException a path that no hierarchy has; the text is quoted by users of SSM */
export function requirePath(path: string): void {
  if (/^\/(?:[a-zA-Z0-9._-]+\/?)*$/.test(path)) return;
  throw new ValidationException(
    'The parameter doesn\'t meet the parameter name requirements. The parameter name must begin with a forward slash "/". It can\'t be prefixed with "aws" or "ssm" (case-insensitive). It must use only letters, numbers, or the following symbols: . (period), - (hyphen), _ (underscore). Special characters are not allowed. All sub-paths, if specified, must use the forward slash symbol "/". Valid example: /get/parameters2-/by1./path0_.',
  );
}
