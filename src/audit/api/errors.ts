/** The errors of the CloudTrail API (models/cloudtrail.json). */

import { coded } from "../../base/errors.ts";

export class CloudTrailARNInvalidException extends coded("CloudTrailARNInvalidException") {}
export class InsightNotEnabledException extends coded("InsightNotEnabledException") {}
export class InsufficientEncryptionPolicyException extends coded("InsufficientEncryptionPolicyException") {}
export class InsufficientS3BucketPolicyException extends coded("InsufficientS3BucketPolicyException") {}
export class InvalidEventSelectorsException extends coded("InvalidEventSelectorsException") {}
export class InvalidHomeRegionException extends coded("InvalidHomeRegionException") {}
export class InvalidLookupAttributesException extends coded("InvalidLookupAttributesException") {}
export class InvalidMaxResultsException extends coded("InvalidMaxResultsException") {}
export class InvalidNextTokenException extends coded("InvalidNextTokenException") {}
export class InvalidParameterCombinationException extends coded("InvalidParameterCombinationException") {}
export class InvalidS3BucketNameException extends coded("InvalidS3BucketNameException") {}
export class InvalidS3PrefixException extends coded("InvalidS3PrefixException") {}
export class InvalidTimeRangeException extends coded("InvalidTimeRangeException") {}
export class InvalidTokenException extends coded("InvalidTokenException") {}
export class InvalidTrailNameException extends coded("InvalidTrailNameException") {}
export class KmsException extends coded("KmsException") {}
export class KmsKeyNotFoundException extends coded("KmsKeyNotFoundException") {}
export class MaximumNumberOfTrailsExceededException extends coded("MaximumNumberOfTrailsExceededException") {}
export class ResourceNotFoundException extends coded("ResourceNotFoundException") {}
export class S3BucketDoesNotExistException extends coded("S3BucketDoesNotExistException") {}
export class TrailAlreadyExistsException extends coded("TrailAlreadyExistsException") {}
export class TrailNotFoundException extends coded("TrailNotFoundException") {}
