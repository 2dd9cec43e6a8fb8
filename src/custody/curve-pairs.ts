/**
 * New key pairs of curves, encoded by filling in a form: OpenSSL's encoders take three times as long as making the keys, and what
 * they write for two pairs of a curve differs in the raw keys alone.
 */

import { generateKeyPairSync, type KeyObject } from "node:crypto";

/** A key pair as bytes in memory of their own: DER PKCS#8, which its owner wipes, and DER SubjectPublicKeyInfo. */
export interface PairBytes {
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** What OpenSSL writes for a pair of a curve, with the places of the raw keys in it. */
interface Form extends PairBytes {
  readonly scalarAt: number;
  /** Where the private key's encoding has the public one; -1 where it has not (RFC 8410). */
  readonly pointBesideScalarAt: number;
  readonly pointAt: number;
}

interface CurveKeys {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

const forms = new Map<string, Form>();

/**
 * A new key pair of a curve: PKCS#8 (RFC 5958) with an ECPrivateKey (RFC 5915) or a CurvePrivateKey (RFC 8410) in it, byte for byte as
 * OpenSSL encodes it, and SubjectPublicKeyInfo with an uncompressed point.
 *
 * @param curve its OpenSSL name, such as `prime256v1`, or `ed25519`
 */
export function newCurvePair(curve: string): PairBytes {
  const form = formOf(curve);
  const { scalar, point } = rawKeys(makeKeys(curve));
  const pair = { privateKey: new Uint8Array(form.privateKey), publicKey: new Uint8Array(form.publicKey) };
  pair.privateKey.set(scalar, form.scalarAt);
  if (form.pointBesideScalarAt !== -1) pair.privateKey.set(point, form.pointBesideScalarAt);
  pair.publicKey.set(point, form.pointAt);
  scalar.fill(0);
  return pair;
}

function formOf(curve: string): Form {
  let form = forms.get(curve);
  if (form === undefined) {
    form = newForm(curve);
    forms.set(curve, form);
  }
  return form;
}

/** The form, out of a pair that nobody uses. */
function newForm(curve: string): Form {
  const keys = makeKeys(curve);
  const { scalar, point } = rawKeys(keys);
  const privateKey = keys.privateKey.export({ type: "pkcs8", format: "der" });
  const publicKey = keys.publicKey.export({ type: "spki", format: "der" });
  return {
    privateKey,
    publicKey,
    scalarAt: privateKey.indexOf(scalar),
    pointBesideScalarAt: privateKey.indexOf(point),
    pointAt: publicKey.indexOf(point),
  };
}

function makeKeys(curve: string): CurveKeys {
  return curve === "ed25519" ? generateKeyPairSync(curve) : generateKeyPairSync("ec", { namedCurve: curve });
}

/** The raw keys, which have one length for each curve; the scalar is the caller's to wipe. */
function rawKeys({ privateKey, publicKey }: CurveKeys): { readonly scalar: Buffer; readonly point: Buffer } {
  return {
    scalar: privateKey.export({ format: "raw-private" }),
    point: publicKey.export({ format: "raw-public", type: "uncompressed" }),
  };
}
