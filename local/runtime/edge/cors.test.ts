import { describe, expect, it } from 'vitest';
import { type Cors, corsHeaders } from './cors.ts';

const cors: Cors = {
  AllowCredentials: true,
  AllowHeaders: ['authorization', 'content-type'],
  AllowMethods: ['GET', 'PUT'],
  AllowOrigins: ['https://console.example.org'],
  ExposeHeaders: ['etag'],
  MaxAge: 600,
};

describe('CORS of an HTTP API', () => {
  it('answers an allowed origin', () => {
    expect(corsHeaders(cors, 'https://console.example.org', false)).toEqual({
      'access-control-allow-origin': 'https://console.example.org',
      'access-control-allow-credentials': 'true',
      'access-control-expose-headers': 'etag',
    });
  });

  it('answers a preflight', () => {
    expect(corsHeaders(cors, 'https://console.example.org', true)).toEqual({
      'access-control-allow-origin': 'https://console.example.org',
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'GET,PUT',
      'access-control-allow-headers': 'authorization,content-type',
      'access-control-max-age': '600',
    });
  });

  it('says nothing to others', () => {
    expect(corsHeaders(cors, 'https://elsewhere.example.org', true)).toEqual({});
    expect(corsHeaders(cors, undefined, false)).toEqual({});
    const open = { ...cors, AllowOrigins: ['*'], AllowCredentials: false, ExposeHeaders: [] };
    expect(corsHeaders(open, 'https://any.example.org', false)).toEqual({ 'access-control-allow-origin': '*' });
  });
});
