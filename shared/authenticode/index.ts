export { AuthenticodeError } from './error.ts';
export { microsoftRoots, microsoftRootsPem } from './microsoft-roots.ts';
export { parseRoots, type TrustPolicy } from './policy.ts';
export { AuthenticodeReader } from './reader.ts';
export { describeSignature, type SignatureState } from './state.ts';
