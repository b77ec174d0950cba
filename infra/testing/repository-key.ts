import type { DeploymentConfig } from '#shared/contract/deployment.ts';

/**
 * A deployment for templates that tests read: always the same, so that templates can be compared. The private halves of
 * its keys were thrown away.
 */
export const testDeployment: DeploymentConfig = {
  version: 1,
  repositoryKey: {
    secretArn: 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:kbroker/repository-key-a1B2c3',
    publicKeys: [
      `-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAoJJGZENhWG2vAruVou7q
zUzy/aRfvk3B1LcoEMmD3GWvQa2Q4FlydsR4vRCFGJL4FGB795FTohqtZYhjm5KD
rRsQ3TV3ekUqsFZDwTpx6utSdUNUW2I+vnoVUyBbs/gINYX7GxnjFfXUkRZ53Mog
oe2kT1QYqPH+W5B8ySLh70ABS1RusVINHojkT3ZwuDNtUNVtT8sggLIJEdbSF4My
Rm6FDTUEz8kqOD+vI9JQ6/OxmujT/0RdqYpXBo0GDF8xgs/9/1yluo/YOzu7o56G
CHbyEj3A3LZHkTzu/ji5h2ode9EqfqLn4Xds/gHQnj36z63nf1aWHeiTMUsOjnTt
GwIDAQAB
-----END PUBLIC KEY-----
`,
    ],
  },
};

/** A key after a rotation. */
export const newerTestKey = `-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAyjXEFJxp1OZLFbELNfCb
OVSbCOzF+D1YbzYAY7qclxHVwkoZv8Dt6pFuGHAKlsZ/gntTjSrCj/wEGpqjjDsi
0rfyr0ptbQhI+UflsPoPv67xCo6iw2VUX9Ea6s9cAXsw3Bkwh0rkpICVrMJFMsIz
VDvo71F8FNLEQ9bHFjNOSgA81WODneWoeiGhgXPny8qzgxShKgZXNjxT0vBYRmZv
dUzCRqmwunwGR2/GWsoGF385nydzHyWGDR7XjR8pGb0B2ovTQj1JTqEN81n3IG48
6S2GOoPFIynVxBZYjjEUi6Oz+g+lwdTwVkEslkzkclkF1huvQiTLgLYFBcnuN+LB
2QIDAQAB
-----END PUBLIC KEY-----
`;
