import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { agentCommand, shellWord } from './agent-command.ts';

const places = {
  server: 'http://127.0.0.1:1',
  token: `kbt1_${'a'.repeat(16)}_${'B'.repeat(43)}`,
  rootsFile: '/home/me/my broker/.kbroker/microsoft/signing/root.pem',
  allowSha1: false,
};

describe('the commands of one more agent', () => {
  it('name files as they are seen from the folder', () => {
    expect(agentCommand(places, '/home/me/my broker')).toBe(
      `npx kbroker-agent enroll --simulated-host pc.json --data ./pc --server http://127.0.0.1:1 --token ${places.token} &&\n` +
        '  npx kbroker-agent run --first-within 0 --simulated-host pc.json --data ./pc --index-roots .kbroker/microsoft/signing/root.pem',
    );
    expect(agentCommand({ ...places, allowSha1: true }, '/tmp')).toMatch(
      / --index-roots '\/home\/me\/my broker\/\.kbroker\/microsoft\/signing\/root\.pem' --allow-sha1$/,
    );
  });

  it.each(['plain', 'two words', `it's`, '$HOME', '', 'a;b', '日'])(
    'quotes %j so that a shell reads it back',
    (word) => {
      expect(execFileSync('sh', ['-c', `printf %s ${shellWord(word)}`], { encoding: 'utf8' })).toBe(word);
    },
  );
});
