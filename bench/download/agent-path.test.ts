import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { measureAgentPath } from './agent-path.ts';

describe.skipIf(spawnSync('curl', ['--version']).status !== 0)('the benchmark of an agent’s download', () => {
  it('measures each contestant, and the ratios that have goals', async () => {
    const said: string[] = [];
    const rows = await measureAgentPath({ bytes: 1_000_001, runs: 1, progress: (line) => said.push(line) });
    expect(said).toHaveLength(5);
    expect(rows.filter(({ unit }) => unit === 'MB/s')).toHaveLength(5);
    for (const { value } of rows) expect(value).toBeGreaterThan(0);
    expect(rows.filter(({ goal }) => goal !== undefined).map(({ name }) => name)).toEqual([
      'agent / curl -o, 1 Gbit/s',
      'agent / curl -o and the same proof, loopback',
    ]);
  });
});
