/** Why a store call failed. `conflict`: somebody else changed it first. `corrupt`: stored data does not parse. */
export type StoreErrorCode = 'conflict' | 'not-found' | 'corrupt' | 'refused';

/** Failure of a store that a caller can decide on; what is not of these kinds stays the SDK's own error. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
