import type { Role } from '#shared/contract/access.ts';

/** A person who was let in, as the broker understood who it is. */
export interface Person {
  /** `sub` at the identity provider. */
  readonly subject: string;
  /** For people: e-mail address or user name. */
  readonly name: string;
  readonly role: Role;
}
