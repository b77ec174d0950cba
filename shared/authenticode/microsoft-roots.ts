/** Roots of Microsoft that its indexes are signed under, DER. */
export const microsoftRoots: readonly Uint8Array[] = [];
