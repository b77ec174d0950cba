/**
 * What a cycle consists of, in its order. `trust` looks for a newer version of the signed repository, which has rules and the
 * digest of the index; `scan` includes the judgement by the rules.
 */
export const phases = ['check-in', 'trust', 'pull', 'scan', 'lookup', 'report', 'download', 'install'] as const;
export type Phase = (typeof phases)[number];

/** Phases that need the broker or the repository. */
export const online: ReadonlySet<Phase> = new Set(['check-in', 'trust', 'pull', 'lookup', 'report', 'download']);

/** Phases that only hear of news; a cycle of nothing else does the rest when there are some. */
export const hearing: ReadonlySet<Phase> = new Set(['check-in', 'trust']);
