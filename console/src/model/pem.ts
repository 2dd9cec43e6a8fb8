/** Public keys as text (RFC 7468). */

const LINE = 64;

/** DER of a SubjectPublicKeyInfo as PEM. */
export function publicKeyPem(der: Uint8Array): string {
  const base64 = btoa(Array.from(der, (byte) => String.fromCharCode(byte)).join(""));
  const lines = Array.from({ length: Math.ceil(base64.length / LINE) }, (_none, index) =>
    base64.slice(index * LINE, (index + 1) * LINE),
  );
  return ["-----BEGIN PUBLIC KEY-----", ...lines, "-----END PUBLIC KEY-----", ""].join("\n");
}
