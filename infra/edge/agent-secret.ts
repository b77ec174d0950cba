import type { RemovalPolicy } from 'aws-cdk-lib';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { acknowledge } from '../kit/acknowledge.ts';
import type { BrokerFunction } from '../kit/broker-function.ts';

export interface AgentSecretProps {
  readonly removalPolicy: RemovalPolicy;
}

/** The bearer secret that all agents share. Interim: keys of each host's own will replace it. */
export class AgentSecret extends Construct {
  readonly secret: Secret;

  constructor(scope: Construct, id: string, props: AgentSecretProps) {
    super(scope, id);
    this.secret = new Secret(this, 'Secret', {
      description: 'Bearer secret that the agents of the broker share',
      // 48 letters and digits are 285 bits; without punctuation it survives every shell and configuration file.
      generateSecretString: { passwordLength: 48, excludePunctuation: true },
      removalPolicy: props.removalPolicy,
    });
    acknowledge(this.secret, {
      'AwsSolutions-SMG4':
        'Every host holds the same secret: a rotation would shut all of them out at once. It is changed by hand, ' +
        'together with the hosts, until each host has a key of its own.',
    });
  }

  /** To compare what an agent presents with the secret. */
  grantRead(fn: BrokerFunction): void {
    fn.allow(['secretsmanager:GetSecretValue'], [this.secret.secretArn]);
    fn.bind({ AGENT_SECRET_ARN: this.secret.secretArn });
  }
}
