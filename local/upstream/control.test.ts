import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ControlEndpoint, startControlEndpoint } from './control.ts';
import { type ControllableMicrosoft, startFakeMicrosoft } from './server.ts';

const folder = mkdtempSync(join(tmpdir(), 'kbroker-control-'));
let microsoft: ControllableMicrosoft;
let control: ControlEndpoint;
const told: number[] = [];
beforeAll(async () => {
  microsoft = await startFakeMicrosoft({ dataDir: folder });
  control = await startControlEndpoint(microsoft, { onPublication: ({ number }) => told.push(number) });
});
afterAll(async () => {
  await control.close();
  await microsoft.close();
  rmSync(folder, { recursive: true, force: true });
});

function ask(
  method: string,
  path: string,
  body = '',
  headers: Record<string, string> = {},
): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(`${control.url}${path}`, { method, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

describe('the control endpoint', () => {
  it('publishes, and shows what is out', async () => {
    expect(JSON.parse((await ask('GET', '/')).text)).toMatchObject({ publication: null, faults: [] });
    expect(await ask('POST', '/publications')).toMatchObject({ status: 200 });
    expect(microsoft.current()?.number).toBe(1);
    expect(told).toEqual([1]);
    expect(JSON.parse((await ask('GET', '/')).text)).toMatchObject({ publication: { number: 1 } });
  });

  it('switches faults on and off', async () => {
    const host = 'catalog.s.download.windowsupdate.com';
    const fault = { path: '\\.cab$', host, kind: { type: 'status', status: 503, retryAfterSeconds: 1 }, times: 2 };
    const added = JSON.parse((await ask('POST', '/faults', JSON.stringify(fault))).text);
    expect(added.faults).toEqual([{ id: 1, path: '\\.cab$', host, kind: fault.kind, left: 2 }]);
    expect(microsoft.faults.hitting('/a.cab', 'download.windowsupdate.com')).toEqual([]);
    expect(microsoft.faults.hitting('/a.cab', host)).toEqual([fault.kind]);
    expect((await ask('DELETE', '/faults/1')).status).toBe(200);
    expect((await ask('DELETE', '/faults/1')).status).toBe(404);
    await ask('POST', '/faults', JSON.stringify({ path: 'x', kind: { type: 'wrong-bytes' } }));
    expect(JSON.parse((await ask('DELETE', '/faults')).text)).toMatchObject({ faults: [] });
  });

  it.each([
    ['no JSON', 'POST', '/faults', '{', 400, /no JSON/],
    ['an unknown kind', 'POST', '/faults', '{"path":"x","kind":{"type":"fire"}}', 400, /kind/],
    ['no pattern', 'POST', '/faults', '{"path":"(","kind":{"type":"wrong-bytes"}}', 400, /regular expression/],
    ['a file that is not there', 'POST', '/publications', '{"file":"/nowhere/x.msu"}', 422, /nowhere/],
    ['another route', 'GET', '/secrets', '', 404, /there are GET \//],
  ])('refuses %s and says what is allowed', async (_what, method, path, body, status, message) => {
    const answer = await ask(method, path, body);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text).error).toMatch(message);
  });

  it('takes paths behind its address with one slash or two', async () => {
    expect(control.url).toMatch(/:\d+$/);
    expect((await ask('GET', '//')).status).toBe(200);
    expect((await ask('DELETE', '//faults')).status).toBe(200);
  });

  it('takes the port that it is given, and another when somebody has it', async () => {
    const second = await startControlEndpoint(microsoft, { port: control.port });
    expect(second.port).not.toBe(control.port);
    await second.close();
    const third = await startControlEndpoint(microsoft, { port: second.port });
    expect(third.url).toBe(second.url);
    await third.close();
  });

  it('refuses web pages', async () => {
    expect((await ask('POST', '/publications', '', { origin: 'https://evil.example' })).status).toBe(403);
    expect((await ask('POST', '/publications', '', { host: 'evil.example' })).status).toBe(403);
    expect(microsoft.current()?.number).toBe(1);
  });
});
