import { inOneLine, parseInWords } from '#shared/contract/parse.ts';
import { type ProxyCredentials, proxyCredentials } from '#shared/contract/proxy-credentials.ts';
import type { OutboundProxyEnv } from './binding.ts';
import type { OutboundProxy } from './proxied-connections.ts';

/**
 * The proxy that a function's environment names; undefined when it names none.
 *
 * @param secretReader reads the text of a secret, each time anew
 */
export function outboundProxy(
  env: OutboundProxyEnv,
  secretReader: (arn: string) => () => Promise<string>,
): OutboundProxy | undefined {
  const { OUTBOUND_PROXY_URL: url, OUTBOUND_PROXY_SECRET_ARN: secret } = env;
  if (url === undefined) return undefined;
  return {
    url: new URL(url),
    exceptions: env.OUTBOUND_NO_PROXY,
    caPem: env.OUTBOUND_PROXY_CA,
    ...(secret !== undefined && { credentials: credentialsOf(secretReader(secret)) }),
  };
}

const credentialsOf =
  (read: () => Promise<string>): (() => Promise<ProxyCredentials>) =>
  async () =>
    parseCredentials(await read());

/** @throws Error that repeats nothing of the text */
function parseCredentials(text: string): ProxyCredentials {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error('the secret is no JSON: it must be {"username": "…", "password": "…"}');
  }
  const parsed = parseInWords(proxyCredentials, value, { quote: false });
  if (parsed.success) return parsed.data;
  throw new Error(`the secret does not fit: ${inOneLine(parsed.faults)}`);
}
