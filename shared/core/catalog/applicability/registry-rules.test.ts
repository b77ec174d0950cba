import { checkOperators, op } from '#test/kit/operators.ts';
import type { HostState, RegistryData } from './host-state.ts';
import type { Rule } from './model.ts';

const key = { Key: 'HKEY_LOCAL_MACHINE', Subkey: 'SOFTWARE\\A' };
const value = { ...key, Value: 'V' };
const text = (data: string, type: RegistryData['type'] = 'REG_SZ'): RegistryData => ({ type, data });
const word = (data: number): RegistryData => ({ type: 'REG_DWORD', data });
/** A described registry with `V` in `SOFTWARE\A`, or without it. */
const registry = (data?: RegistryData, complete = true): HostState => ({
  registry: { complete, keys: { 'software\\a\\': data === undefined ? {} : { v: data } } },
});
const loopOver = (complete: boolean, ...data: readonly RegistryData[]): HostState => ({
  registry: {
    complete,
    keys: Object.fromEntries(data.map((each, number) => [`SOFTWARE\\A\\${number}\\Setup`, { V: each }])),
  },
});
/** A host with two views that has the key SOFTWARE\Clients\A in the 64-bit one. */
const clients = (version?: string): HostState => ({
  registry: { complete: true, keys: { 'SOFTWARE\\Clients\\A': {} } },
  processor: { architecture: 9 },
  ...(version === undefined ? {} : { windows: { version, productType: 1 } }),
});
const inLoop = op('b.RegDword', {
  Key: 'HKEY_LOOP_TARGET',
  Subkey: '\\Setup',
  Value: 'V',
  Comparison: 'EqualTo',
  Data: '1',
});
const loop = (trueIf: string): Rule => op('b.RegKeyLoop', { ...key, TrueIf: trueIf }, inLoop);

checkOperators([
  [
    'b.RegKeyExists',
    op('b.RegKeyExists', key),
    {
      yes: [registry(), registry(word(1), false), { registry: { complete: true, keys: { 'Software\\a\\b': {} } } }],
      no: [{ registry: { complete: true, keys: {} } }],
      unknown: [{}, { registry: { complete: false, keys: {} } }],
    },
  ],
  [
    'b.RegKeyExists, 32-bit view',
    op('b.RegKeyExists', { ...key, RegType32: 'true' }),
    {
      yes: [
        { ...registry(), processor: { architecture: 0 } },
        { registry: { complete: true, keys: { 'SOFTWARE\\WOW6432Node\\A': {} } }, processor: { architecture: 9 } },
      ],
      no: [{ ...registry(), processor: { architecture: 9 } }],
      unknown: [registry()],
    },
  ],
  [
    'b.RegValueExists',
    op('b.RegValueExists', { ...value, Type: 'REG_SZ' }),
    {
      yes: [registry(text('x'))],
      no: [registry(), registry(word(1)), { registry: { complete: true, keys: {} } }],
      unknown: [{}, registry(undefined, false)],
    },
  ],
  [
    'b.RegDword',
    op('b.RegDword', { ...value, Comparison: 'GreaterThanOrEqualTo', Data: '246' }),
    {
      yes: [registry(word(246)), registry(word(300))],
      no: [registry(word(245)), registry()],
      unknown: [{}, registry(text('300')), registry(undefined, false)],
    },
  ],
  [
    'b.RegSz',
    op('b.RegSz', { ...value, Comparison: 'EqualTo', Data: 'WLHPN' }),
    {
      yes: [registry(text('WLHPN'))],
      no: [registry(text('WLHP')), registry()],
      unknown: [{}, registry(text('wlhpn')), registry(word(1))],
    },
  ],
  [
    'b.RegSz BeginsWith',
    op('b.RegSz', { ...value, Comparison: 'BeginsWith', Data: '6.' }),
    { yes: [registry(text('6.1'))], no: [registry(text('16.1'))], unknown: [{}] },
  ],
  [
    'b.RegExpandSz',
    op('b.RegExpandSz', { ...value, Comparison: 'Contains', Data: 'True' }),
    {
      yes: [registry(text('isTrue', 'REG_EXPAND_SZ'))],
      no: [registry(text('no', 'REG_EXPAND_SZ')), registry()],
      unknown: [{}, registry(text('%True%', 'REG_EXPAND_SZ')), registry(text('True'))],
    },
  ],
  [
    'b.RegSzToVersion',
    op('b.RegSzToVersion', { ...value, Comparison: 'GreaterThanOrEqualTo', Data: '3.0.6005.0' }),
    {
      yes: [registry(text('3.0.6005.0')), registry(text('3.1'))],
      no: [registry(text('3.0.6004.9')), registry()],
      unknown: [{}, registry(text('three')), registry(word(3))],
    },
  ],
  [
    'b.RegSzToVersion LessThan, where nobody says what a missing value means',
    op('b.RegSzToVersion', { ...value, Comparison: 'LessThan', Data: '1.18.01965.249' }),
    { yes: [registry(text('1.18.1965.248'))], no: [registry(text('1.18.1965.249'))], unknown: [registry()] },
  ],
  [
    'b.RegKeyLoop Any',
    loop('Any'),
    {
      yes: [loopOver(true, word(0), word(1)), loopOver(false, word(1))],
      no: [loopOver(true, word(0)), loopOver(true)],
      unknown: [{}, loopOver(false, word(0)), loopOver(true, word(0), text('1'))],
    },
  ],
  [
    'b.RegKeyLoop All',
    loop('All'),
    {
      yes: [loopOver(true, word(1), word(1))],
      no: [loopOver(true, word(1), word(0)), loopOver(false, word(0))],
      unknown: [{}, loopOver(true), loopOver(false, word(1))],
    },
  ],
  [
    'b.RegKeyLoop None',
    loop('None'),
    {
      yes: [loopOver(true, word(0)), loopOver(true)],
      no: [loopOver(true, word(0), word(1)), loopOver(false, word(1))],
      unknown: [{}, loopOver(false, word(0))],
    },
  ],
  ['HKEY_LOOP_TARGET outside a loop', inLoop, { yes: [], no: [], unknown: [registry(word(1))] }],
  [
    'b.RegKeyExists, 32-bit view of a key that is shared since Windows 7',
    op('b.RegKeyExists', { ...key, Subkey: 'SOFTWARE\\Clients\\A', RegType32: 'true' }),
    { yes: [clients('6.1.7601.0')], no: [clients('6.0.6002.0')], unknown: [clients()] },
  ],
]);
