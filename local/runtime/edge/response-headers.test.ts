import { describe, expect, it } from 'vitest';
import { applyResponseHeaders, type ResponseHeadersConfig } from './response-headers.ts';

const applied = (
  policy: Omit<ResponseHeadersConfig, 'Name'>,
  headers: Record<string, string>,
  origin?: string,
): Record<string, unknown> => {
  const changed: Record<string, string | string[] | undefined> = { ...headers };
  applyResponseHeaders({ Name: 'policy', ...policy }, changed, origin);
  return changed;
};

describe('response headers policies', () => {
  it('add security headers in the words of the browsers', () => {
    const override = { Override: true };
    expect(
      applied(
        {
          SecurityHeadersConfig: {
            ContentSecurityPolicy: { ContentSecurityPolicy: "default-src 'none'", ...override },
            ContentTypeOptions: override,
            FrameOptions: { FrameOption: 'DENY', ...override },
            ReferrerPolicy: { ReferrerPolicy: 'no-referrer', ...override },
            StrictTransportSecurity: {
              AccessControlMaxAgeSec: 60,
              IncludeSubdomains: false,
              Preload: true,
              ...override,
            },
            XSSProtection: { Protection: true, ModeBlock: true, ...override },
          },
        },
        {},
      ),
    ).toEqual({
      'content-security-policy': "default-src 'none'",
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'strict-transport-security': 'max-age=60; preload',
      'x-xss-protection': '1; mode=block',
    });
  });

  it('take the place of the origin’s headers only where they say so', () => {
    const items = (Override: boolean) => ({
      CustomHeadersConfig: { Items: [{ Header: 'Cache-Control', Value: 'ours', Override }] },
    });
    expect(applied(items(true), { 'cache-control': 'theirs' })).toEqual({ 'cache-control': 'ours' });
    expect(applied(items(false), { 'cache-control': 'theirs' })).toEqual({ 'cache-control': 'theirs' });
    expect(applied(items(false), {})).toEqual({ 'cache-control': 'ours' });
  });

  it('remove headers', () => {
    const policy = { RemoveHeadersConfig: { Items: [{ Header: 'X-Amz-Request-Id' }] } };
    expect(applied(policy, { 'x-amz-request-id': '1', etag: '"a"' })).toEqual({ etag: '"a"' });
  });

  it('answer allowed origins', () => {
    const policy = {
      CorsConfig: {
        AccessControlAllowCredentials: false,
        AccessControlAllowHeaders: { Items: ['*'] },
        AccessControlAllowMethods: { Items: ['GET'] },
        AccessControlAllowOrigins: { Items: ['https://a.example.org'] },
        AccessControlExposeHeaders: { Items: ['etag', 'content-range'] },
        OriginOverride: true,
      },
    };
    expect(applied(policy, {}, 'https://a.example.org')).toEqual({
      'access-control-allow-origin': 'https://a.example.org',
      'access-control-expose-headers': 'etag,content-range',
    });
    expect(applied(policy, {}, 'https://b.example.org')).toEqual({});
  });
});
