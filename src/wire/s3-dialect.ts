/** What S3 has of its own in the protocol restXml: where buckets are named, what it calls answers and errors, what it doesn't have here. */

import type { QueryError } from "./aws-query.ts";

/** The namespace of its answers. */
export const S3_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/";

/** Root elements of answers, by operation (S3 API reference); an answer with a payload is named by that. */
export const ROOT_ELEMENTS: Readonly<Record<string, string>> = {
  CompleteMultipartUpload: "CompleteMultipartUploadResult",
  CreateMultipartUpload: "InitiateMultipartUploadResult",
  DeleteObjects: "DeleteResult",
  GetBucketAccelerateConfiguration: "AccelerateConfiguration",
  GetBucketAcl: "AccessControlPolicy",
  GetBucketLogging: "BucketLoggingStatus",
  GetBucketNotificationConfiguration: "NotificationConfiguration",
  GetBucketRequestPayment: "RequestPaymentConfiguration",
  GetBucketVersioning: "VersioningConfiguration",
  GetObjectAcl: "AccessControlPolicy",
  GetObjectTagging: "Tagging",
  ListBuckets: "ListAllMyBucketsResult",
  ListMultipartUploads: "ListMultipartUploadsResult",
  ListObjects: "ListBucketResult",
  ListObjectsV2: "ListBucketResult",
  ListObjectVersions: "ListVersionsResult",
  ListParts: "ListPartsResult",
};

/** Whose answer is its one member, without an element around it. */
export const UNWRAPPED = new Set(["GetBucketLocation"]);

/**
 * Parameters that name what an operation is about: one of an operation that is not in the model must not be taken for another, such as
 * `?acl` of an object for the object itself.
 */
export const SUBRESOURCES: ReadonlySet<string> = new Set([
  "accelerate",
  "acl",
  "analytics",
  "attributes",
  "cors",
  "delete",
  "encryption",
  "intelligent-tiering",
  "inventory",
  "legal-hold",
  "lifecycle",
  "location",
  "logging",
  "metadataConfiguration",
  "metadataTable",
  "metrics",
  "notification",
  "object-lock",
  "ownershipControls",
  "policy",
  "policyStatus",
  "publicAccessBlock",
  "renameObject",
  "replication",
  "requestPayment",
  "restore",
  "retention",
  "select",
  "session",
  "tagging",
  "torrent",
  "uploads",
  "versioning",
  "versions",
  "website",
]);

/** What S3 says of headers and parameters whose value it doesn't know, by their names (public test suites recorded on S3). */
export const PARAMETER_ERRORS: ReadonlyMap<string, (value: string) => string> = new Map<
  string,
  (value: string) => string
>([
  ["encoding-type", () => "Invalid Encoding Method specified in Request"],
  ["max-buckets", () => "Argument max-buckets must be an integer between 1 and 10000"],
  ["partNumber", () => "Part number must be an integer between 1 and 10000, inclusive"],
  ["x-amz-acl", () => ""],
  ["x-amz-metadata-directive", () => "Unknown metadata directive."],
  ["x-amz-object-ownership", (value) => `Invalid x-amz-object-ownership header: ${value}`],
  ["x-amz-server-side-encryption", () => "The encryption method specified is not supported"],
  ["x-amz-tagging-directive", () => "Unknown tagging directive."],
]);

/** The common errors as S3 spells them (S3 API reference, Error responses). */
export const COMMON_ERRORS: ReadonlyMap<string, QueryError> = new Map<string, QueryError>([
  ["AccessDeniedException", { code: "AccessDenied", status: 403 }],
  ["ExpiredTokenException", { code: "ExpiredToken", status: 400, message: "The provided token has expired." }],
  ["IncompleteSignatureException", { code: "AuthorizationHeaderMalformed", status: 400 }],
  [
    "InternalFailure",
    { code: "InternalError", status: 500, message: "We encountered an internal error. Please try again." },
  ],
  [
    "InvalidSignatureException",
    {
      code: "SignatureDoesNotMatch",
      status: 403,
    },
  ],
  ["MissingAuthenticationTokenException", { code: "AccessDenied", status: 403, message: "Access Denied" }],
  [
    "RequestEntityTooLargeException",
    { code: "EntityTooLarge", status: 400, message: "Your proposed upload exceeds the maximum allowed size" },
  ],
  [
    "SerializationException",
    {
      code: "MalformedXML",
      status: 400,
      message: "The XML you provided was not well-formed or did not validate against our published schema",
    },
  ],
  [
    "ServiceUnavailableException",
    { code: "ServiceUnavailable", status: 503, message: "Service is unable to handle request." },
  ],
  ["ThrottlingException", { code: "SlowDown", status: 503, message: "Please reduce your request rate." }],
  [
    "UnknownOperationException",
    {
      code: "NotImplemented",
      status: 501,
      message: "A header or query you provided implies functionality that is not implemented.",
    },
  ],
  [
    "UnrecognizedClientException",
    {
      code: "InvalidAccessKeyId",
      status: 403,
      message: "The AWS Access Key Id you provided does not exist in our records.",
    },
  ],
  ["UnsupportedOperationException", { code: "NotImplemented", status: 501 }],
  ["ValidationException", { code: "InvalidArgument", status: 400 }],
]);

/**
 * Hosts that name a bucket in front: of AWS (`bucket.s3.eu-west-1.amazonaws.com`, also with a dash, dual-stack and without Region), of
 * one's own (`bucket.s3.example.com`), and of this machine (`bucket.localhost`).
 */
const HOSTS = [
  /^(?:(.+)\.)?s3[.-](?:dualstack\.)?(?:[a-z]{2}(?:-[a-z]+)+-\d\.)?amazonaws\.com(?:\.cn)?$/,
  /^(?:(.+)\.)?s3\.[a-z0-9.-]+$/,
  /^(?:(.+)\.)?s3\.localhost$/,
  /^(.+)\.localhost$/,
];

/** What a Host header says of S3: undefined where it says nothing, and the bucket that it names, if any. */
export function s3Host(host: string): { readonly bucket?: string } | undefined {
  const name = host.replace(/:\d+$/, "").toLowerCase();
  for (const pattern of HOSTS) {
    const found = pattern.exec(name);
    if (found !== null) return found[1] === undefined ? {} : { bucket: found[1] };
  }
  return undefined;
}

/** Whether a request says that it is for S3: in its credential scope or by its Host. */
export function isForS3(target: string, headers: Readonly<Record<string, string | undefined>>): boolean {
  return (
    /\/s3\/aws4_request/.test(headers["authorization"] ?? "") ||
    /[?&]X-Amz-Credential=[^&]*(?:%2F|\/)s3(?:%2F|\/)aws4_request/i.test(target) ||
    /[?&]AWSAccessKeyId=/.test(target) || // signed as before SigV4, for which S3 has words of its own
    /^AWS /.test(headers["authorization"] ?? "") ||
    s3Host(headers["host"] ?? "") !== undefined
  );
}
