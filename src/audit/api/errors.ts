/** The errors of the CloudTrail API (models/cloudtrail.json). */

import { coded } from "../../base/errors.ts";

export class InvalidLookupAttributesException extends coded("InvalidLookupAttributesException") {}
export class InvalidMaxResultsException extends coded("InvalidMaxResultsException") {}
export class InvalidNextTokenException extends coded("InvalidNextTokenException") {}
export class InvalidTimeRangeException extends coded("InvalidTimeRangeException") {}
