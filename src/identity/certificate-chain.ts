/**
 * Certificate chains of attestation documents (RFC 5280, 6.1, as far as attestation_process.md of the NSM API, section 3.2.3,
 * asks for it): from a trusted root to the key that signed the document. Revocation lists aren't consulted, as AWS says.
 */

import { createHash, type KeyObject, X509Certificate } from "node:crypto";
import { AsnConvert } from "@peculiar/asn1-schema";
import {
  BasicConstraints,
  Certificate,
  id_ce_basicConstraints,
  id_ce_keyUsage,
  KeyUsage,
  KeyUsageFlags,
} from "@peculiar/asn1-x509";
import { AttestationError } from "./attestation-document.ts";

/**
 * Root, intermediates and leaf together. AWS's chains have five; each more is a signature to verify before the request is
 * known to come from anybody's hypervisor.
 */
const CERTIFICATES_MAX = 8;
/** The Nitro PKI signs with ECDSA and SHA-384 under P-384 keys throughout. */
const ECDSA_WITH_SHA384 = "1.2.840.10045.4.3.3";
const CURVE = "secp384r1";
/** How many certificates are remembered; a module's chain has five, most of them its neighbours' too. */
const REMEMBERED_MAX = 4_000;

/** One certificate, read by OpenSSL and, for what Node doesn't tell, by its extensions. */
export interface Link {
  readonly x509: X509Certificate;
  readonly publicKey: KeyObject;
  /** Milliseconds since the epoch; NaN, which no time is after, for what is no date. */
  readonly validFrom: number;
  readonly validTo: number;
  readonly isCa: boolean;
  /** How many CA certificates may follow. */
  readonly pathLength: number | undefined;
  readonly signsCertificates: boolean;
  readonly signsDocuments: boolean;
}

/** A chain whose certificates certify each other, from a trusted root on. */
export interface VerifiedChain {
  /** The leaf's, of P-384. */
  readonly publicKey: KeyObject;
  /** When all of its certificates are valid, in milliseconds since the epoch. */
  readonly validFrom: number;
  readonly validTo: number;
}

/** @throws AttestationError a certificate of the chain, the root's included, is not valid at `now` (ms since the epoch) */
export function requireValidAt({ validFrom, validTo }: VerifiedChain, now: number): void {
  if (validFrom <= now && now <= validTo) return;
  throw new AttestationError("a certificate of its chain is expired or not valid yet");
}

/**
 * Certificates that a trusted root has certified, itself or through others.
 *
 * Reading one and verifying its signature takes milliseconds in which nobody else is served, and the same few come with every
 * document of a zone. What doesn't verify isn't remembered, so a request costs at most one certificate and signature in vain.
 */
export class KnownCertificates {
  /** By SHA-256 of the DER, oldest first, with that of the issuer. */
  readonly #certificates = new Map<string, { readonly link: Link; readonly issuer: string | undefined }>();

  /**
   * Reads a chain and verifies that each certificate certifies the next. The first is trusted as it is.
   *
   * @throws AttestationError one can't be read, may not do what it does here, or was not issued by the one before
   */
  verify(chain: readonly Uint8Array[]): readonly Link[] {
    const links: Link[] = [];
    let issuer: { readonly name: string; readonly link: Link } | undefined;
    for (const der of chain) {
      const name = createHash("sha256").update(der).digest("hex");
      const known = this.#certificates.get(name);
      const link = known?.link ?? readLink(der);
      if (known === undefined || known.issuer !== issuer?.name) {
        if (issuer !== undefined && !isIssuedBy(link, issuer.link)) {
          throw new AttestationError("its certificates do not certify each other");
        }
        this.#remember(name, link, issuer?.name);
      }
      links.push(link);
      issuer = { name, link };
    }
    requireUsage(links);
    return links;
  }

  #remember(name: string, link: Link, issuer: string | undefined): void {
    this.#certificates.delete(name);
    const [oldest] = this.#certificates.keys();
    if (oldest !== undefined && this.#certificates.size >= REMEMBERED_MAX) this.#certificates.delete(oldest);
    this.#certificates.set(name, { link, issuer });
  }
}

/**
 * Verifies a chain, at whatever time its certificates are valid.
 *
 * @param chain DER certificates, the root first and the leaf last
 * @param roots DER of the trusted roots, trusted as they are: `parseRoots` has looked at them
 * @throws AttestationError the first is not a trusted root, or what follows does not chain to it
 */
export function verifyChain(
  chain: readonly Uint8Array[],
  roots: readonly Uint8Array[],
  known: KnownCertificates,
): VerifiedChain {
  const [root] = chain;
  if (root === undefined || !roots.some((trusted) => Buffer.compare(trusted, root) === 0)) {
    throw new AttestationError("its certificate chain does not begin with a trusted root");
  }
  if (chain.length > CERTIFICATES_MAX) {
    throw new AttestationError(`its certificate chain has more than ${CERTIFICATES_MAX} certificates`);
  }
  const links = known.verify(chain);
  const leaf = links.at(-1);
  if (leaf === undefined) throw new Error("A chain with a root has no certificate");
  return {
    publicKey: leaf.publicKey,
    validFrom: Math.max(...links.map(({ validFrom }) => validFrom)),
    validTo: Math.min(...links.map(({ validTo }) => validTo)),
  };
}

/**
 * Reads the roots in a PEM text.
 *
 * @returns DER of each
 * @throws Error there is none, or one that isn't the root of such a chain: self-signed, P-384, allowed to sign certificates
 */
export function parseRoots(pem: string): readonly Uint8Array[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g);
  if (blocks === null) throw new Error("There is no certificate in PEM form");
  return blocks.map((block) => {
    const der = new Uint8Array(new X509Certificate(block).raw);
    const link = readLink(der);
    if (!mayIssue(link, 0, [link]) || !isIssuedBy(link, link)) {
      throw new Error("A certificate is not self-signed, or may not sign certificates");
    }
    return der;
  });
}

function requireUsage(links: readonly Link[]): void {
  const leaf = links.at(-1);
  if (leaf === undefined || !isLeaf(leaf) || !links.slice(0, -1).every(mayIssue)) {
    throw new AttestationError("a certificate of its chain may not be used as it is");
  }
}

/** Names, key identifiers and signature; what OpenSSL can't make sense of is not issued by anybody. */
function isIssuedBy({ x509 }: Link, issuer: Link): boolean {
  try {
    return x509.checkIssued(issuer.x509) && x509.verify(issuer.publicKey);
  } catch {
    return false;
  }
}

/** An end entity: no CA, no path length (attestation_process.md, 3.2.3.3). */
function isLeaf({ isCa, pathLength, signsDocuments }: Link): boolean {
  return !isCa && pathLength === undefined && signsDocuments;
}

function mayIssue({ isCa, pathLength, signsCertificates }: Link, index: number, issuers: readonly Link[]): boolean {
  const following = issuers.length - 1 - index;
  return isCa && signsCertificates && (pathLength === undefined || following <= pathLength);
}

function readLink(der: Uint8Array): Link {
  const { x509, publicKey } = readX509(der);
  const { asymmetricKeyType, asymmetricKeyDetails } = publicKey;
  if (asymmetricKeyType !== "ec" || asymmetricKeyDetails?.namedCurve !== CURVE) throw unreadable();
  const { signatureAlgorithm, tbsCertificate } = parse(der, Certificate);
  const algorithms = [signatureAlgorithm, tbsCertificate.signature];
  if (algorithms.some(({ algorithm }) => algorithm !== ECDSA_WITH_SHA384)) throw unreadable();
  const extensions = new Map(tbsCertificate.extensions?.map((extension) => [extension.extnID, extension]));
  if (extensions.size !== (tbsCertificate.extensions?.length ?? 0)) throw unreadable();
  const known = [id_ce_basicConstraints, id_ce_keyUsage];
  if ([...extensions].some(([id, { critical }]) => critical && !known.includes(id))) throw unreadable();
  const constraints = extensions.get(id_ce_basicConstraints);
  const { cA, pathLenConstraint } =
    constraints === undefined ? new BasicConstraints() : parse(constraints.extnValue.buffer, BasicConstraints);
  const keyUsage = extensions.get(id_ce_keyUsage);
  const usage = keyUsage === undefined ? 0 : parse(keyUsage.extnValue.buffer, KeyUsage).toNumber();
  return {
    x509,
    publicKey,
    validFrom: x509.validFromDate.getTime(),
    validTo: x509.validToDate.getTime(),
    isCa: cA && constraints?.critical === true,
    pathLength: pathLenConstraint,
    signsCertificates: (usage & KeyUsageFlags.keyCertSign) !== 0,
    signsDocuments: (usage & KeyUsageFlags.digitalSignature) !== 0,
  };
}

/** OpenSSL also reads PEM and what precedes other bytes: the certificate must be all of `der`. */
function readX509(der: Uint8Array): Pick<Link, "x509" | "publicKey"> {
  try {
    const x509 = new X509Certificate(der);
    if (Buffer.compare(x509.raw, der) === 0) return { x509, publicKey: x509.publicKey };
  } catch (cause) {
    throw unreadable({ cause });
  }
  throw unreadable();
}

function parse<T>(der: Uint8Array | ArrayBuffer, type: new () => T): T {
  try {
    return AsnConvert.parse(der, type);
  } catch (cause) {
    throw unreadable({ cause });
  }
}

function unreadable(options?: ErrorOptions): AttestationError {
  return new AttestationError("a certificate of its chain is not one that the Nitro PKI issues", options);
}
