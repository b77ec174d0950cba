import { outboundProxyBinding, outboundProxyEnv } from '#shared/upstream/binding.ts';
import type { BrokerFunction } from '../kit/broker-function.ts';

/** A proxy of yours that functions reach Microsoft's hosts through. */
export interface OutboundProxyProps {
  /** `http://host:port` or `https://host:port`, without credentials. By TLS it has a name, since its certificate needs one. */
  readonly url: string;

  /**
   * Complete ARN of a secret of yours with its credentials, `{"username": "…", "password": "…"}`.
   *
   * @default - it asks for none
   */
  readonly secretArn?: string;

  /**
   * Hosts that are reached without it, as in curl's `no_proxy`: names, which stand for those below them too, or `*`.
   *
   * @default - none
   */
  readonly noProxy?: readonly string[];

  /**
   * Certificates, PEM, that are believed beside the usual ones: of a proxy that is reached by TLS, or that shows its own in the
   * place of Microsoft's. Up to 2,500 bytes, and for `sync-index` no more than 3,000 together with `indexRoots`, because Lambda
   * allows 4 KB for all variables of a function.
   *
   * @default - none
   */
  readonly caPem?: string;
}

/** Bytes as JSON, which is how Lambda measures. The other variables of a function have some 1,000. */
const maxCaBytes = 2_500;

const secretArnForm = /^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[^*?]+-[A-Za-z0-9]{6}$/;

/** The way out for the functions that talk to Microsoft. */
export class OutboundProxy {
  /** Of its certificates among a function's variables. */
  readonly caBytes: number;
  private readonly values: Readonly<Record<string, string>>;
  private readonly secretArn: string | undefined;

  /** @throws Error for what does not fit; nothing of an address is repeated, which may have a password in it */
  constructor({ url, secretArn, noProxy, caPem }: OutboundProxyProps) {
    const { env } = outboundProxyBinding;
    this.caBytes = caPem === undefined ? 0 : Buffer.byteLength(JSON.stringify(caPem));
    if (this.caBytes > maxCaBytes)
      throw new Error(`outboundProxy.caPem has ${this.caBytes} bytes; allowed are ${maxCaBytes}`);
    if (!outboundProxyEnv.safeParse({ [env.url]: url }).success)
      throw new Error(
        'outboundProxy.url is not http://host:port or https://host:port; credentials belong in a secret (secretArn)',
      );
    if (secretArn !== undefined && !secretArnForm.test(secretArn))
      throw new Error(`outboundProxy.secretArn is ${secretArn}; allowed is the complete ARN of a secret`);
    const exceptions = noProxy === undefined || noProxy.length === 0 ? undefined : noProxy.join(',');
    if (!outboundProxyEnv.safeParse({ [env.noProxy]: exceptions }).success)
      throw new Error(
        `outboundProxy.noProxy is ${JSON.stringify(noProxy)}; allowed are names of hosts without ports and patterns, or * alone`,
      );
    this.secretArn = secretArn;
    this.values = {
      [env.url]: url,
      ...(secretArn !== undefined && { [env.secret]: secretArn }),
      ...(exceptions !== undefined && { [env.noProxy]: exceptions }),
      ...(caPem !== undefined && { [env.ca]: caPem }),
    };
  }

  /** To reach Microsoft's hosts through it. */
  grantUse(fn: BrokerFunction): void {
    if (this.secretArn !== undefined) fn.allow(['secretsmanager:GetSecretValue'], [this.secretArn]);
    fn.bind(this.values);
  }
}
