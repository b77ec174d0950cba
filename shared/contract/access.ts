/**
 * Who may call what. Each row of an endpoint table names one of these; docs/api.md, the synthesis and the security suite
 * read them from there. A row without one is refused by the function and fails the synthesis.
 */

/** Roles of people, each with all that the ones before it may do. */
export const roles = ['viewer', 'operator', 'administrator'] as const;
export type Role = (typeof roles)[number];

/**
 * `enrolment-token`: whoever holds a token that is good, with a key of their own. `host`: an enrolled host, for itself
 * only. A role: people who have it or a higher one.
 */
export type Access = 'enrolment-token' | 'host' | Role;

/** True for a role that is allowed what `needed` is. */
export const mayAct = (role: Role, needed: Role): boolean => roles.indexOf(role) >= roles.indexOf(needed);
