/**
 * Why a run ended without a verdict on the index.
 *
 * - `time-limit`: the invocation's time was over before the index was read and published.
 * - `bytes-changed`: what was decoded, or is stored, is not what was verified.
 */
export type SyncErrorCode = 'time-limit' | 'bytes-changed';

/** The one error of this function; what stores and Microsoft's hosts throw passes through. */
export class SyncError extends Error {
  override readonly name = 'SyncError';
  readonly code: SyncErrorCode;

  constructor(code: SyncErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
