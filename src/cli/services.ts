/** The services of a server, and the gateway in front of them. */

import type { UnknownPrincipals } from "../access/principals.ts";
import { lookupQuota } from "../audit/api/lookup-events.ts";
import { cloudtrailService } from "../audit/api/service.ts";
import { systemClock } from "../base/clock.ts";
import { Gateway } from "../gateway/gateway.ts";
import { organizationsService } from "../iam/organizations/service.ts";
import { iamService } from "../iam/service.ts";
import { serviceQuotasService } from "../iam/service-quotas/service.ts";
import { stsService } from "../iam/sts.ts";
import { AttestationVerifier } from "../identity/attestation-verifier.ts";
import type { RequestMeter } from "../kms/metering/request-meter.ts";
import { kmsQuotas } from "../kms/quotas/limits.ts";
import { kmsService } from "../kms/service.ts";
import { kmsDirectory } from "../kms/simulation.ts";
import type { Service } from "../pipeline/operation.ts";
import { Pipeline } from "../pipeline/pipeline.ts";
import { DEFAULT_PROFILE, Quotas } from "../pipeline/quotas.ts";
import { Throttle } from "../pipeline/throttle.ts";
import { cloudHsmService } from "../services/cloudhsm/service.ts";
import { ebsService } from "../services/ebs/service.ts";
import { ec2Service } from "../services/ec2/service.ts";
import { ForwardingKms } from "../services/forwarding.ts";
import { BucketKeys } from "../services/s3/bucket-keys.ts";
import { s3Service } from "../services/s3/service.ts";
import { forwardedSecrets, secretsManagerService } from "../services/secretsmanager/service.ts";
import { ServiceCaller } from "../services/service-caller.ts";
import { ssmService } from "../services/ssm/service.ts";
import { taggingService } from "../services/tagging/service.ts";
import { ForwardingTrailKms } from "../services/trail-kms.ts";
import { ObjectBuckets } from "../services/trail-objects.ts";
import { cloudwatchServices } from "../signals/cloudwatch-service.ts";
import { eventsService } from "../signals/events/service.ts";
import { healthRoutes } from "./health.ts";
import { metricsRoutes } from "./metrics.ts";
import type { TrailServices } from "./open-audit-api.ts";
import { identityTokensOf } from "./open-identity-tokens.ts";
import type { ServerConfig, ServerParts } from "./parts.ts";

/** A gateway with every service, which listens nowhere yet. */
export function gatewayOf(config: ServerConfig, parts: ServerParts): Gateway {
  const { store, custody, recorder, credentialUsages, clusters, signals, auditApi } = parts;
  const { history, buckets, digestKeys } = auditApi;
  const profile = config.quotas ?? DEFAULT_PROFILE;
  const processes = profile.processes * (config.worker?.workers ?? 1);
  const quotas = new Quotas([...kmsQuotas, lookupQuota], { ...profile, processes });
  const pipeline = new Pipeline({
    store,
    recorder,
    ...(quotas.countsRequests && { throttle: new Throttle({ store, quotas }) }),
  });
  const unknownPrincipals = unknownPrincipalsOf(config);
  const kms = kmsOf(config, parts, parts.requestMeter);
  const forwardingKms = new ForwardingKms({ pipeline, kms, store });
  const secretsManager = secretsManagerService({ custody, kms: forwardingKms, unknownPrincipals, pipeline });
  return new Gateway({
    services: [
      kms,
      stsService({ custody, identityTokens: identityTokensOf(config) }),
      iamService({ custody, credentialUsages, unknownPrincipals, directory: kmsDirectory }),
      ec2Service({ custody, kms: forwardingKms, bus: signals.bus }),
      ebsService({ custody, kms: forwardingKms }),
      cloudHsmService({ custody, clusters }),
      organizationsService({ custody, recorder }),
      serviceQuotasService({ custody, quotas }),
      taggingService({ custody }),
      ssmService({
        custody,
        kms: forwardingKms,
        readSecret: forwardedSecrets(new ServiceCaller(pipeline, secretsManager)),
      }),
      secretsManager,
      eventsService({ custody, bus: signals.bus }),
      ...cloudwatchServices({ custody, metrics: signals.metrics, states: signals.alarmStates }),
      s3Of(config, parts, forwardingKms),
      cloudtrailService({ custody, history, buckets, digestKeys, kms: new ForwardingTrailKms(forwardingKms, store) }),
    ],
    pipeline,
    store,
    custody,
    clock: config.clock,
    machineClock: systemClock,
    ...(config.tls && { tls: config.tls }),
    answered: (answer) => parts.requests.observe(answer.service, answer.operation, answer.code, answer.milliseconds),
    routes: new Map([
      ...healthRoutes(parts, config.log),
      ...metricsRoutes(parts, config),
      ...(config.routes?.(parts) ?? []),
    ]),
    quotas,
    log: config.log,
    called: (call) => credentialUsages.note(call),
    endpointsByHost: config.kind === "dev",
    reusePort: config.worker !== undefined,
    ...(config.propagation && { propagation: config.propagation }),
  });
}

/** What trails use, in their own name: deliveries are nobody's requests, so nothing counts them. */
export function trailServicesOf(config: ServerConfig, parts: Omit<ServerParts, "auditApi">): TrailServices {
  const { store, recorder } = parts;
  const pipeline = new Pipeline({ store, recorder });
  const kms = new ForwardingKms({ pipeline, kms: kmsOf(config, parts), store });
  const s3 = s3Of(config, parts, kms);
  return {
    kms: new ForwardingTrailKms(kms, store),
    buckets: new ObjectBuckets(new ServiceCaller(pipeline, s3), store),
  };
}

/** KMS over the parts of a process. */
function kmsOf(config: ServerConfig, parts: Omit<ServerParts, "auditApi">, requestMeter?: RequestMeter): Service {
  const { custody, recorder, lastUsages, xks, clusters, signals } = parts;
  return kmsService({
    custody,
    recorder,
    lastUsages,
    attestations: new AttestationVerifier({ roots: config.attestationRoots ?? [], clock: systemClock }),
    unknownPrincipals: unknownPrincipalsOf(config),
    xks,
    clusters,
    meter: config.keyStoreMeter ?? signals.keyStoreMeter,
    ...(requestMeter && { requestMeter }),
  });
}

function s3Of(config: ServerConfig, { custody, bodies }: Omit<ServerParts, "auditApi">, kms: ForwardingKms): Service {
  const unknownPrincipals = unknownPrincipalsOf(config);
  return s3Service({ custody, kms, bodies, unknownPrincipals, bucketKeys: new BucketKeys(config.clock) });
}

function unknownPrincipalsOf({ allowUnknownPrincipals, log }: ServerConfig): UnknownPrincipals {
  if (allowUnknownPrincipals !== true) return { allow: false };
  return {
    allow: true,
    warn: (names) =>
      log.warn({ principals: names }, "A policy names principals that are not here; nobody can be them yet."),
  };
}
