import { afterAll, beforeAll, expect, test } from 'vitest';
import { type EventType, eventDetails, eventSource } from '#shared/contract/events.ts';
import { list, statementsOf } from '../testing/statements.ts';
import { type Synthesized, synthesize } from '../testing/synth.ts';

let synthesized: Synthesized;
beforeAll(() => {
  synthesized = synthesize();
});
afterAll(() => synthesized.remove());

const publishing = () =>
  synthesized.ofType('AWS::IAM::Policy').flatMap((policy) =>
    statementsOf(policy)
      .filter((one) => list(one.Action).includes('events:PutEvents'))
      .map((one) => ({ who: policy.id.replace(/RoleDefaultPolicy.*/, ''), ...one })),
  );

test('events are published on the bus of the stack only, in the name of the broker, by type', () => {
  const [bus, ...others] = synthesized.ofType('AWS::Events::EventBus');
  expect(others).toEqual([]);
  for (const { Action, Resource, Condition } of publishing()) {
    expect(list(Action)).toEqual(['events:PutEvents']);
    expect(Resource).toEqual({ 'Fn::GetAtt': [bus?.id, 'Arn'] });
    expect(Condition).toEqual({
      StringEquals: { 'events:source': eventSource, 'events:detail-type': expect.anything() },
    });
  }
});

test('each type of event has one function that may publish it, as docs/events.md says', () => {
  const publishers = publishing().flatMap(({ who, Condition }) =>
    list(Condition?.StringEquals?.['events:detail-type']).map((type) => [String(type), who] as const),
  );
  const expected: Readonly<Record<EventType, string>> = {
    IndexPublished: 'SyncIndex',
    FileCached: 'FetchPayload',
    FileRemoved: 'CleanPayloads',
    RulesPublished: 'ServeOperators',
    HostFailing: 'AggregateFleet',
    HostCloned: 'ServeAgents',
    CommandFinished: 'ServeAgents',
  };
  expect(Object.keys(expected).sort()).toEqual(Object.keys(eventDetails).sort());
  expect(publishers.sort()).toEqual(Object.entries(expected).sort());
});
