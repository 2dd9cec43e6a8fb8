/** The service models that Keystead serves, each compiled when it is first asked for. */

import { iamShapes } from "./iam-shapes.ts";
import { compileModel, type ServiceModel } from "./model.ts";
import cloudHsm from "./models/cloudhsmv2.json" with { type: "json" };
import cloudtrail from "./models/cloudtrail.json" with { type: "json" };
import cloudwatch from "./models/cloudwatch.json" with { type: "json" };
import ebs from "./models/ebs.json" with { type: "json" };
import ec2 from "./models/ec2.json" with { type: "json" };
import events from "./models/events.json" with { type: "json" };
import iam from "./models/iam.json" with { type: "json" };
import kms from "./models/kms.json" with { type: "json" };
import organizations from "./models/organizations.json" with { type: "json" };
import tagging from "./models/resourcegroupstaggingapi.json" with { type: "json" };
import s3 from "./models/s3.json" with { type: "json" };
import secretsManager from "./models/secretsmanager.json" with { type: "json" };
import serviceQuotas from "./models/service-quotas.json" with { type: "json" };
import ssm from "./models/ssm.json" with { type: "json" };
import sts from "./models/sts.json" with { type: "json" };

/**
 * What KMS was recorded to check or say otherwise than its published model: the characters of key identifiers, and the
 * order in which it lists the values of an enum (spec 09; public test suites recorded on KMS).
 */
const recordedOfKms = {
  KeyIdType: { ...kms.shapes.KeyIdType, pattern: "^\\p{ASCII}+$" },
  EncryptionAlgorithmSpec: {
    ...kms.shapes.EncryptionAlgorithmSpec,
    enum: ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "SM2PKE", "SYMMETRIC_DEFAULT"],
  },
  MacAlgorithmSpec: {
    ...kms.shapes.MacAlgorithmSpec,
    enum: ["HMAC_SHA_384", "HMAC_SHA_256", "HMAC_SHA_224", "HMAC_SHA_512"],
  },
  SigningAlgorithmSpec: {
    ...kms.shapes.SigningAlgorithmSpec,
    enum: [
      "RSASSA_PSS_SHA_256",
      "RSASSA_PSS_SHA_384",
      "RSASSA_PSS_SHA_512",
      "RSASSA_PKCS1_V1_5_SHA_256",
      "RSASSA_PKCS1_V1_5_SHA_384",
      "RSASSA_PKCS1_V1_5_SHA_512",
      "ECDSA_SHA_256",
      "ECDSA_SHA_384",
      "ECDSA_SHA_512",
      "ED25519_SHA_512",
      "ED25519_PH_SHA_512",
      "SM2DSA",
      "ML_DSA_SHAKE_256",
    ],
  },
};

/** Answers and errors of KMS forbid caches to keep them (the Go Cloud Development Kit's recordings of 2020, 2023 and 2024). */
const recordedHeadersOfKms = {
  "Cache-Control": "no-cache, no-store, must-revalidate, private",
  Expires: "0",
  Pragma: "no-cache",
};

/**
 * What S3 says in errors of its own where its published model has a list of values or a pattern, and headers that the model doesn't have: one that lists
 * answer, and one that reads refuse (public test suites recorded on S3; API reference, GetObject).
 */
const recordedOfS3 = {
  ...Object.fromEntries(
    ["BucketLocationConstraint", "ChecksumAlgorithm", "ChecksumType", "CopySource", "StorageClass"].map((name) => [
      name,
      { type: "string" },
    ]),
  ),
  ...Object.fromEntries(
    (["ListObjectsOutput", "ListObjectsV2Output"] as const).map((name) => {
      const BucketRegion = { shape: "Region", location: "header", locationName: "x-amz-bucket-region" };
      return [name, { ...s3.shapes[name], members: { ...s3.shapes[name].members, BucketRegion } }];
    }),
  ),
  ...Object.fromEntries(
    (["GetObjectRequest", "HeadObjectRequest"] as const).map((name) => {
      const { ServerSideEncryption } = s3.shapes.PutObjectRequest.members;
      return [name, { ...s3.shapes[name], members: { ...s3.shapes[name].members, ServerSideEncryption } }];
    }),
  ),
};

export const kmsModel: () => ServiceModel = once(() =>
  compileModel({
    ...kms,
    metadata: { ...kms.metadata, answerHeaders: recordedHeadersOfKms },
    shapes: { ...kms.shapes, ...recordedOfKms },
  }),
);
export const cloudHsmModel: () => ServiceModel = once(() => compileModel(cloudHsm));
/** CloudWatch in each of its protocols, that of today's clients first; it was recorded to list states in an order of its own. */
export const cloudwatchModels: () => readonly ServiceModel[] = once(() => {
  const StateValue = { ...cloudwatch.shapes.StateValue, enum: ["INSUFFICIENT_DATA", "ALARM", "OK"] };
  const shapes = { ...cloudwatch.shapes, StateValue };
  return cloudwatch.metadata.protocols.map((protocol) =>
    compileModel({ ...cloudwatch, shapes, metadata: { ...cloudwatch.metadata, protocol } }),
  );
});
/** CloudTrail says in an error of its own what is wrong with a number of results (operations). */
export const cloudtrailModel: () => ServiceModel = once(() =>
  compileModel({ ...cloudtrail, shapes: { ...cloudtrail.shapes, MaxResults: { type: "integer" } } }),
);
export const eventsModel: () => ServiceModel = once(() => compileModel(events));
export const ebsModel: () => ServiceModel = once(() => compileModel(ebs));
/** EC2 has an error of its own for a type of volumes that there is not (EC2 API reference, Error codes: UnknownVolumeType). */
export const ec2Model: () => ServiceModel = once(() =>
  compileModel({ ...ec2, shapes: { ...ec2.shapes, VolumeType: { type: "string" } } }),
);
export const iamModel: () => ServiceModel = once(() => compileModel({ ...iam, shapes: iamShapes(iam.shapes) }));
export const organizationsModel: () => ServiceModel = once(() => compileModel(organizations));
export const serviceQuotasModel: () => ServiceModel = once(() => compileModel(serviceQuotas));
/** PutBucketPolicy answers 204, as its sample in the API reference does; minio-js takes nothing else. The published model has no status. */
export const s3Model: () => ServiceModel = once(() => {
  const { PutBucketPolicy } = s3.operations;
  const answering = { ...PutBucketPolicy, http: { ...PutBucketPolicy.http, responseCode: 204 } };
  return compileModel({
    ...s3,
    operations: { ...s3.operations, PutBucketPolicy: answering },
    shapes: { ...s3.shapes, ...recordedOfS3 },
  });
});
export const secretsManagerModel: () => ServiceModel = once(() => compileModel(secretsManager));
/** SSM was recorded to list the types of parameters in another order (public test suites). */
export const ssmModel: () => ServiceModel = once(() => {
  const ParameterType = { ...ssm.shapes.ParameterType, enum: ["SecureString", "StringList", "String"] };
  return compileModel({ ...ssm, shapes: { ...ssm.shapes, ParameterType } });
});
export const taggingModel: () => ServiceModel = once(() => compileModel(tagging));
export const stsModel: () => ServiceModel = once(() => compileModel(sts));

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
