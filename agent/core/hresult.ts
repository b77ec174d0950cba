/**
 * What an error code of an installation means and what to do about it, in our words, after Microsoft's "Windows Update
 * error codes by component" (learn.microsoft.com, windows-update-error-reference). Keys are lower case.
 */
const meanings: Readonly<Record<string, string>> = {
  '0x80070002': 'a file was not found; download it again',
  '0x80070422': 'the Windows Update service is disabled or stopped; start it for the run',
  '0x80070643': 'fatal error during installation; see the log of the installer',
  '0x8007000e': 'out of memory; try again when the machine is idle',
  '0x80240016': 'the installer is busy or a restart is pending; try again after the restart',
  '0x80240019': 'an exclusive update must be installed alone',
  '0x80240022': 'all updates of the batch failed; see the code of each',
  '0x80240024': 'there was nothing to do',
  '0x80240025': 'a policy blocks access to Windows Update',
  '0x8024002e': 'a policy blocks access to unmanaged servers',
  '0x8024002f': 'a policy blocks access to Windows Update',
  '0x80240034': 'the download failed; fetch the files again',
  '0x80240035': 'the update was not processed',
  '0x80242014': 'a restart is still pending',
  '0x80246002': 'the digest of a file is wrong; download it again',
  '0x800f0823': 'a newer servicing stack is required; install the servicing stack update first',
};

/** One sentence for a failed installation: the code, its meaning if known, and what the installer said. */
export function explainFailure(hresult: string, message: string): string {
  const meaning = meanings[hresult.toLowerCase()];
  const said = message === '' || message === meaning ? [] : [message];
  return `installation failed with ${hresult}: ${[...(meaning === undefined ? [] : [meaning]), ...said].join('; ') || 'no further message'}`;
}
