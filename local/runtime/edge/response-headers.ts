/**
 * CloudFront's response headers policies.
 * https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/understanding-response-headers-policies.html
 */
import type { responseHeadersPolicy } from '#local/assembly/resources/edge.ts';

export type ResponseHeadersConfig =
  (typeof responseHeadersPolicy)['schema']['_zod']['output']['ResponseHeadersPolicyConfig'];

type Headers = Record<string, string | string[] | undefined>;

/** Changes the headers of an answer as the policy says. Names are in lower case. */
export function applyResponseHeaders(
  policy: ResponseHeadersConfig,
  headers: Headers,
  origin: string | undefined,
): void {
  for (const { Header } of policy.RemoveHeadersConfig?.Items ?? []) delete headers[Header.toLowerCase()];
  for (const [name, value, override] of additions(policy, origin)) {
    if (override || headers[name] === undefined) headers[name] = value;
  }
}

function additions(policy: ResponseHeadersConfig, origin: string | undefined): [string, string, boolean][] {
  const list: [string, string, boolean][] = [];
  const { SecurityHeadersConfig: security = {}, CorsConfig: cors } = policy;
  const { ContentSecurityPolicy: csp, ContentTypeOptions: type, FrameOptions: frame } = security;
  const { ReferrerPolicy: referrer, StrictTransportSecurity: transport, XSSProtection: xss } = security;
  if (csp) list.push(['content-security-policy', csp.ContentSecurityPolicy, csp.Override]);
  if (type) list.push(['x-content-type-options', 'nosniff', type.Override]);
  if (frame) list.push(['x-frame-options', frame.FrameOption, frame.Override]);
  if (referrer) list.push(['referrer-policy', referrer.ReferrerPolicy, referrer.Override]);
  if (transport) {
    const { AccessControlMaxAgeSec, IncludeSubdomains, Preload, Override } = transport;
    const parts = [`max-age=${AccessControlMaxAgeSec}`, IncludeSubdomains && 'includeSubDomains', Preload && 'preload'];
    list.push(['strict-transport-security', parts.filter(Boolean).join('; '), Override]);
  }
  if (xss) {
    const value = xss.Protection ? `1${xss.ModeBlock ? '; mode=block' : ''}` : '0';
    list.push(['x-xss-protection', value, xss.Override]);
  }
  const origins = cors?.AccessControlAllowOrigins.Items ?? [];
  if (cors && origin !== undefined && origins.some((name) => name === '*' || name === origin)) {
    const override = cors.OriginOverride;
    list.push(['access-control-allow-origin', origins.includes('*') ? '*' : origin, override]);
    if (cors.AccessControlAllowCredentials) list.push(['access-control-allow-credentials', 'true', override]);
    const exposed = cors.AccessControlExposeHeaders?.Items ?? [];
    if (exposed.length > 0) list.push(['access-control-expose-headers', exposed.join(','), override]);
  }
  for (const { Header, Value, Override } of policy.CustomHeadersConfig?.Items ?? []) {
    list.push([Header.toLowerCase(), Value, Override]);
  }
  return list;
}
