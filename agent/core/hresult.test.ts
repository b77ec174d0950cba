import { describe, expect, it } from 'vitest';
import { explainFailure } from './hresult.ts';

describe('explainFailure', () => {
  it.each([
    [
      '0x80240016',
      '',
      'installation failed with 0x80240016: the installer is busy or a restart is pending; try again after the restart',
    ],
    [
      '0x800F0823',
      '',
      'installation failed with 0x800F0823: a newer servicing stack is required; install the servicing stack update first',
    ],
    [
      '0x80070643',
      'see CBS.log',
      'installation failed with 0x80070643: fatal error during installation; see the log of the installer; see CBS.log',
    ],
    ['0x8badf00d', 'so it said', 'installation failed with 0x8badf00d: so it said'],
    ['0x8badf00d', '', 'installation failed with 0x8badf00d: no further message'],
  ])('%s %s', (hresult, message, expected) => {
    expect(explainFailure(hresult, message)).toBe(expected);
  });
});
