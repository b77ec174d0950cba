import { expect, it } from 'vitest';
import { isServicingStack } from './servicing-stack.ts';

it.each([
  ['2026-01 Servicing Stack Update for Windows Server 2016 for x64-based Systems (KB5000003)', true],
  ['Servicing stack update for Windows 8.1 (KB3173424)', true],
  ['2026-01 Cumulative Update for Windows 11 (KB5000001)', false],
  ['Nonservicing Stack Update', false],
  [undefined, false],
])('%s: %s', (title, expected) => {
  expect(isServicingStack({ title })).toBe(expected);
});
