import type { RemovalPolicy } from 'aws-cdk-lib';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { acknowledge } from '../kit/acknowledge.ts';
import type { BrokerFunction } from '../kit/broker-function.ts';

export interface CursorSecretProps {
  readonly removalPolicy: RemovalPolicy;
}

/** The key that signs where lists of the operators' API go on. */
export class CursorSecret extends Construct {
  private readonly secret: Secret;

  constructor(scope: Construct, id: string, props: CursorSecretProps) {
    super(scope, id);
    this.secret = new Secret(this, 'Secret', {
      description: 'Key that signs the cursors of lists',
      // 48 letters and digits are 285 bits, more than HMAC-SHA-256 makes use of.
      generateSecretString: { passwordLength: 48, excludePunctuation: true },
      removalPolicy: props.removalPolicy,
    });
    acknowledge(this.secret, {
      'AwsSolutions-SMG4':
        'Who knows the key can ask for other pages of lists that he may read anyway. It can be changed at any time: lists ' +
        'that somebody is in the middle of then begin anew.',
    });
  }

  /** To sign cursors. */
  grantSign(fn: BrokerFunction): void {
    fn.allow(['secretsmanager:GetSecretValue'], [this.secret.secretArn]);
    fn.bind({ CURSOR_SECRET_ARN: this.secret.secretArn });
  }
}
