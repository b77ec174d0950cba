import { expect, it } from 'vitest';
import { readCertificate } from './certificates.ts';
import { parties } from './fixtures/files.ts';
import { microsoftRoots } from './index.ts';
import { checkOwner } from './owner.ts';

const [microsoft2011, microsoft2010] = microsoftRoots.map(readCertificate);
const other = readCertificate(parties.signer.certificate);
const otherRoot = readCertificate(parties.root.certificate);

it('under the roots of Microsoft only Microsoft signs indexes', () => {
  if (microsoft2011 === undefined || microsoft2010 === undefined) throw new Error('two roots are expected');
  expect(() => checkOwner(other, microsoft2011)).toThrow('it was not signed by Microsoft Corporation');
  // The subject of this one is Microsoft Corporation's.
  expect(() => checkOwner(microsoft2010, microsoft2011)).not.toThrow();
  expect(() => checkOwner(other, otherRoot)).not.toThrow();
});
