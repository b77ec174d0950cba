import { describe, expect, it } from 'vitest';
import type { StackLogLine } from '../types.ts';
import { createStackVoice } from './stack-voice.ts';

const source = 'KBroker-FetchPayloadFunction9AEB5A6E';
const failed = (file: string): StackLogLine => ({
  source,
  level: 'error',
  message: JSON.stringify({
    level: 'ERROR',
    message: 'delivery failed',
    requestId: 'x'.repeat(500),
    error: { name: 'UpstreamError', message: `http://download.example/${file}.cab answered 503`, stack: 'at …' },
  }),
});
const finished = (result: unknown): StackLogLine => ({
  source: 'KBroker-SyncIndexFunction9D3C3578',
  level: 'info',
  message: JSON.stringify({ level: 'INFO', message: 'finished', result: { result, indexAgeSeconds: 1 } }),
});

function listen(tellSyncs = true) {
  const said: string[] = [];
  let now = 0;
  const voice = createStackVoice({
    narrator: { say: (who, text) => void said.push(`${who}: ${text}`) },
    tellSyncs,
    now: () => now,
  });
  return { said, voice, wait: (seconds: number) => (now += seconds * 1000) };
}

describe('what is told of the stack’s log', () => {
  it('is the message of an error, however long the line before it', () => {
    const { said, voice } = listen();
    voice.hear(failed('a1'));
    voice.hear({ source, level: 'error', message: 'x Task timed out after 3.00 seconds' });
    voice.hear({ source, level: 'error', message: '{ no JSON' });
    voice.hear({ source, level: 'error', message: '{"level":"ERROR","message":"bare"}' });
    voice.hear({ source, level: 'warn', message: 'not told' });
    expect(said).toEqual([
      'stack: FetchPayloadFunction: delivery failed: http://download.example/a1.cab answered 503',
      'stack: FetchPayloadFunction: x Task timed out after 3.00 seconds',
      'stack: FetchPayloadFunction: { no JSON',
      'stack: FetchPayloadFunction: bare',
    ]);
  });

  it('is each trouble once, and later how often it came again', () => {
    const { said, voice, wait } = listen();
    for (const file of ['a1', 'b2', 'c3']) voice.hear(failed(file));
    voice.flush();
    expect(said).toHaveLength(1);
    wait(60);
    voice.flush();
    voice.flush();
    expect(said.slice(1)).toEqual([`${said[0]} (and 2 more like it)`]);
    voice.hear(failed('d4'));
    voice.hear(failed('e5'));
    voice.flush(true);
    expect(said.at(-1)).toMatch(/d4\.cab answered 503 \(and 1 more like it\)$/);
  });

  it('is what became of the index, unless nothing did', () => {
    const { said, voice } = listen();
    voice.hear(finished({ outcome: 'unchanged', sha256: 'a' }));
    voice.hear(finished({ outcome: 'continues', bytes: 1, of: 2, goesOn: 'schedule' }));
    voice.hear(finished({ outcome: 'refused', reason: 'it shrank by 90 %' }));
    voice.hear(finished({ outcome: 'failed', reason: 'answered 503' }));
    voice.hear(finished({ outcome: 'published', updates: 3, files: 1 }));
    voice.hear(finished({ outcome: 'failed', reason: 'answered 503' }));
    voice.hear(finished({ outcome: 'published', updates: 4, files: 1 }));
    expect(said).toEqual([
      'sync: the index was refused: it shrank by 90 %',
      'sync: the index was not read, the run failed: answered 503',
      'sync: downloaded and decoded: 3 updates, 1 file; now the current index',
      'sync: downloaded and decoded: 4 updates, 1 file; now the current index',
    ]);
    const silent = listen(false);
    silent.voice.hear(finished({ outcome: 'refused', reason: 'it shrank by 90 %' }));
    expect(silent.said).toEqual([]);
  });
});
