import { type Certificate, readCertificate } from './certificates.ts';
import { AuthenticodeError } from './error.ts';
import { microsoftRoots } from './microsoft-roots.ts';

const owner = 'Microsoft Corporation';
const microsoftThumbprints: ReadonlySet<string> = new Set(
  microsoftRoots.map((root) => readCertificate(root).x509.fingerprint256),
);

/**
 * Roots of Microsoft issue certificates to publishers of its store too; an index is Microsoft's own. Of other roots,
 * which somebody configured for indexes, everybody may sign.
 * @throws AuthenticodeError `untrusted`
 */
export function checkOwner(leaf: Certificate, root: Certificate): void {
  if (!microsoftThumbprints.has(root.x509.fingerprint256) || leaf.organizations.includes(owner)) return;
  throw new AuthenticodeError('untrusted', `it was not signed by ${owner}, though Microsoft issued the certificate`);
}
