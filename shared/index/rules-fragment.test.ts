import { readdirSync, readFileSync } from 'node:fs';
import { SaxesParser } from 'saxes';
import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import type { ApplicabilityRules, Rule } from '#shared/core/catalog/applicability/model.ts';
import { haveSamples, sample } from '#test/kit/samples.ts';
import { RulesBuilder } from './rules-fragment.ts';

/**
 * Drives the builder by a parser that others wrote, with all tags inside ApplicabilityRules.
 *
 * @param heedSkip pass over what the builder does not want
 */
function build(fragment: string, heedSkip = false): ApplicabilityRules {
  const builder = new RulesBuilder({ left: 1_000_000 });
  const parser = new SaxesParser({ fragment: true, xmlns: false });
  let depth = 0;
  let skipping = 0;
  parser.on('opentag', ({ name, attributes }) => {
    if (depth === 0 && name !== 'ApplicabilityRules') return;
    depth += 1;
    if (skipping > 0 || depth === 1) return;
    const map = new Map(Object.entries(attributes));
    const answer = builder.open(name, { get: (attribute) => map.get(attribute), names: () => map.keys() });
    map.clear();
    if (answer === 'skip' && heedSkip) skipping = depth;
  });
  parser.on('text', (text) => {
    if (depth > 0 && skipping === 0) builder.text(text);
  });
  parser.on('closetag', ({ name }) => {
    if (depth === 0) return;
    if (skipping === depth) skipping = 0;
    if (skipping === 0 && depth > 1) builder.close(name);
    depth -= 1;
  });
  parser.write(fragment).close();
  return builder.rules();
}

/** Every rule in it, from the outside in. */
const flat = (rule: Rule | undefined): Rule[] => {
  if (rule === undefined) return [];
  const inside = 'rules' in rule ? rule.rules : 'rule' in rule ? [rule.rule] : [];
  return [rule, ...inside.flatMap(flat)];
};
const allRules = ({ isInstalled, isSuperseded, isInstallable }: ApplicabilityRules): Rule[] =>
  [isInstalled, isSuperseded, isInstallable].flatMap(flat);

const rules = (inside: string): string => `<ApplicabilityRules>${inside}</ApplicabilityRules>`;
const identity = (name: string, more = 'version="1.2.3.4"'): string =>
  `<assemblyIdentity name="${name}" processorArchitecture="amd64" language="neutral" publicKeyToken="31bf" ${more} />`;
const manifest = (inside: string): string =>
  rules(`<Metadata><CbsPackageApplicabilityMetadata>${inside}</CbsPackageApplicabilityMetadata></Metadata>`);

describe('rules', () => {
  it('nest as they are written, each in its section', () => {
    const built = build(
      rules(
        '<IsInstalled><And><True /><Not><Or><False /><True /></Or></Not></And></IsInstalled>' +
          '<IsSuperseded><False /></IsSuperseded><IsInstallable><True /></IsInstallable>',
      ),
    );
    const [yes, no]: Rule[] = [{ op: 'True' }, { op: 'False' }];
    expect(built).toEqual({
      isInstalled: { op: 'And', rules: [yes, { op: 'Not', rule: { op: 'Or', rules: [no, yes] } }] },
      isSuperseded: no,
      isInstallable: yes,
    });
  });

  it('may be none: an empty section says nothing, a bundle has not even that', () => {
    expect(build(rules('<IsInstalled /><Whatever><True /></Whatever>'))).toEqual({});
    expect(build('<UpdateIdentity UpdateID="x" RevisionNumber="1" />')).toEqual({});
  });

  it('of two in one section make no sense, and that is kept with the reason', () => {
    expect(build(rules('<IsInstalled><True /><True /></IsInstalled>'))).toEqual({
      isInstalled: { op: 'invalid', name: 'IsInstalled', reason: 'there are 2 rules inside, allowed is one' },
    });
  });

  it('keep the texts of features and products, in whatever pieces they come', () => {
    const built = build(
      rules(
        '<IsInstalled><m.MsiFeatureInstalledForProduct AllFeaturesRequired="true"><m.Feature>A &amp; B</m.Feature><m.Feature>C</m.Feature>' +
          '<m.Product>{01493E6E-2473-4DE5-963B-BF17BACC21C3}</m.Product></m.MsiFeatureInstalledForProduct></IsInstalled>',
      ),
    );
    expect(built.isInstalled).toEqual({
      op: 'm.MsiFeatureInstalledForProduct',
      parts: ['A & B', 'C'],
      products: ['01493e6e-2473-4de5-963b-bf17bacc21c3'],
      allParts: true,
      allProducts: false,
    });
  });

  it('that are nested too deep, or too many, are refused', () => {
    const deep = (depth: number): string =>
      rules(`<IsInstalled>${'<Not>'.repeat(depth)}${'</Not>'.repeat(depth)}</IsInstalled>`);
    expect(() => build(deep(255))).not.toThrow();
    expect(() => build(deep(256))).toThrow('nested more than 256 deep');
    const many = (count: number): string => rules(`<IsInstalled><And>${'<True />'.repeat(count)}</And></IsInstalled>`);
    expect(() => build(many(99_999))).not.toThrow();
    expect(() => build(many(100_000))).toThrow('more than 100000 rules');
  });
});

describe('metadata', () => {
  const common = { publicKeyToken: '31bf', architecture: 'amd64', language: '', version: '1.2.3.4' };
  const first =
    `<assembly xmlns="urn:schemas-microsoft-com:asm.v3">${identity('Package_for_KB1')}<package identifier="KB1">` +
    `<parent buildCompare="EQ" serviceCompare="GE">${identity('A')}${identity('B')}</parent>` +
    `<parent revisionCompare="GE" serviceCompare="EQ" buildCompare="ge">${identity('C')}<parent>${identity('no')}</parent></parent>` +
    `<installerAssembly name="Microsoft-Windows-ServicingStack" version="6.0.0.0" />` +
    `<update><package>${identity('inside')}<parent>${identity('no')}</parent></package>${identity('no')}</update></package></assembly>`;
  const second = `<assembly>${identity('Package_for_KB2')}<package><parent>${identity('no')}</parent></package></assembly>`;

  it.each([false, true])('keeps of the first manifest what decides (inside passed over: %s)', (heedSkip) => {
    const { cbs } = build(manifest(first + second), heedSkip);
    expect(cbs).toEqual({
      identity: { name: 'Package_for_KB1', ...common },
      identifier: 'KB1',
      parents: [
        { identity: { name: 'A', ...common }, buildCompare: 'EQ', revisionCompare: 'GE' },
        { identity: { name: 'B', ...common }, buildCompare: 'EQ', revisionCompare: 'GE' },
        { identity: { name: 'C', ...common }, buildCompare: 'GE', revisionCompare: 'GE' },
      ],
      installerVersion: [6, 0, 0, 0],
    });
  });

  // Such parents are in real manifests: of KB5129195, of language packs, of on-demand packs.
  it.each([
    ['revisionCompare="GE" integrate="standalone" disposition="detect"', { revisionCompare: 'GE' }],
    ['buildCompare="GE" disposition="DETECT"', { buildCompare: 'GE' }],
    ['disposition="detect" integrate="separate"', {}],
    ['buildCompare="LE" serviceCompare="EQ"', { revisionCompare: 'EQ', unread: 'buildCompare is "LE"' }],
    ['buildCompare="EQ" revisionCompare="x"', { buildCompare: 'EQ', unread: 'revisionCompare is "x"' }],
    [
      'buildCompare="EQ" serviceCompare="" disposition="absent"',
      { buildCompare: 'EQ', unread: 'serviceCompare is "", disposition is "absent"' },
    ],
  ])('reads of a parent no more than it says: %s', (attributes, read) => {
    const { cbs } = build(
      manifest(
        `<assembly>${identity('A')}<package><parent ${attributes}>${identity('B')}</parent></package></assembly>`,
      ),
    );
    expect(cbs?.parents).toEqual([{ identity: { ...common, name: 'B' }, ...read }]);
  });

  it('is none when the manifest does not say what package it is', () => {
    expect(build(manifest(`<assembly>${identity('A', '')}</assembly>`))).toEqual({});
  });

  it('keeps code and products of a patch', () => {
    const patch =
      '<Metadata><m.MsiPatchMetadata><MsiPatch xmlns="http://www.microsoft.com/msi/patch_applicability.xsd" PatchGUID="{E1D63391-7DA5-442C-BEAB-CEE5B046A22D}">' +
      '<TargetProduct><TargetProductCode Validate="true">{0DAD2A89-CF75-4448-97AF-72C7CC18B8A5}</TargetProductCode><TargetVersion>1.0</TargetVersion></TargetProduct>' +
      '<TargetProductCode>{0dad2a89-cf75-4448-97af-72c7cc18b8a5}</TargetProductCode><TargetProductCode>{1dad2a89-cf75-4448-97af-72c7cc18b8a5}</TargetProductCode>' +
      '</MsiPatch></m.MsiPatchMetadata></Metadata>';
    expect(build(rules(patch))).toEqual({
      msiPatch: {
        patchCode: 'e1d63391-7da5-442c-beab-cee5b046a22d',
        targets: ['0dad2a89-cf75-4448-97af-72c7cc18b8a5', '1dad2a89-cf75-4448-97af-72c7cc18b8a5'],
      },
    });
  });
});

describe.runIf(haveSamples)('real fragments', () => {
  const folder = (...parts: string[]): string[] =>
    readdirSync(sample('wsusscn2', ...parts)).map((name) => sample('wsusscn2', ...parts, name));
  const fragments = (): string[] =>
    [
      ...folder('wsus-export', 'fragments-derived', 'c'),
      ...folder('hexmystic-wsusscn2-2026-07', 'c'),
      ...folder('wsus-rs-fragments').filter((path) => path.includes('-core')),
      sample('wsusscn2', 'usui-tk', 'leaf-2025-checkpoint.core.xml'),
    ].map((path) => readFileSync(path, 'utf8'));

  it('are read whole: no operator is unknown or makes no sense', () => {
    const all = fragments().map((fragment) => build(fragment));
    expect(all.length).toBeGreaterThan(40);
    const unread = all.flatMap(allRules).filter((rule) => rule.op === 'invalid' || rule.op === 'unsupported');
    expect(unread).toEqual([]);
    for (const fragment of fragments()) expect(build(fragment, true)).toEqual(build(fragment));
  });

  it('hold each operator of the real index of 2024, and each is read with its attributes', () => {
    const operators = z.parse(
      z.array(z.object({ ns: z.string(), op: z.string() })),
      JSON.parse(readFileSync(sample('wsusscn2', 'wsus-export', 'operators-2024.json'), 'utf8')),
    );
    const parts = ['ApplicabilityRules', 'IsInstalled', 'Product', 'Feature', 'Component'];
    const wanted = operators.filter(({ op }) => !parts.includes(op)).map(({ op }) => op);
    const found = new Set(
      fragments()
        .flatMap((each) => allRules(build(each)))
        .map(({ op }) => op.replace(/^[bm]\./, '')),
    );
    expect(wanted.filter((op) => !found.has(op))).toEqual([]);
  });

  it('say what packages they install', () => {
    const read = (name: string): ApplicabilityRules =>
      build(readFileSync(sample('wsusscn2', 'wsus-rs-fragments', name), 'utf8'));
    expect(read('cbs-rollupfix-core-reduced.xml')).toMatchObject({
      isInstalled: { op: 'And', rules: [{ op: 'CbsPackageInstalled' }, { op: 'Not', rule: { op: 'b.RegDword' } }] },
      isInstallable: { op: 'CbsPackageInstallable' },
      cbs: {
        identity: { name: 'Package_for_RollupFix', version: '22000.1936.1.9', architecture: 'arm64', language: '' },
        identifier: 'KB5026368',
        parents: [],
      },
    });
    expect(read('osinstaller-core.xml').isInstalled).toEqual({
      op: 'ProductReleaseInstalled',
      name: 'Client.OS.RS2.ARM64',
      version: [10, 0, 22621, 5909],
    });
  });
});
