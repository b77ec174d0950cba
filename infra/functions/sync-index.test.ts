import { Duration } from 'aws-cdk-lib';
import { expect, test } from 'vitest';
import { microsoftRootsPem } from '#shared/authenticode/index.ts';
import { synthesize } from '../testing/synth.ts';

test.each([
  [
    'two roots more than Microsoft has',
    { indexRoots: microsoftRootsPem },
    /indexRoots has \d+ bytes; allowed are 3000/,
  ],
  [
    'a pause in which a copy would be dropped',
    { syncEvery: Duration.days(1) },
    /syncEvery is 1 day; allowed .* 12 hours/,
  ],
])('%s are refused at the synthesis', (_what, props, why) => {
  expect(() => synthesize(props).remove()).toThrow(why);
});
