/**
 * What a cycle consists of, in its order. `trust` looks for a newer version of the signed repository, which has rules and the
 * digest of the index; `scan` includes the judgement by the rules.
 */
export const phases = ['check-in', 'trust', 'pull', 'scan', 'lookup', 'report', 'download', 'install'] as const;
export type Phase = (typeof phases)[number];
