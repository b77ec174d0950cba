import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign, X509Certificate } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bits, context, integer, octets, oid, sequence, set, time, utf8, yes } from './der.ts';

/**
 * Certificates for the real names of Microsoft's hosts, signed by an authority that exists in this data folder only
 * (RFC 5280). Written with node:crypto: the usual library needs a polyfill of the global Reflect object.
 */
export interface Identity {
  /** PEM file of the authority, for those who shall trust it. */
  readonly caFile: string;
  /** PEM. */
  readonly certificate: string;
  /** PEM. */
  readonly key: string;
}

const yearMilliseconds = 365 * 24 * 3600 * 1000;
const renewBeforeMilliseconds = 30 * 24 * 3600 * 1000;

/**
 * The identity in this folder, made at the first call, and again when it nears its end or lacks a host. The
 * authority's private key is thrown away once it has signed: nobody can sign anything else that its users would trust.
 */
export async function identityIn(folder: string, hosts: readonly string[], now: Date): Promise<Identity> {
  const caFile = join(folder, 'ca.pem');
  const identityFile = join(folder, 'server.pem');
  const kept = await usable(caFile, identityFile, hosts, now);
  if (kept) return kept;
  const made = makeIdentity(hosts, now);
  await mkdir(folder, { recursive: true });
  // The authority first: a pair that does not fit together is made anew at the next start.
  await replace(caFile, made.ca, 0o644);
  await replace(identityFile, `${made.certificate}${made.key}`, 0o600);
  return { caFile, certificate: made.certificate, key: made.key };
}

async function usable(
  caFile: string,
  identityFile: string,
  hosts: readonly string[],
  now: Date,
): Promise<Identity | undefined> {
  const read = (file: string): Promise<string | undefined> =>
    readFile(file, 'utf8').catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    });
  const [caPem, identity] = [await read(caFile), await read(identityFile)];
  const split = identity?.indexOf('-----BEGIN PRIVATE KEY') ?? -1;
  if (caPem === undefined || identity === undefined || split < 0) return undefined;
  const certificate = identity.slice(0, split);
  try {
    const [ca, server] = [new X509Certificate(caPem), new X509Certificate(certificate)];
    const lasts = new Date(server.validTo).getTime() - now.getTime() > renewBeforeMilliseconds;
    const fits = server.verify(ca.publicKey) && hosts.every((host) => server.checkHost(host) !== undefined);
    return lasts && fits ? { caFile, certificate, key: identity.slice(split) } : undefined;
  } catch {
    // Damaged files are as good as none.
    return undefined;
  }
}

async function replace(file: string, content: string, mode: number): Promise<void> {
  await writeFile(`${file}.new`, content, { mode });
  await rename(`${file}.new`, file);
}

const ecdsaWithSha256 = sequence(oid('1.2.840.10045.4.3.2'));
const name = (commonName: string): Buffer => sequence(set(sequence(oid('2.5.4.3'), utf8(commonName))));
const extension = (id: string, critical: boolean, value: Uint8Array): Buffer =>
  sequence(oid(id), ...(critical ? [yes()] : []), octets(value));

interface Party {
  readonly name: Buffer;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

function makeIdentity(hosts: readonly string[], now: Date): { ca: string; certificate: string; key: string } {
  const party = (commonName: string): Party => ({
    name: name(commonName),
    ...generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  });
  const ca = party(`kbroker fake Microsoft ${randomBytes(4).toString('hex')}`);
  const server = party(hosts[0] ?? 'localhost');
  const caPem = certificateOf(ca, ca, now, [
    extension('2.5.29.19', true, sequence(yes())),
    // keyCertSign
    extension('2.5.29.15', true, bits(Buffer.from([0x04]), 2)),
    // Even a stolen copy could speak for these names only.
    extension('2.5.29.30', true, sequence(context(0, Buffer.concat(hosts.map((host) => sequence(dnsName(host))))))),
  ]);
  const serverPem = certificateOf(server, ca, now, [
    extension('2.5.29.17', false, sequence(...hosts.map(dnsName))),
    // digitalSignature
    extension('2.5.29.15', true, bits(Buffer.from([0x80]), 7)),
    // serverAuth
    extension('2.5.29.37', false, sequence(oid('1.3.6.1.5.5.7.3.1'))),
  ]);
  const key = server.privateKey.export({ type: 'pkcs8', format: 'pem' });
  return { ca: caPem, certificate: serverPem, key: key.toString() };
}

const dnsName = (host: string): Buffer => context(2, Buffer.from(host, 'ascii'), false);

function certificateOf(subject: Party, issuer: Party, now: Date, extensions: readonly Buffer[]): string {
  const spki = subject.publicKey.export({ type: 'spki', format: 'der' });
  const keyId = (party: Party): Buffer =>
    createHash('sha1')
      .update(party.publicKey.export({ type: 'spki', format: 'der' }))
      .digest();
  const body = sequence(
    context(0, integer(Buffer.from([2]))),
    integer(randomBytes(16)),
    ecdsaWithSha256,
    issuer.name,
    sequence(time(new Date(now.getTime() - 24 * 3600 * 1000)), time(new Date(now.getTime() + 5 * yearMilliseconds))),
    subject.name,
    spki,
    context(
      3,
      sequence(
        ...extensions,
        extension('2.5.29.14', false, octets(keyId(subject))),
        extension('2.5.29.35', false, sequence(context(0, keyId(issuer), false))),
      ),
    ),
  );
  const signed = sequence(body, ecdsaWithSha256, bits(sign('sha256', body, issuer.privateKey)));
  const lines = signed.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
