import { Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import type { IConstruct } from 'constructs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { type Synthesized, synthesize } from './testing/synth.ts';

describe.each([
  ['by default', {}],
  [
    'with every option',
    {
      alarmEmail: 'admins@example.org',
      repositoryDomain: {
        name: 'updates.example.org',
        certificateArn: 'arn:aws:acm:us-east-1:111122223333:certificate/5f0d1e2c',
      },
    },
  ],
])('cdk-nag, AwsSolutions, %s', (_, props) => {
  let synthesized: Synthesized;
  beforeAll(() => {
    synthesized = synthesize(props);
  });
  afterAll(() => synthesized.remove());

  test('finds nothing that was not acknowledged', () => {
    const report = new AwsSolutionsChecks(synthesized.app).validateScope(synthesized.app);
    const findings = report.violations.flatMap(({ ruleName, violatingResources }) =>
      violatingResources.map(({ constructPath }) => `${ruleName} at ${constructPath}`),
    );
    expect(findings).toEqual([]);
  });

  test('finds everything that was acknowledged, and each has its reason', () => {
    const pack = new AwsSolutionsChecks(synthesized.app);
    // The pack as if nothing had been acknowledged.
    Object.defineProperty(pack, 'isAcknowledged', { value: () => false });
    const found = pack
      .validateScope(synthesized.app)
      .violations.flatMap(({ ruleName, violatingResources }) =>
        violatingResources.map(({ constructPath }) => ({ ruleName, constructPath })),
      );
    const acknowledged = synthesized.stack.node.findAll().flatMap(acknowledgements);
    expect(acknowledged.length).toBeGreaterThan(5);
    const idle = acknowledged.filter(
      ({ id, path }) =>
        !found.some(
          ({ ruleName, constructPath }) =>
            ruleName === id && (constructPath === path || constructPath?.startsWith(`${path}/`)),
        ),
    );
    expect(idle).toEqual([]);
    for (const { reason } of acknowledged) expect(reason.length).toBeGreaterThan(30);
  });
});

const acknowledgedRules = z.record(z.string(), z.string());

function acknowledgements(construct: IConstruct): { id: string; path: string; reason: string }[] {
  return construct.node.metadata
    .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
    .flatMap(({ data }) =>
      Object.entries(acknowledgedRules.parse(data)).map(([id, reason]) => ({
        id: id.replace(/^annotation::/i, ''),
        path: construct.node.path,
        reason,
      })),
    );
}
