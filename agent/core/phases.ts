/** What a cycle consists of, in its order. `scan` includes the judgement by the rules. */
export const phases = ['check-in', 'pull', 'scan', 'lookup', 'report', 'download', 'install'] as const;
export type Phase = (typeof phases)[number];
