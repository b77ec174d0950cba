import { createHash } from 'node:crypto';
import { Agent } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Site } from '../../fixtures/site.ts';
import { createHttpBroker } from './http-broker.ts';

let site: Site;
const dispatcher = new Agent();
beforeEach(async () => {
  site = await Site.open();
});
afterEach(() => site.close());

const broker = (server = site.url, secret = site.secret) =>
  createHttpBroker({ dispatcher, timeoutSeconds: 5, server, secret });
const digests = Array.from({ length: 2300 }, (_, number) => createHash('sha1').update(String(number)).digest('hex'));

describe('the broker over HTTP', () => {
  it('asks about any number of files, as many at a time as the contract allows, and keeps their order', async () => {
    const answers = await broker().lookupFiles(digests);
    expect(answers.map((answer) => answer.sha1)).toEqual(digests);
    expect(site.requests).toHaveLength(3);
    expect(await broker().lookupFiles([])).toEqual([]);
  });

  it('refuses an answer that leaves a file out', async () => {
    site.fail(/lookup/, { type: 'body', text: '{"version":1,"files":[]}' });
    await expect(broker().lookupFiles(digests.slice(0, 1))).rejects.toMatchObject({
      code: 'bad-answer',
      message: expect.stringContaining(digests[0] ?? ''),
    });
  });

  it('finds the API below a path', async () => {
    const below = new URL('stage/', site.url);
    await expect(broker(below).getRules()).rejects.toMatchObject({ code: 'refused' });
    await expect(broker(new URL(site.url.origin)).getRules()).resolves.toMatchObject({ revision: 1 });
    expect(site.requests.map((request) => request.path)).toEqual(['/stage/v1/agent/rules', '/v1/agent/rules']);
  });

  it('gives the words of a problem document, never the secret', async () => {
    const error = await broker(site.url, 'another')
      .getRules()
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'refused',
      retryable: false,
      message: 'GET /v1/agent/rules answered 401: Unauthenticated: the bearer secret is not the right one',
    });
  });

  it.each([
    [400, undefined, 'rejected', false, undefined],
    [413, undefined, 'rejected', false, undefined],
    [301, undefined, 'bad-answer', false, undefined],
    [429, '7', 'unavailable', true, 7],
    [503, undefined, 'unavailable', true, undefined],
  ] as const)('answer %s (Retry-After %s) is %s', async (status, retryAfter, code, retryable, retryAfterSeconds) => {
    site.fail(/rules/, { type: 'status', status, ...(retryAfter === undefined ? {} : { retryAfter }) });
    await expect(broker().getRules()).rejects.toMatchObject({ code, retryable, retryAfterSeconds });
  });

  it.each([
    ['no JSON', '<html>'],
    [
      'another version',
      '{"version":2,"revision":1,"defaultAllow":true,"allowedKbs":[],"forbiddenKbs":[],"allowedSeverities":[]}',
    ],
  ])('refuses %s', async (_what, text) => {
    site.fail(/rules/, { type: 'body', text });
    await expect(broker().getRules()).rejects.toMatchObject({ code: 'bad-answer' });
  });

  it('stops reading an answer without end', async () => {
    site.fail(/rules/, { type: 'body', text: ' '.repeat(9_000_000) });
    await expect(broker().getRules()).rejects.toMatchObject({ code: 'too-long' });
  });

  it('says when nobody answers', async () => {
    const gone = site.url;
    await site.close();
    await expect(broker(gone).getRules()).rejects.toMatchObject({ code: 'unreachable', retryable: true });
    site = await Site.open();
  });

  it('stops when it is asked to', async () => {
    const signal = AbortSignal.abort();
    await expect(broker().getRules(signal)).rejects.toMatchObject({ code: 'stopped', retryable: false });
  });
});
