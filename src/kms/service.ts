/** KMS as a service: its model, its operations, and what it answers where there is none. */

import { KMSInternalException, ThrottlingException, UnsupportedOperationException } from "../base/errors.ts";
import type { Service } from "../pipeline/operation.ts";
import type { KeyStoreType } from "../storage/key-store-schema.ts";
import { kmsModel } from "../wire/models.ts";
import { type KeyStoreMeter, noMeter } from "./key-stores/meter.ts";
import type { RequestMeter } from "./metering/request-meter.ts";
import type { Environment } from "./operation.ts";
import { operations } from "./operations/index.ts";
import { keyStoreQuotas } from "./quotas/request-quotas.ts";

/** Request bodies: the largest legal one is a key policy of 131,072 characters, escaped. */
const BODY_BYTES_MAX = 1_048_576;

const storeTypes = Object.keys(keyStoreQuotas) as readonly KeyStoreType[];

/** As the guide has it (KMS guide, Throttling). */
const OVER_QUOTA = "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.";

interface Counters {
  /** Counts the use of custom key stores. */
  readonly meter?: KeyStoreMeter;
  /** Counts requests, for whom they are charged to; absent where nobody pays for them. */
  readonly requestMeter?: RequestMeter;
}

/** The KMS API over a custody and a recorder. */
export function kmsService({ meter = noMeter, requestMeter, ...environment }: Environment & Counters): Service {
  return {
    model: kmsModel(),
    operations,
    environment: { ...environment },
    bodyBytesMax: BODY_BYTES_MAX,
    throttled: () => new ThrottlingException(OVER_QUOTA),
    overQuota({ quota, subject }, { operation }) {
      const type = storeTypes.find((each) => keyStoreQuotas[each] === quota);
      if (type !== undefined && subject !== undefined) meter.throttled(subject, operation, type);
    },
    ...(requestMeter && { performed: (request) => requestMeter.note(request) }),
    unsupported: (operation) => new UnsupportedOperationException(`Keystead does not support ${operation} yet.`),
    internal: (cause) => new KMSInternalException("", { cause }),
  };
}
