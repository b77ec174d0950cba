import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packCab, packIndex } from '#test/kit/pack-slice.ts';
import { core, guid, packageXml, update } from '#test/kit/sound-index.ts';
import { printLines, printTable } from './io.ts';
import { main } from './main.ts';
import { printable } from './printable.ts';
import { testProfile } from './testing/api.ts';
import { hostSummaryOf, hostsPageOf } from './testing/values.ts';

/** Clears a terminal, begins another line, turns what follows around, and sets a colour by a C1 control. */
const evil = 'a\u001b[2J\nPublish   yes\u202eb\u2028\u009b31m\u007f';
const shown = 'a\\x1b[2J\\x0aPublish   yes\\u202eb\\u2028\\x9b31m\\x7f';
/** Line ends are what lines are made of. */
const obeyed = /[^\P{Cc}\n]|[\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

describe('printable', () => {
  it('shows what a terminal would obey', () => expect(printable(evil)).toBe(shown));

  it.each(['\t', '\r', '\0', '\u0085', '\u2029', '\u061c', '\u200e', '\u200f', '\u202a', '\u2066', '\u2069'])(
    'leaves nothing of %j',
    (mark) => expect(printable(`a${mark}b`)).toMatch(/^a\\(x[0-9a-f]{2}|u[0-9a-f]{4})b$/),
  );

  it('leaves other texts as they are, and what it made', () => {
    for (const text of ['', 'Update für “Windows” – 更新 (KB5101650) 😀', 'c:\\windows\\x', shown]) {
      expect(printable(text)).toBe(text);
    }
  });
});

describe('text for people', () => {
  const printed = (print: (io: { stdout: { write(text: string): unknown } }) => void): string => {
    let out = '';
    print({ stdout: { write: (text: string) => (out += text) } });
    return out;
  };

  it('is one line for a line, and nothing for none', () => {
    expect(printed((io) => printLines(io, [evil, '', 'b']))).toBe(`${shown}\n\nb\n`);
    expect(printed((io) => printLines(io, []))).toBe('');
  });

  it('is one row for a row, as wide as it looks', () => {
    expect(printed((io) => printTable(io, ['A', 'B'], [['\n', 'c']]))).toBe('A     B\n\\x0a  c\n');
  });
});

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kbroker-printable-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function run(...args: readonly string[]) {
  const printed = { stdout: '', stderr: '' };
  const stream = (name: keyof typeof printed) => ({
    write: (text: string): void => {
      printed[name] += text;
    },
  });
  const exitCode = await main(args, { stdout: stream('stdout'), stderr: stream('stderr'), env: {} });
  expect(printed.stdout).not.toMatch(obeyed);
  expect(printed.stderr).not.toMatch(obeyed);
  return { exitCode, ...printed };
}

describe('what a file says', () => {
  const path = async (name: string, bytes: Uint8Array): Promise<string> => {
    await writeFile(join(folder, name), bytes);
    return join(folder, name);
  };
  const title = evil.replace('\u001b', '').replace('&', '');
  const index = (id: number): Uint8Array =>
    packIndex({
      packageXml: packageXml(update({ id })),
      shards: [
        {
          rangeStart: 0,
          members: {
            [`c/${id}`]: core(id),
            [`x/${id}`]: '<ExtendedProperties><SecurityBulletinID>\u202e1</SecurityBulletinID></ExtendedProperties>',
            [`l/en/${id}`]: `<LocalizedProperties><Title>${title}</Title></LocalizedProperties>`,
            [`evil${evil}`]: 'x',
          },
        },
      ],
    });

  it('is shown by "index inspect", and adds no line', async () => {
    const file = await path('a.cab', index(20));
    const { stdout } = await run('index', 'inspect', file);
    expect(stdout).toContain(`no KB  unrated  ${printable(title)}\n`);
    expect(stdout).toMatch(/^Skipped {3}evil.*\\x1b.*: 1 members of no known kind$/m);
    expect(stdout.match(/^Publish/gm)).toHaveLength(1);
    const one = await run('index', 'inspect', file, '--update', guid(20));
    expect(one.stdout).toContain('  bulletins    \\u202e1\n');
  });

  it('is shown by "index diff"', async () => {
    const { stdout } = await run('index', 'diff', await path('a.cab', index(20)), await path('b.cab', index(21)));
    expect(stdout).toContain(printable(title));
  });

  it('is shown when it is no index', async () => {
    const { exitCode, stderr } = await run('index', 'inspect', await path('c.cab', packCab({ [`${evil}.txt`]: 'x' })));
    expect(exitCode).toBe(1);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  it('is shown by "cab list" and "cab extract"', async () => {
    const file = await path('d.cab', packCab({ 'a\u202etxt.exe': 'x' }));
    expect((await run('cab', 'list', file)).stdout).toContain('a\\u202etxt.exe\n');
    expect((await run('cab', 'extract', file, '--to', join(folder, 'to'))).stdout).toContain('a\\u202etxt.exe\n');
  });
});

describe('a file that cannot be read', () => {
  it.each([
    ['index', 'inspect'],
    ['cab', 'hash'],
  ])('"%s %s" says so in one line, whatever the system says', async (...command) => {
    await writeFile(join(folder, 'file'), 'x');
    const below = await run(...command, join(folder, 'file', 'below'));
    expect(below.exitCode).toBe(1);
    expect(below.stderr).toMatch(/^kbroker: .*below: no such file: a part of its path is no folder\n$/);
    const long = await run(...command, join(folder, 'x'.repeat(300)));
    expect(long.exitCode).toBe(1);
    expect(long.stderr).toMatch(/^kbroker: .*: ENAMETOOLONG.*\n$/);
    const impossible = await run(...command, `${folder}\u001b`);
    expect(impossible.stderr).toMatch(/\\x1b: no such file\n$/);
  });
});

describe('what the API answers', () => {
  let server: Server;
  let answer: { status: number; body: unknown };
  beforeAll(async () => {
    server = createServer((_, response) => {
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await writeFile(join(folder, 'operator.json'), JSON.stringify(testProfile(`http://127.0.0.1:${port}`)));
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));
  const ask = (...args: readonly string[]) => run('--profile-file', join(folder, 'operator.json'), ...args);

  it('is shown when it is a problem', async () => {
    answer = { status: 404, body: { type: 'about:blank', title: evil, status: 404, detail: evil, code: 'not-found' } };
    const { stderr } = await ask('updates', 'show', guid(1));
    expect(stderr).toBe(`kbroker: ${shown}: ${shown}\n`);
  });

  it('is named in one line when it has an unknown form', async () => {
    answer = { status: 200, body: {} };
    const { stderr } = await ask('status');
    expect(stderr).toMatch(
      /^kbroker: http:\/\/127\.0\.0\.1:\d+ answered in a form this version does not know: version: .+\n$/,
    );
  });

  it('is shown in tables, and so are keys of rows that it cannot read', async () => {
    const row = hostSummaryOf('m', { hostname: evil, os: evil });
    answer = { status: 200, body: hostsPageOf([row], { unreadable: [evil] }) };
    const { stdout, stderr } = await ask('hosts', 'list');
    expect(stdout).toContain(shown);
    expect(stderr).toMatch(/\nunreadable row in the store: [^\n]+\n$/);
    expect(stderr).toContain(`: ${shown}\n`);
  });

  it('is told in one line what rules are none', async () => {
    const rules = { defaultAllow: true, allowedKbs: [], forbiddenKbs: [], allowedSeverities: [] };
    answer = { status: 200, body: { version: 1, revision: 0, ...rules } };
    const { stderr } = await ask('rules', 'set', '--allow-severity', `Worst${evil}`);
    expect(stderr).toMatch(/^kbroker: not a severity: got "Worst/);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });
});
