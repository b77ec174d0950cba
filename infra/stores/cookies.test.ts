import { afterAll, beforeAll, expect, test } from 'vitest';
import { metricsNamespace, metricUnits } from '#shared/contract/metrics.ts';
import { testDeployment } from '../testing/repository-key.ts';
import { list, statementsOf } from '../testing/statements.ts';
import { type Synthesized, synthesize } from '../testing/synth.ts';

let synthesized: Synthesized;
beforeAll(() => {
  synthesized = synthesize();
});
afterAll(() => synthesized.remove());

test('the private half of the key is read by the function that signs, and by nobody else', () => {
  const { secretArn } = testDeployment.repositoryKey;
  const readers = synthesized.ofType('AWS::IAM::Policy').flatMap((policy) =>
    statementsOf(policy)
      .filter((one) => list(one.Resource).includes(secretArn))
      .map((one) => [policy.id.replace(/RoleDefaultPolicy.*/, ''), list(one.Action)]),
  );
  expect(readers).toEqual([['ServeAgents', ['secretsmanager:GetSecretValue']]]);
  expect(JSON.stringify(synthesized.rawTemplate)).not.toContain('PRIVATE KEY');
});

test('cookies that cannot be signed ring an alarm, and no host that comes for them is no news', () => {
  const [alarm, ...others] = synthesized
    .ofType('AWS::CloudWatch::Alarm')
    .filter(({ properties }) => properties.MetricName === 'CookiesNotIssued');
  expect(others).toEqual([]);
  expect(alarm?.properties).toMatchObject({
    AlarmName: 'KBroker-cookies-not-issued',
    Namespace: metricsNamespace,
    Dimensions: [{ Name: 'service', Value: 'serve-agents' }],
    Statistic: 'Sum',
    Threshold: 0,
    TreatMissingData: 'notBreaching',
  });
  expect(metricUnits).toHaveProperty('CookiesNotIssued');
});
