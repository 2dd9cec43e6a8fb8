/** Which group a TLS handshake agreed on: node tells clients, and a server only in the session that it keeps. */

import type { TLSSocket } from "node:tls";

/** IANA's names of TLS supported groups, by number (RFC 8446 §4.2.7, RFC 8422, draft-ietf-tls-ecdhe-mlkem). */
const GROUPS: ReadonlyMap<number, string> = new Map([
  [0x0017, "secp256r1"],
  [0x0018, "secp384r1"],
  [0x0019, "secp521r1"],
  [0x001d, "x25519"],
  [0x001e, "x448"],
  [0x0100, "ffdhe2048"],
  [0x0101, "ffdhe3072"],
  [0x0200, "MLKEM512"],
  [0x0201, "MLKEM768"],
  [0x0202, "MLKEM1024"],
  [0x11eb, "SecP256r1MLKEM768"],
  [0x11ec, "X25519MLKEM768"],
  [0x11ed, "SecP384r1MLKEM1024"],
]);

const SEQUENCE = 0x30;
const INTEGER = 0x02;
/** `kex_group [19] EXPLICIT INTEGER` of OpenSSL's `SSL_SESSION_ASN1` (ssl/ssl_asn1.c, since 3.0). */
const KEY_EXCHANGE_GROUP = 0xb3;
const LONG_FORM = 0x80;

/**
 * The group of a connection's key exchange as IANA names it, such as `X25519MLKEM768`; undefined where there was none
 * (RSA key transport) or it has no name here. The session that it is read from holds the connection's secrets: it is wiped.
 */
export function keyExchangeOf(socket: TLSSocket): string | undefined {
  const session = socket.getSession();
  if (session === undefined) return undefined;
  const number = groupOf(session);
  session.fill(0);
  return number === undefined ? undefined : GROUPS.get(number);
}

/** The group's number in an OpenSSL session in DER; undefined for anything else. */
export function groupOf(session: Uint8Array): number | undefined {
  const whole = elementAt(session, 0);
  if (whole?.tag !== SEQUENCE) return undefined;
  for (let at = whole.start; at < whole.end; ) {
    const member = elementAt(session, at);
    if (member === undefined) return undefined;
    if (member.tag === KEY_EXCHANGE_GROUP) return integerAt(session, member.start);
    at = member.end;
  }
  return undefined;
}

function integerAt(bytes: Uint8Array, at: number): number | undefined {
  const element = elementAt(bytes, at);
  if (element?.tag !== INTEGER) return undefined;
  return bytes.subarray(element.start, element.end).reduce((value, byte) => value * 256 + byte, 0);
}

/** One DER element with a tag of one byte: where its content starts and ends. */
function elementAt(bytes: Uint8Array, at: number): { tag: number; start: number; end: number } | undefined {
  const tag = bytes[at];
  const first = bytes[at + 1];
  if (tag === undefined || first === undefined) return undefined;
  const lengthBytes = first < LONG_FORM ? 0 : first - LONG_FORM;
  const start = at + 2 + lengthBytes;
  const length = lengthBytes === 0 ? first : bytes.subarray(at + 2, start).reduce((sum, byte) => sum * 256 + byte, 0);
  return start + length > bytes.length ? undefined : { tag, start, end: start + length };
}
