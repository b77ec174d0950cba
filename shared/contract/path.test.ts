import { describe, expect, it } from 'vitest';
import { fillPath } from './path.ts';

describe('fillPath', () => {
  it('encodes parameters and query, and leaves out what is undefined', () => {
    expect(fillPath('/v1/hosts/{machineId}', { machineId: 'a/b c' }, { limit: '5', cursor: undefined })).toBe(
      '/v1/hosts/a%2Fb%20c?limit=5',
    );
  });

  it('says which parameter is missing', () => {
    expect(() => fillPath('/v1/hosts/{machineId}')).toThrow('the path /v1/hosts/{machineId} needs machineId');
  });
});
