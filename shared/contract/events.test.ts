import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { type EventType, eventDetails, eventSource } from './events.ts';

const text = readFileSync(new URL('../../docs/events.md', import.meta.url), 'utf8');
/** Sections by their headings. */
const sections = new Map(
  text
    .split(/^## /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf('\n')), section]),
);
const types = Object.keys(eventDetails) as EventType[];

const example = z.object({ source: z.string(), 'detail-type': z.string(), detail: z.record(z.string(), z.unknown()) });

describe('docs/events.md', () => {
  it('has a section for each event, and no other', () => {
    expect([...sections.keys()].sort()).toEqual([...types].sort());
  });

  it.each(types)('lists the fields of %s, and those that may be absent', (type) => {
    const rows = [...(sections.get(type) ?? '').matchAll(/^\| `(\w+)` \| (optional: )?/gm)];
    const told = rows.map(([, name, optional]) => ({ name, optional: optional !== undefined }));
    const fields = Object.entries(eventDetails[type].shape).map(([name, field]) => ({
      name,
      optional: z.safeParse(field, undefined).success,
    }));
    expect(told).toEqual(fields);
  });

  it.each(types)('shows an example of %s that fits', (type) => {
    const [, json = ''] = /```json\n([^`]*)```/.exec(sections.get(type) ?? '') ?? [];
    const { source, 'detail-type': detailType, detail } = example.parse(JSON.parse(json));
    expect({ source, detailType }).toEqual({ source: eventSource, detailType: type });
    const parsed = eventDetails[type].safeParse(detail);
    expect(parsed.error?.issues).toBeUndefined();
    // With every field that there is, and none that there is not.
    expect(Object.keys(detail)).toEqual(Object.keys(eventDetails[type].shape));
  });
});
