export { AuthenticodeError, type AuthenticodeErrorCode } from './error.ts';
export { microsoftRoots, microsoftRootsPem } from './microsoft-roots.ts';
export { parseRoots, type TrustPolicy } from './policy.ts';
export { AuthenticodeReader, type AuthenticodeReaderOptions } from './reader.ts';
export { type DigestAlgorithm, describeSignature, type SignatureState, type SignerFacts } from './state.ts';
