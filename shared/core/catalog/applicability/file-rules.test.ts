import { checkOperators, op } from '#test/kit/operators.ts';
import type { HostState, RegistryData } from './host-state.ts';

const value = { Key: 'HKEY_LOCAL_MACHINE', Subkey: 'SOFTWARE\\A', Value: 'V' };
const text = (data: string, type: RegistryData['type'] = 'REG_SZ'): RegistryData => ({ type, data });
/** A described registry with `V` in `SOFTWARE\A`, or without it. */
const registry = (data?: RegistryData, complete = true): HostState => ({
  registry: { complete, keys: { 'software\\a\\': data === undefined ? {} : { v: data } } },
});
const file = { Path: 'drivers\\a.sys', Csidl: '37' };
const files = (description?: object, complete = true): HostState => ({
  files: {
    complete,
    files: description === undefined ? {} : { 'C:\\WINDOWS\\system32\\Drivers\\A.sys': description },
    folders: { 37: 'C:\\Windows\\System32\\' },
  },
});
const prepended = { Path: '\\drivers\\a.sys', ...value };
const both = (description: object | undefined, data?: RegistryData): HostState => ({
  ...files(description),
  ...registry(data),
});
const system32 = text('C:\\Windows\\System32');
const old = '2020-01-01T00:00:00Z';
const young = '2021-01-01T00:00:00Z';

checkOperators([
  [
    'b.FileExists',
    op('b.FileExists', file),
    {
      yes: [files({}), files({}, false)],
      no: [files()],
      unknown: [{}, files(undefined, false), { files: { complete: true, files: {}, folders: {} } }],
    },
  ],
  [
    'b.FileExists with size, version and language',
    op('b.FileExists', { ...file, Size: '5', Version: '1.2.3.4', Language: '1041' }),
    {
      yes: [files({ size: 5, version: '1.2.3.4', language: 1041 })],
      no: [files({ size: 6 }), files({ language: 1033 }), files({ version: '1.2.3.5' }), files()],
      unknown: [files({ size: 5, version: '1.2.3.4' }), files({ size: 5, language: 1041 }), files({})],
    },
  ],
  [
    'b.FileExistsPrependRegSz',
    op('b.FileExistsPrependRegSz', prepended),
    {
      yes: [both({}, system32)],
      no: [both(undefined, system32), both({}), both({}, text('C:\\Elsewhere'))],
      unknown: [{}, files({}), both({}, text('%SystemRoot%\\System32', 'REG_EXPAND_SZ'))],
    },
  ],
  [
    'b.FileVersion',
    op('b.FileVersion', { ...file, Comparison: 'GreaterThanOrEqualTo', Version: '7.0.6000.374' }),
    {
      yes: [files({ version: '7.0.6000.374' }), files({ version: '10.0.0.0' })],
      no: [files({ version: '7.0.6000.373' }), files()],
      unknown: [{}, files({})],
    },
  ],
  [
    'b.FileVersionPrependRegSz',
    op('b.FileVersionPrependRegSz', { ...prepended, Comparison: 'LessThan', Version: '2.0.0.0' }),
    {
      yes: [both({ version: '1.9.9.9' }, system32)],
      no: [both({ version: '2.0.0.0' }, system32), both(undefined, system32)],
      unknown: [{}, both({}, system32)],
    },
  ],
  [
    'b.FileSize',
    op('b.FileSize', { ...file, Comparison: 'GreaterThan', Size: '100' }),
    { yes: [files({ size: 101 })], no: [files({ size: 100 }), files()], unknown: [{}, files({})] },
  ],
  [
    'b.FileModified',
    op('b.FileModified', { ...file, Comparison: 'GreaterThanOrEqualTo', Modified: '2020-06-30T14:50:16.0000000Z' }),
    { yes: [files({ modified: young })], no: [files({ modified: old }), files()], unknown: [{}, files({})] },
  ],
  [
    'b.FileCreatedPrependRegSz',
    op('b.FileCreatedPrependRegSz', { ...prepended, Comparison: 'LessThan', Created: '2020-06-30T00:00:01.0000000Z' }),
    {
      yes: [both({ created: old }, system32)],
      no: [both({ created: young }, system32), both({ created: old })],
      unknown: [{}, both({}, system32)],
    },
  ],
]);
