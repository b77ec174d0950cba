import { createHash } from 'node:crypto';
import type { Person } from './people.ts';

const style = `
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 4rem auto; padding: 0 1rem; color: #1b1f24; }
button { display: block; width: 100%; margin: 0.75rem 0; padding: 0.75rem 1rem; font: inherit; text-align: left; cursor: pointer; }
button span { display: block; color: #57606a; }
`;

const digest = createHash('sha256').update(style).digest('base64');

/** No script, no foreign content; forms go to this provider, and its answer to a port of this machine. */
export const loginPageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy':
    `default-src 'none'; style-src 'sha256-${digest}'; base-uri 'none'; frame-ancestors 'none'; ` +
    "form-action 'self' http://localhost:* http://127.0.0.1:*",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;

export interface LoginPage {
  readonly people: readonly Person[];
  /** Who this browser was before. */
  readonly current: Person | undefined;
  /** The name that nobody here has, when one was asked for. */
  readonly unknown: string | undefined;
}

/** Asks who one wants to be. */
export function loginPage({ people, current, unknown }: LoginPage): string {
  const notes = [
    ...(unknown === undefined ? [] : [`Nobody here is called ${unknown}.`]),
    ...(current === undefined ? [] : [`This browser is ${current.name} (${current.group}).`]),
  ];
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>kbroker: log in</title><style>${style}</style></head>
<body>
<h1>Who are you?</h1>
<p>The people of this broker on your own machine are made up, and none has a password.</p>
${notes.map((note) => `<p><strong>${escaped(note)}</strong></p>`).join('\n')}
<form method="post">
${people.map(button).join('\n')}
</form>
</body>
</html>
`;
}

const button = ({ username, name, group, email }: Person): string =>
  `<button name="username" value="${escaped(username)}">${escaped(name)}<span>${escaped(group)}, ${escaped(email)}</span></button>`;

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? '');
