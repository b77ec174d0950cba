/** The people of the embedded provider. They are made up and have no passwords: whoever reaches the login page is one of them. */
export interface Person {
  /** What one logs in as; also the claim `sub`. */
  readonly username: string;
  readonly name: string;
  readonly email: string;
  /** Group of the user pool, which is the role. */
  readonly group: string;
}

export const people: readonly Person[] = [
  { username: 'viewer', name: 'Vera Viewer', email: 'viewer@example.org', group: 'viewer' },
  { username: 'operator', name: 'Oscar Operator', email: 'operator@example.org', group: 'operator' },
  {
    username: 'administrator',
    name: 'Ada Administrator',
    email: 'administrator@example.org',
    group: 'administrator',
  },
];

export const personOf = (username: string | undefined): Person | undefined =>
  people.find((person) => person.username === username);
