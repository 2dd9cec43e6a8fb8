/** The primitives that `node:crypto` lacks, from the OpenSSL inside Node. */

import type { Libcrypto } from "./libcrypto.ts";
import type { Primitives, RawScheme, Sm2 } from "./primitives.ts";
import { isOneSequence, SM2_CURVE, sm2Point, sm2Scalar } from "./sm2.ts";

/** Primitives of `libcrypto`. */
export function openSslPrimitives(libcrypto: Libcrypto): Primitives & { readonly sm2: Sm2 } {
  const digests: RawScheme = {
    sign: (privateKey, digest) => libcrypto.sign(privateKey, digest),
    verify: (publicKey, digest, signature) => libcrypto.verify(publicKey, { tbs: digest, signature }),
  };
  const ed25519ph = { name: "ED25519ph" };
  return {
    ecdsa: digests,
    ed25519ph: {
      sign: (privateKey, message) => libcrypto.sign(privateKey, message, ed25519ph),
      verify: (publicKey, tbs, signature) => libcrypto.verify(publicKey, { tbs, signature, scheme: ed25519ph }),
    },
    externalMu: {
      sign: (privateKey, mu) => libcrypto.sign(privateKey, mu, muScheme(privateKey.asymmetricKeyType)),
      verify: (publicKey, tbs, signature) =>
        libcrypto.verify(publicKey, { tbs, signature, scheme: muScheme(publicKey.asymmetricKeyType) }),
    },
    sm2: {
      ...digests,
      encrypt: (publicKey, plaintext) => libcrypto.encrypt(publicKey, plaintext),
      decrypt: (privateKey, ciphertext) =>
        isOneSequence(ciphertext) ? libcrypto.decrypt(privateKey, ciphertext) : undefined,
      agree(privateKey, publicKey) {
        using scalar = sm2Scalar(privateKey);
        const peer = sm2Point(publicKey.export({ type: "spki", format: "der" }));
        return libcrypto.agree(SM2_CURVE, scalar.bytes, peer);
      },
    },
  };
}

/** OpenSSL's names of the schemes are those of the keys, in upper case. */
function muScheme(type: string | undefined): { readonly name: string; readonly externalMu: true } {
  if (type === undefined || !type.startsWith("ml-dsa-")) throw new Error("Not an ML-DSA key");
  return { name: type.toUpperCase(), externalMu: true };
}
