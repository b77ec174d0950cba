import { Duration } from 'aws-cdk-lib';
import { expect, test } from 'vitest';
import { synthesize } from '../testing/synth.ts';

test.each([
  [
    'days without a cleaning',
    { cleanEvery: Duration.days(2) },
    /cleanEvery is 2 days; allowed are 15 minutes to 1 day/,
  ],
  [
    'a pause shorter than downloads',
    { cleanPause: Duration.hours(8) },
    /cleanPause is 8 hours; allowed is 1 day or more/,
  ],
  ['an index that is not kept', { keepIndexes: 0 }, /keepIndexes is 0; allowed are whole numbers from 1 on/],
  ['KBs with their letters', { keepFilesOfKbs: ['KB5040442'] }, /its env\.ts refuses KEEP_KBS = "KB5040442"/],
])('%s are refused at the synthesis', (_what, props, why) => {
  expect(() => synthesize(props).remove()).toThrow(why);
});
