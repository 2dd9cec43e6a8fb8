/** KMS for CloudTrail: data keys for log files, asked for by the service itself in the name of a trail. */

import { InsufficientEncryptionPolicyException, KmsException, KmsKeyNotFoundException } from "../audit/api/errors.ts";
import type { TrailIdentity, TrailKms } from "../audit/trails/kms.ts";
import { asArn, formatArn } from "../base/arn.ts";
import { sealMessage } from "../custody/encrypted-message.ts";
import { Secret } from "../custody/secret.ts";
import type { Output } from "../kms/shapes.ts";
import type { Call } from "../pipeline/operation.ts";
import type { Store } from "../storage/store.ts";
import { type ForwardingKms, KmsRefusal } from "./forwarding.ts";
import { callOfTrail } from "./trail-caller.ts";

/** Who may be told that there is no such key. */
const NOT_FOUND = "The specified KMS key was not found.";

/** Calls KMS as `cloudtrail.amazonaws.com`; key policies decide, by `Service`, `aws:SourceArn` and the encryption context. */
export class ForwardingTrailKms implements TrailKms {
  readonly #kms: ForwardingKms;
  readonly #store: Pick<Store, "settle">;

  constructor(kms: ForwardingKms, store: Pick<Store, "settle">) {
    this.#kms = kms;
    this.#store = store;
  }

  async requireKey(call: Call, use: Parameters<TrailKms["requireKey"]>[1]): Promise<string> {
    const { keyId, trailArn, bucket, context } = use;
    const { partition, now } = call;
    const keyArn = keyArnOf(keyId, call);
    if (!(await this.#isThere(keyArn, call))) throw new KmsKeyNotFoundException(NOT_FOUND);
    const trail = { arn: trailArn, account: call.principal.account, partition, now };
    try {
      const { Plaintext, KeyId = "" } = await this.#generate(trail, keyArn, context);
      Plaintext?.fill(0);
      return KeyId;
    } catch (cause) {
      if (!(cause instanceof KmsRefusal)) throw cause;
      throw errorOf(cause, { bucket, keyArn });
    }
  }

  /** The key has to be in the Region of the trail. Of another account's it is told no more than that CloudTrail may not use it. */
  async #isThere(keyArn: string, { principal, region }: Call): Promise<boolean> {
    const arn = asArn(keyArn);
    if (arn?.region !== region || arn.service !== "kms") return false;
    const { account, resource } = arn;
    if (account !== principal.account) return true;
    return await this.#store.settle((reader) => {
      const id = resource.startsWith("key/") ? resource.slice("key/".length) : undefined;
      const found = id === undefined ? reader.find("alias", region, account, resource) : reader.find("key", region, id);
      return found !== undefined;
    });
  }

  async seal(trail: TrailIdentity, keyArn: string, what: Parameters<TrailKms["seal"]>[2]): Promise<Uint8Array> {
    const { bytes, context } = what;
    const { Plaintext, CiphertextBlob: ciphertext } = await this.#generate(trail, keyArn, context);
    if (Plaintext === undefined || ciphertext === undefined) throw new Error("KMS answered without a data key.");
    using dataKey = new Secret(Plaintext);
    return sealMessage(dataKey.bytes, bytes, { context, dataKey: { keyArn, ciphertext } });
  }

  #generate(
    trail: TrailIdentity,
    keyArn: string,
    context: Readonly<Record<string, string>>,
  ): Promise<Output<"GenerateDataKey">> {
    const call = callOfTrail(trail, asArn(keyArn)?.region ?? "");
    const input = { KeyId: keyArn, KeySpec: "AES_256" as const, EncryptionContext: { ...context } };
    return this.#kms.performAs(call.principal, call, "GenerateDataKey", input);
  }
}

/** A bare id or alias name is of the caller's account and Region. */
function keyArnOf(keyId: string, { principal, partition, region }: Call): string {
  if (keyId.startsWith("arn:")) return keyId;
  const resource = keyId.startsWith("alias/") ? keyId : `key/${keyId}`;
  return formatArn({ partition, service: "kms", region, account: principal.account, resource });
}

function errorOf({ cause }: KmsRefusal, { bucket, keyArn }: { readonly bucket: string; readonly keyArn: string }) {
  if (cause.code === "NotFoundException") return new KmsKeyNotFoundException(NOT_FOUND, { cause });
  if (cause.code === "AccessDeniedException") {
    const text = `Insufficient permissions to access S3 bucket ${bucket} or KMS key ${keyArn}.`;
    return new InsufficientEncryptionPolicyException(text, { cause });
  }
  return new KmsException(cause.message, { cause });
}
