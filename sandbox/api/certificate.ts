import { generateKeyPairSync, randomBytes } from "node:crypto";

/** A certificate and its private key, both in PEM form. */
export interface Identity {
  readonly certificate: string;
  readonly key: string;
}

const DAY_MS = 24 * 3600 * 1000;
/** In forge's words for a name of the kind `iPAddress` (RFC 5280, 4.2.1.6). */
const IP_ADDRESS = 7;

/**
 * A certificate for 127.0.0.1 that is its own authority, valid for a year, with a key that was made for it and is kept nowhere.
 * It takes a moment, and so does loading what makes it: nothing does before a client asks for a cluster's address.
 */
export async function loopbackIdentity(now = Date.now()): Promise<Identity> {
  const { pki, md } = (await import("node-forge")).default;
  const { privateKey, publicKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  const certificate = pki.createCertificate();
  certificate.publicKey = pki.publicKeyFromPem(publicKey);
  // A serial number is positive: its first bit is 0.
  certificate.serialNumber = `40${randomBytes(7).toString("hex")}`;
  // A day earlier, so that a clock that was just set back doesn't matter.
  certificate.validity.notBefore = new Date(now - DAY_MS);
  certificate.validity.notAfter = new Date(now + 365 * DAY_MS);
  const name = [{ name: "commonName", value: "hybrid-gitops sandbox" }];
  certificate.setSubject(name);
  certificate.setIssuer(name);
  certificate.setExtensions([
    { name: "basicConstraints", cA: true, critical: true },
    { name: "subjectAltName", altNames: [{ type: IP_ADDRESS, ip: "127.0.0.1" }] },
  ]);
  certificate.sign(pki.privateKeyFromPem(privateKey), md.sha256.create());
  return { certificate: pki.certificateToPem(certificate), key: privateKey };
}
