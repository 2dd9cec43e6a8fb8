/** Operations whose plaintext can leave for an attested platform: what `Recipient` does to each, said once. */

import type { RecipientInfo } from "@aws-sdk/client-kms";
import { type ServiceError, UnsupportedOperationException, ValidationException } from "../base/errors.ts";
import type { PlaintextSource } from "../custody/custody.ts";
import type { Attestation } from "../identity/attestation.ts";
import { AttestationError } from "../identity/attestation-document.ts";
import type { Examined, Operation } from "../pipeline/operation.ts";
import type { ConditionKeys } from "./conditions.ts";
import { type AnyTarget, type Context, type Declared, type Environment, use } from "./operation.ts";
import type { Input, OperationName, Output } from "./shapes.ts";

/** What the request's `Recipient` came to; empty without one. `custody` takes the place of the environment's. */
type ExaminedRecipient =
  | { readonly attestation?: never; readonly refusal?: never }
  | { readonly attestation: Attestation; readonly custody: PlaintextSource; readonly refusal?: never }
  | { readonly attestation?: never; readonly refusal: ServiceError };

/** The context of an attested operation: its custody gives plaintexts, or envelopes when the request is attested. */
export type AttestedContext<T extends readonly AnyTarget[]> = Omit<Context<T>, "custody"> & {
  readonly custody: PlaintextSource;
};

interface Attested<O> {
  /** The member of the output that `CiphertextForRecipient` stands in for. */
  readonly plaintext: keyof O & string;
  /** Members of the output that AWS leaves out of attested answers. */
  readonly omits?: readonly (keyof O & string)[];
}

/**
 * A `use` that takes a `Recipient` (KMS guide, Cryptographic attestation support).
 *
 * The attestation document is verified once, before anything is authorized, and the `kms:RecipientAttestation:…` keys are those of
 * a verified document. One that is not valid leaves them absent, so that policies which ask for them deny; whoever is allowed
 * even so is refused by `check`: an attested request never gets a plaintext, whatever is wrong with it.
 *
 * @throws ValidationException a member of `Recipient` is missing, or the document can't be relied on
 * @throws UnsupportedOperationException the operator trusts no attestation root
 */
export function attestedUse<N extends OperationName, const T extends readonly AnyTarget[], O extends Output<N>>(
  name: N,
  { plaintext, omits = [], ...declared }: Declared<Input<N>, O, T, AttestedContext<T>> & Attested<O>,
): Operation {
  const operation = use(name, { ...declared, conditions: { ...declared.conditions, ...recipientConditions } });
  return {
    ...operation,
    record: { ...operation.record, examined: recordedRecipient },
    examine: (input, context) => examineRecipient(input as Attestable, context as unknown as Environment),
    check(input, context) {
      const { refusal } = context as ExaminedRecipient;
      if (refusal !== undefined) throw refusal;
      return operation.check?.(input, context);
    },
    async run(input, context) {
      const { attestation } = context as ExaminedRecipient;
      if ((input as Attestable).Recipient === undefined) return await operation.run(input, context);
      if (attestation === undefined) throw new Error(`${name} would answer a plaintext to an attested request`);
      const output = { ...((await operation.run(input, context)) as Record<string, unknown>) };
      const CiphertextForRecipient = output[plaintext];
      for (const member of [plaintext, ...omits]) delete output[member];
      return { ...output, CiphertextForRecipient };
    },
  };
}

interface Attestable {
  readonly Recipient?: RecipientInfo;
}

function examineRecipient(
  { Recipient }: Attestable,
  environment: Environment,
): ExaminedRecipient | Promise<ExaminedRecipient> {
  return Recipient === undefined ? {} : verifyRecipient(Recipient, environment);
}

async function verifyRecipient(
  Recipient: RecipientInfo,
  { attestations, custody }: Environment,
): Promise<ExaminedRecipient> {
  const { AttestationDocument, KeyEncryptionAlgorithm } = Recipient;
  if (AttestationDocument === undefined || KeyEncryptionAlgorithm === undefined) {
    return { refusal: new ValidationException("Recipient takes AttestationDocument and KeyEncryptionAlgorithm.") };
  }
  if (!attestations.hasRoots) {
    return { refusal: new UnsupportedOperationException("Keystead was started without --attestation-root.") };
  }
  try {
    const attestation = await attestations.verify(AttestationDocument);
    const recipient = await custody.forRecipient(attestation.publicKey);
    if (recipient === undefined) throw new AttestationError("its public key is not an RSA key of 2048 to 4096 bits");
    return { attestation, custody: recipient };
  } catch (cause) {
    if (!(cause instanceof AttestationError)) throw cause;
    return { refusal: new ValidationException(`The attestation document is not valid: ${cause.message}.`, { cause }) };
  }
}

function attestationIn(examined: Examined): Attestation | undefined {
  return (examined as ExaminedRecipient).attestation;
}

const REGISTER = /^(?<tpm>nitrotpm)?pcr(?<index>0|[1-9][0-9]?)$/;
const SHA384_HEX_DIGITS = 96;

/**
 * The keys of enclaves (`ImageSha384`, `PCR<id>`) and those of NitroTPM (`NitroTPMPCR<id>`): lower-case hex without a prefix, absent
 * where the document is of the other platform or has no such register (KMS guide, Condition keys for attested platforms).
 */
const recipientConditions: ConditionKeys<unknown> = {
  "kms:recipientattestation:": (_input, { examined }, name) => {
    const attestation = attestationIn(examined);
    if (attestation === undefined) return undefined;
    const { platform, pcrs } = attestation;
    if (name === "imagesha384") {
      const image = platform === "enclave" ? pcrs.get(0) : undefined;
      return image?.length === SHA384_HEX_DIGITS ? image : undefined;
    }
    const { tpm, index } = REGISTER.exec(name)?.groups ?? {};
    return (tpm === undefined ? "enclave" : "tpm") === platform ? pcrs.get(Number(index)) : undefined;
  },
};

/** The registers that records name, after the member's name (KMS guide, Monitoring attested requests). */
const recordedRegisters = {
  enclave: { EnclaveImageDigest: 0, EnclavePCR1: 1, EnclavePCR2: 2, EnclavePCR3: 3, EnclavePCR4: 4, EnclavePCR8: 8 },
  tpm: {
    NitroTPMPCR4: 4,
    NitroTPMPCR7: 7,
    NitroTPMPCR8: 8,
    NitroTPMPCR9: 9,
    NitroTPMPCR16: 16,
    NitroTPMPCR23: 23,
  },
} as const;

function recordedRecipient(examined: Examined): { readonly recipient: Readonly<Record<string, string>> } | undefined {
  const attestation = attestationIn(examined);
  if (attestation === undefined) return undefined;
  const recipient: Record<string, string> = { attestationDocumentModuleId: attestation.moduleId };
  for (const [name, index] of Object.entries(recordedRegisters[attestation.platform])) {
    const register = attestation.pcrs.get(index);
    if (register !== undefined) recipient[`attestationDocument${name}`] = register;
  }
  return { recipient };
}
