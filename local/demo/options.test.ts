import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseOptions } from './options.ts';

const parse = (...args: string[]) => parseOptions(args, () => undefined);

describe('the arguments of npm start', () => {
  it('have defaults', () => {
    expect(parse()).toEqual({
      once: false,
      hosts: 20,
      json: false,
      data: resolve('.kbroker'),
      fresh: false,
      speed: 120,
      newMonths: true,
    });
  });

  it('are all read', () => {
    const args = '--once --hosts 3 --json --data d --fresh --index a.msu --speed 1.5 --no-new-months --seed 9'.split(
      ' ',
    );
    expect(parse(...args)).toEqual({
      once: true,
      hosts: 3,
      json: true,
      data: resolve('d'),
      fresh: true,
      index: resolve('a.msu'),
      speed: 1.5,
      newMonths: false,
      seed: 9,
    });
  });

  it('tell about themselves', () => {
    let text = '';
    expect(
      parseOptions(['--help'], (part) => {
        text += part;
      }),
    ).toBeUndefined();
    for (const option of [
      '--once',
      '--hosts',
      '--json',
      '--data',
      '--fresh',
      '--index',
      '--speed',
      '--no-new-months',
      '--seed',
    ]) {
      expect(text).toContain(option);
    }
  });

  it.each([
    [['--hosts', '0'], /--hosts is a whole number from 1 to 5000, got 0/],
    [['--hosts', '1.5'], /got 1\.5/],
    [['--hosts', ''], /--hosts/],
    [['--speed', 'fast'], /--speed is a number from 1 to 10000, got fast/],
    [['--index'], /--index/],
    [['--ones'], /--ones/],
    [['more'], /too many arguments/],
  ])('%j is refused with the reason', (args, message) => {
    expect(() => parse(...args)).toThrowError(
      expect.objectContaining({ code: 'usage', message: expect.stringMatching(message) }),
    );
  });
});
