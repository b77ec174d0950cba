import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { conditionNames } from './form.ts';
import { laterSettings } from './later-settings.ts';
import { readPackage } from './read-package.ts';

const read = (name: string): Promise<string> => readFile(new URL(`../../docs/${name}`, import.meta.url), 'utf8');
const text = await read('rules.md');
/** The file that editors read, as one of them would: by what it says, and not by what it was made of. */
const document = JSON.parse(await read('rule-package.schema.json'));
const schema = z.fromJSONSchema(document);
const fits = (yaml: string): boolean => schema.safeParse(parse(yaml)).success;
const examples = [...text.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, yaml = '']) => yaml);

describe('docs/rules.md', () => {
  it('has examples', () => {
    expect(examples.length).toBeGreaterThan(6);
  });

  it.each(examples)('has one that the reader and the schema take: %s', (yaml) => {
    expect(readPackage(yaml)).toMatchObject({ success: true });
    expect(fits(yaml)).toBe(true);
  });

  it('names every condition and setting', () => {
    const { properties } = document;
    const settings = Object.keys(properties.settings.properties);
    const fields = Object.keys(properties.rules.items.properties);
    const missing = [...fields, ...settings].filter((name) => !text.includes(`\`${name}\``));
    expect(missing).toEqual([]);
    for (const name of settings) expect(text).toContain(`| \`${name}\` | 0.1.0 |`);
  });

  it('names every option of WAPT that has no place in a package', () => {
    const missing = [...laterSettings.keys()].filter((name) => !text.includes(name));
    expect(missing).toEqual([]);
  });
});

describe('docs/rule-package.schema.json', () => {
  it('lets no rule be without a condition', () => {
    // Zod reads no `required` beside nothing else, so this is held as it stands.
    const { anyOf } = document.properties.rules.items;
    expect(anyOf).toEqual(conditionNames.map((name) => ({ required: [name] })));
    expect([rule(''), rule('comment: nothing')].map((yaml) => readPackage(yaml).success)).toEqual([false, false]);
  });

  const rule = (fields: string): string => `{name: a, rules: [{effect: hold, ${fields}}]}`;
  it.each([
    '{}',
    '{name: A}',
    '{name: a, colour: red}',
    '{name: a, priority: 1001}',
    '{name: a, priority: 0.5}',
    '{name: a, rules: [{kb: KB5034441}]}',
    rule('kb: KB12'),
    rule('kb: []'),
    rule('kb: 7'),
    rule('update: KB5034441'),
    rule("product: ''"),
    rule('severity: critical'),
    rule('title: [a]'),
    rule('age: 7d'),
    rule("age: ['>1d', '<2d', '<3d']"),
    rule("size: '>1'"),
    rule('reboot: maybe'),
    rule('kb: KB5034441, expires: tomorrow'),
    rule('kb: KB5034441, expires: 2026-02-30'),
    '{name: a, wapt: {allowed_severities: [Unspecified]}}',
    '{name: a, wapt: {allowed_colours: [red]}}',
    '{name: a, settings: {enabled: 1}}',
    '{name: a, settings: {filter: x}}',
    '{name: a, settings: {install_delay: 1 week}}',
    '{name: a, settings: {install_delay: -1}}',
    '{name: a, settings: {install_delay_by_severity: {High: 1d}}}',
  ])('refuses what the reader refuses: %s', (yaml) => {
    expect([readPackage(yaml).success, fits(yaml)]).toEqual([false, false]);
  });

  it.each([
    rule("age: ['>2d', '<1d']"),
    rule("size: ['>1GB', '>2GB']"),
    '{name: a, settings: {install_delay: 99999d}}',
  ])('cannot say what the reader says besides: %s', (yaml) => {
    expect([readPackage(yaml).success, fits(yaml)]).toEqual([false, true]);
  });
});
