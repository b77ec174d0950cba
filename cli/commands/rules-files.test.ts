import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageJsonSchema } from '../rules/form.ts';
import { readPackage } from '../rules/read-package.ts';
import { run } from '../testing/api.ts';
import { openFiles, type TestFiles } from '../testing/rules.ts';

let files: TestFiles;
beforeAll(async () => {
  files = await openFiles();
});
afterAll(() => files.close());

const ini =
  '[global]\nrepo_url = x\n[waptwua]\nenabled = 1\ndefault_allow = 0\nallowed_kbs = KB5034441\ninstall_delay = 7\ncolour = red\n';
const imported = {
  name: 'wapt',
  priority: 0,
  rules: [],
  wapt: { allowedKbs: ['5034441'] },
  settings: { enabled: true, defaultAllow: false, installDelaySeconds: 604_800 },
};
const notes = [
  'section [global] was not read: it is not about updates',
  'not taken over: colour = red (line 8): not an option that is known',
];

describe('kbroker rules import', () => {
  it('prints a package that rules put takes, and names what it does not carry there and on stderr', async () => {
    const file = await files.write('wapt-get.ini', ini);
    const { exitCode, stdout, stderr } = await run(['rules', 'import', file]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: notes.map((note) => `${file}: ${note}\n`).join('') });
    expect(stdout).toBe(`# ${notes[0]}
# ${notes[1]}
name: wapt
priority: 0
wapt:
  allowed_kbs: [KB5034441]
settings:
  enabled: true
  default_allow: false
  install_delay: 7d
`);
    expect(readPackage(stdout)).toEqual({ success: true, package: imported });
  });

  it('writes a new file, and never over one that is there', async () => {
    const file = await files.write('wapt-get.ini', ini);
    const out = files.path('out.yaml');
    const { exitCode, stdout } = await run(['rules', 'import', file, '--name', 'pilot', '--out', out]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: `${out} is written\n` });
    const text = await readFile(out, 'utf8');
    expect(readPackage(text)).toEqual({ success: true, package: { ...imported, name: 'pilot' } });
    const again = await run(['rules', 'import', file, '--out', out]);
    expect(again).toMatchObject({ exitCode: 1, stdout: '' });
    expect(again.stderr).toContain(`kbroker: ${out}: is there already, and is not written over\n`);
    expect(await readFile(out, 'utf8')).toBe(text);
  });

  it('gives scripts the package and the notes', async () => {
    const file = await files.write('rules.json', '{"allowed_kbs": "KB5034441", "colour": 1}');
    const { stdout } = await run(['rules', 'import', file, '--json']);
    expect(JSON.parse(stdout)).toEqual({
      version: 1,
      package: { name: 'wapt', priority: 0, rules: [], wapt: { allowedKbs: ['5034441'] } },
      notes: ['not taken over: colour = 1: not an option that is known'],
    });
  });

  it('tells all faults with their lines', async () => {
    const file = await files.write('bad.ini', '[waptwua]\nenabled = maybe\nallowed_kbs = KB1\n');
    const { exitCode, stdout, stderr } = await run(['rules', 'import', file]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(`${file}: line 2: enabled: `);
    expect(stderr).toContain(`${file}: line 3: allowed_kbs: not a KB number`);
    expect(stderr).toContain(`kbroker: ${file} was not taken over\n`);
  });

  it.each([
    [['--name', 'Wapt'], 2, 'not a name of a rule package: got "Wapt"'],
    [[], 1, 'missing.ini: no such file'],
  ])('refuses %j', async (args, code, message) => {
    const { exitCode, stderr } = await run(['rules', 'import', files.path('missing.ini'), ...args]);
    expect(exitCode).toBe(code);
    expect(stderr).toContain(message);
  });
});

describe('kbroker rules schema', () => {
  it('prints what stands in docs/rule-package.schema.json', async () => {
    const { exitCode, stdout } = await run(['rules', 'schema']);
    const file = await readFile(new URL('../../docs/rule-package.schema.json', import.meta.url), 'utf8');
    const hint =
      'run `npx kbroker rules schema > docs/rule-package.schema.json`, `npm run format`, and commit what they wrote';
    expect(JSON.parse(stdout), hint).toEqual(JSON.parse(file));
    expect(exitCode).toBe(0);
    expect(JSON.parse((await run(['rules', 'schema', '--json'])).stdout)).toEqual(packageJsonSchema());
  });
});
