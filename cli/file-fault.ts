const words: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  ENOTDIR: 'no such file: a part of its path is no folder',
  EISDIR: 'is a folder, not a file',
  EACCES: 'may not be read',
  EPERM: 'may not be read',
};

/**
 * What the system said of a file, in one line. Errors of system calls are told by `syscall`; Node's own mistakes, such as
 * `ERR_INVALID_ARG_TYPE`, have none.
 *
 * @returns `undefined` for faults of this program
 */
export function fileFault(error: unknown): { readonly code: string; readonly message: string } | undefined {
  if (!(error instanceof Error) || !('syscall' in error) || !('code' in error)) return undefined;
  const code = String(error.code);
  return { code, message: words[code] ?? error.message };
}
