import { beforeEach, describe, expect, it } from 'vitest';
import type { AuditRecord } from '#shared/contract/audit.ts';
import { chainStart, faultInChain } from '#shared/contract/audit-chain.ts';
import { canonicalJson } from '#shared/contract/canonical-json.ts';
import type { Endpoint } from '#shared/contract/endpoint.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { noRules, type RuleBook } from '#shared/contract/rules.ts';
import { initialDocuments } from '#shared/repository/author.ts';
import { ada, operatorsApi, origin, post } from '#test/kit/operators-api.ts';
import { throwawaySigner } from '#test/kit/signed-repository.ts';
import { at, guid, hostKeyOf, sha1, sha256, tokenOf } from '#test/kit/values.ts';

/** One table of all changing endpoints, which every test of the file goes through: hence its length. */

let world = operatorsApi();
beforeEach(() => {
  world = operatorsApi();
});

const book: RuleBook = {
  packages: [
    { name: 'pilot', priority: 0, rules: [{ effect: 'forbid', when: { kbs: ['5000001'] }, comment: 'a long story' }] },
  ],
  assignments: { groups: { pilots: ['pilot'] }, hosts: { 'pc-1': ['pilot'] } },
};
/** As the log names a book. */
const digestOf = (one: RuleBook): string => sha256(canonicalJson(one));
const command = {
  version: 1 as const,
  verb: 'scan' as const,
  target: { kind: 'group' as const, group: 'pilots' },
  expiresInSeconds: 3600,
};

interface Change {
  /** Makes what the change needs. @returns the call */
  readonly prepare: () => Promise<() => Promise<unknown>>;
  /** What its entry says beside who and where from. */
  readonly entry: Pick<AuditRecord, 'action' | 'target'> & { readonly before?: unknown; readonly after?: unknown };
  /** True when the change was made. */
  readonly made: () => Promise<boolean>;
}

/** Every endpoint that changes something. */
const changes: Readonly<Record<string, Change>> = {
  openUploads: {
    prepare: async () => () =>
      world.api.openUploads(post({ version: 1, files: [{ sha256: sha256('setup.exe'), size: 9 }] })),
    entry: {
      action: 'packages.upload',
      target: 'packages',
      after: { files: [{ sha256: sha256('setup.exe'), size: 9 }] },
    },
    made: async () => world.ports.packages.addresses.length > 0,
  },
  startSync: {
    prepare: async () => () => world.api.startSync(post({ again: true })),
    entry: { action: 'index.sync', target: guid(1), after: { again: true } },
    made: async () => world.started.length > 0,
  },
  startSweep: {
    prepare: async () => {
      const { sweep } = world.ports.runs;
      world.ports.runs.sweep = async () => {
        swept = true;
        return sweep();
      };
      swept = false;
      return () => world.api.startSweep(post({}));
    },
    entry: { action: 'requests.sweep', target: 'requests' },
    made: async () => swept,
  },
  requestFiles: {
    prepare: async () => {
      await world.ports.catalog.putFileFacts([
        { sha1: sha1('wanted'), url: 'http://download.windowsupdate.com/wanted' },
      ]);
      return () => world.api.requestFiles(post({ version: 1, sha1s: [sha1('wanted')] }));
    },
    entry: { action: 'files.request', target: 'files', after: { sha1s: [sha1('wanted')] } },
    made: async () => (await world.ports.requests.get([sha1('wanted')])).size > 0,
  },
  startCleaning: {
    prepare: async () => () => world.api.startCleaning(post({ graceSeconds: 0 })),
    entry: { action: 'files.clean', target: guid(1), after: { graceSeconds: 0 } },
    made: async () => world.started.length > 0,
  },
  revokeHost: {
    prepare: async () => {
      await world.enrol('pc-1');
      return () => world.api.revokeHost(post({ version: 1, reason: 'stolen' }, { machineId: 'pc-1' }));
    },
    entry: {
      action: 'host.revoke',
      target: 'pc-1',
      before: { group: 'pilots', thumbprint: hostKeyOf('pc-1').thumbprint },
      after: { group: 'pilots', thumbprint: hostKeyOf('pc-1').thumbprint, revokedAt: at(100), reason: 'stolen' },
    },
    made: async () => (await world.ports.hosts.find('pc-1'))?.revokedAt !== undefined,
  },
  putRules: {
    prepare: async () => () =>
      world.api.putRules(post({ version: 2, expectedRevision: 0, comment: 'see ticket 17', book })),
    entry: {
      action: 'rules.put',
      target: 'rules',
      before: { revision: 0, sha256: digestOf(noRules.book), packages: 0 },
      after: {
        revision: 1,
        sha256: digestOf(book),
        packages: 1,
        comment: 'see ticket 17',
        packagesAdded: ['pilot'],
        packagesChanged: [],
        packagesRemoved: [],
        groupsReassigned: ['pilots'],
        hostsReassigned: { total: 1, first: ['pc-1'] },
        hostsMoved: { total: 0, first: [] },
      },
    },
    made: async () => (await world.ports.rules.get()).revision > 0,
  },
  changeTrust: {
    prepare: async () => {
      const { online, ports, api } = world;
      const made = await initialDocuments({
        signers: [throwawaySigner()],
        threshold: 1,
        onlineKey: await online.publicKey(),
        ...(await ports.rules.get()),
        now: ports.now(),
      });
      return () => api.changeTrust(post({ version: 1, documents: [...made], comment: 'the first' }));
    },
    entry: {
      action: 'trust.change',
      target: 'repository',
      after: {
        rootSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
        versions: { root: 1, targets: 1, rules: 1, custom: 1, agent: 1 },
        comment: 'the first',
      },
    },
    made: async () => world.ports.publisher.messages.length > 0,
  },
  createCommand: {
    prepare: async () => () => world.api.createCommand(post(command)),
    entry: {
      action: 'command.create',
      target: guid(1),
      after: {
        version: 1,
        commandId: guid(1),
        verb: 'scan',
        target: command.target,
        createdAt: at(100),
        createdBy: ada.name,
        expiresAt: at(3700),
        outcomes: { done: 0, failed: 0 },
      },
    },
    made: async () => (await world.ports.commands.get(guid(1))) !== undefined,
  },
  cancelCommand: {
    prepare: async () => {
      await world.ports.commands.create({ ...command, ...stored });
      return () => world.api.cancelCommand(post({}, { commandId: 'command-1' }));
    },
    entry: {
      action: 'command.cancel',
      target: 'command-1',
      before: { commandId: 'command-1' },
      after: { commandId: 'command-1', cancelledAt: at(100) },
    },
    made: async () => (await world.ports.commands.get('command-1'))?.cancelledAt !== undefined,
  },
  createToken: {
    prepare: async () => () =>
      world.api.createToken(post({ version: 1, group: 'pilots', uses: 5, expiresInSeconds: 60, note: 'a try' })),
    entry: {
      action: 'token.create',
      target: expect.stringMatching(/^[a-z2-7]{16}$/),
      after: { group: 'pilots', uses: 5, used: 0, createdBy: ada.name, expiresAt: at(160), note: 'a try' },
    },
    made: async () => world.ports.tokens.rows.size > 0,
  },
  revokeToken: {
    prepare: async () => {
      await world.ports.tokens.create(tokenOf(1), sha256('secret'));
      return () => world.api.revokeToken(post({}, { tokenId: tokenOf(1).tokenId }));
    },
    entry: {
      action: 'token.revoke',
      target: tokenOf(1).tokenId,
      before: tokenOf(1),
      after: { ...tokenOf(1), revokedAt: at(100) },
    },
    made: async () => (await world.ports.tokens.get(tokenOf(1).tokenId))?.revokedAt !== undefined,
  },
};
let swept = false;
const stored = {
  commandId: 'command-1',
  createdAt: at(1),
  createdBy: 'somebody',
  expiresAt: at(5000),
  outcomes: { done: 0, failed: 0 },
};

/** Questions whose body is too long for the address of a GET. */
const questions: Readonly<Record<string, () => Promise<unknown>>> = {
  askImpact: () => world.api.askImpact(post({ version: 2, book })),
};

it('these are all the endpoints that are not reads', () => {
  const endpoints: Readonly<Record<string, Endpoint>> = operatorEndpoints;
  const posted = Object.entries(endpoints).filter(([, { method }]) => method !== 'GET');
  const names = (safe: boolean) =>
    posted.flatMap(([name, endpoint]) => ((endpoint.safe === true) === safe ? [name] : [])).toSorted();
  expect(Object.keys(changes).toSorted()).toEqual(names(false));
  expect(Object.keys(questions).toSorted()).toEqual(names(true));
});

it.each(Object.entries(questions))('%s is for whoever may look, and changes nothing', async (name, ask) => {
  world.ports.audit.beforeAppend = () => {
    throw new Error('nothing is to be written down');
  };
  await ask();
  expect(operatorEndpoints[name as keyof typeof operatorEndpoints]).toMatchObject({ access: 'viewer', safe: true });
  expect(world.ports.audit.entries).toEqual([]);
  expect(await world.ports.rules.get()).toEqual(noRules);
  expect(world.ports.events.of('RulesPublished')).toEqual([]);
});

describe.each(Object.entries(changes))('%s', (_name, { prepare, entry, made }) => {
  it('is in the audit log once, with before and after, by whom and from where', async () => {
    const change = await prepare();
    await change();
    expect(world.ports.audit.entries).toMatchObject([
      {
        ...entry,
        number: 1,
        at: at(100),
        actor: { kind: 'person', subject: ada.subject, name: ada.name, role: ada.role },
        ...origin,
      },
    ]);
    const [written] = world.ports.audit.entries;
    expect(Object.hasOwn(written ?? {}, 'before')).toBe(entry.before !== undefined);
    expect(Object.hasOwn(written ?? {}, 'after')).toBe(entry.after !== undefined);
    expect(await made()).toBe(true);
  });

  it('is written down before it is made, and not made when it cannot be', async () => {
    const change = await prepare();
    let madeBefore: Promise<boolean> | undefined;
    world.ports.audit.beforeAppend = () => {
      madeBefore = made();
      throw new Error('no table');
    };
    await expect(change()).rejects.toMatchObject({ name: 'ProblemError', code: 'unavailable' });
    expect(await madeBefore).toBe(false);
    expect(await made()).toBe(false);
    expect(world.ports.audit.entries).toEqual([]);
  });
});

describe('a change that fails', () => {
  const fail = (): Promise<unknown> => {
    world.ports.runs.startSync = async () => {
      throw new Error('no such function');
    };
    return world.api.startSync(post({}));
  };

  it('has a second entry that says so of the first one, and the chain goes on', async () => {
    await expect(fail()).rejects.toMatchObject({ code: 'unavailable' });
    const { entries } = world.ports.audit;
    expect(entries).toMatchObject([
      { number: 1, action: 'index.sync' },
      {
        number: 2,
        action: 'index.sync',
        target: guid(1),
        failed: { number: 1, reason: 'the run could not be started' },
      },
    ]);
    expect(entries.map((entry, index) => faultInChain(entry, entries[index - 1] ?? chainStart, sha256))).toEqual([
      undefined,
      undefined,
    ]);
  });

  it('on its way back may have been made: the second entry does not say that it was not', async () => {
    await world.enrol('pc-1');
    const { hosts, audit } = world.ports;
    const revoke = hosts.revoke.bind(hosts);
    hosts.revoke = async (...args) => {
      await revoke(...args);
      throw new Error('the connection was lost');
    };
    const revocation = world.api.revokeHost(post({ version: 1 }, { machineId: 'pc-1' }));
    await expect(revocation).rejects.toThrow('the connection was lost');
    expect((await hosts.find('pc-1'))?.revokedAt).toBe(at(100));
    expect(audit.entries.map(({ failed }) => failed)).toEqual([
      undefined,
      { number: 1, reason: 'the connection was lost' },
    ]);
    hosts.revoke = revoke;
    audit.beforeAppend = ({ failed }) => {
      if (failed !== undefined) throw new Error('no table');
    };
    // Neither does the answer, when there is no second entry.
    hosts.revoke = async () => {
      throw new Error('the connection was lost');
    };
    await expect(world.api.revokeHost(post({ version: 1 }, { machineId: 'pc-1' }))).rejects.toThrow(
      /is not known to be made \(the connection was lost\).*entry 3 stands/,
    );
  });

  it('and of which the log cannot say so says that, too', async () => {
    world.ports.audit.beforeAppend = ({ failed }) => {
      if (failed !== undefined) throw new Error('no table');
    };
    await expect(fail()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/could not be started.*entry 1 stands/),
    });
  });
});

it('of rules the log has a summary, never the rules themselves', async () => {
  await world.api.putRules(post({ version: 2, expectedRevision: 0, book }));
  expect(JSON.stringify(world.ports.audit.entries)).not.toContain('a long story');
});

it('a change that was made stands in the log, whatever becomes of its answer', async () => {
  const broken = new Error('the stored report of pc-1 does not parse');
  await world.enrol('pc-1');
  world.ports.hosts.view = async () => {
    throw broken;
  };
  const revocation = world.api.revokeHost(post({ version: 1 }, { machineId: 'pc-1' }));
  await expect(revocation).rejects.toBe(broken);
  expect((await world.ports.hosts.find('pc-1'))?.revokedAt).toBe(at(100));

  await world.ports.commands.create({ ...command, ...stored });
  const { cancel, get } = world.ports.commands;
  world.ports.commands.cancel = async (...args) => {
    const cancelled = await cancel.apply(world.ports.commands, args);
    world.ports.commands.get = async () => {
      throw broken;
    };
    return cancelled;
  };
  await expect(world.api.cancelCommand(post({}, { commandId: 'command-1' }))).rejects.toBe(broken);
  expect((await get.call(world.ports.commands, 'command-1'))?.cancelledAt).toBe(at(100));

  expect(world.ports.audit.entries.map(({ action, failed }) => ({ action, failed }))).toEqual([
    { action: 'host.revoke', failed: undefined },
    { action: 'command.cancel', failed: undefined },
  ]);
});

it('the secret of a token is told once, and is in neither the log nor the store', async () => {
  const wish = { version: 1 as const, group: 'pilots', uses: 5, expiresInSeconds: 60, rootSha256: sha256('root') };
  const { token, view } = await world.api.createToken(post(wish));
  const [, id, secret = '', root] = token.split('_');
  expect([id, root]).toEqual([view.tokenId, sha256('root')]);
  expect(secret).toMatch(/^[A-Za-z0-9-]{43}$/);
  expect(JSON.stringify(world.ports.audit.entries)).not.toContain(secret);
  const row = world.ports.tokens.rows.get(view.tokenId);
  expect(JSON.stringify(row)).not.toContain(secret);
  expect(row?.secretSha256).toBe(sha256(secret));
});

describe('50 changes at once', () => {
  it('are all in the log, without a gap', async () => {
    const wish = { version: 1 as const, group: 'pilots', uses: 1, expiresInSeconds: 60 };
    let ids = 0;
    world.ports.randomBytes = (count) => {
      ids += 1;
      return Buffer.from(sha256(String(ids)), 'hex').subarray(0, count);
    };
    await Promise.all(Array.from({ length: 50 }, () => world.api.createToken(post(wish))));
    expect(world.ports.audit.entries.map(({ number }) => number)).toEqual(Array.from({ length: 50 }, (_, n) => n + 1));
  });
});
