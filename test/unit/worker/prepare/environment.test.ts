import { describe, expect, test } from 'vitest';
import { programEnvironment, resolveMcpServers } from '../../../../src/worker/prepare/environment.js';

const braced = (name: string) => ['$', '{', name, '}'].join('');
const withAdded = (added: Record<string, string>, worker: Record<string, string>) =>
  programEnvironment({ worker, inherited: {}, added });

describe('the environment of a program', () => {
  test('is what it inherits alone for a runner that adds nothing', () => {
    const parts = { worker: { A: 'a', B: 'b' }, inherited: { A: 'a' }, added: {} };
    expect(programEnvironment(parts)).toEqual({ env: { A: 'a' }, missing: [] });
  });

  test('has what the runner adds, over what the worker has', () => {
    const parts = { worker: {}, inherited: { A: 'old' }, added: { A: 'new', B: 'b' } };
    expect(programEnvironment(parts).env).toEqual({ A: 'new', B: 'b' });
  });

  test('has what a built-in runner gives as it is, under what a profile adds', () => {
    const given = { TEXT: `pay ${braced('PRICE')}`, A: 'given' };
    const { env, missing } = programEnvironment({ worker: { B: 'b' }, inherited: {}, given, added: { A: '$B' } });
    expect({ env, missing }).toEqual({ env: { TEXT: `pay ${braced('PRICE')}`, A: 'b' }, missing: [] });
  });
});

describe('a value of a runner or a profile', () => {
  const worker = { KEY_A: 'secret', _b1: 'b', EMPTY: '' };

  test.each([
    ['$KEY_A', 'secret'],
    [braced('KEY_A'), 'secret'],
    ['$_b1', 'b'],
    ['$EMPTY', ''],
    ['$$KEY_A', '$$KEY_A'],
    ['x$KEY_A', 'x$KEY_A'],
    ['$KEY_A x', '$KEY_A x'],
    ['${KEY_A', '${KEY_A'],
    ['$KEY_A}', '$KEY_A}'],
    ['$1', '$1'],
    ['$', '$'],
    ['', ''],
  ])('such as %j becomes %j', (value, resolved) => {
    expect(withAdded({ TOKEN: value }, worker)).toEqual({ env: { TOKEN: resolved }, missing: [] });
  });

  test('may name what is not passed on itself', () => {
    const { env } = withAdded({ KEY: '$CLAUDE_KEY' }, { CLAUDE_KEY: 'secret' });
    expect(env).toEqual({ KEY: 'secret' });
  });

  test('that names what the worker does not have is told, each name once', () => {
    const added = { A: '$NONE', B: braced('NONE'), C: '$ALSO_NONE', D: '$constructor', E: '$KEY_A' };
    expect(withAdded(added, worker).missing).toEqual(['NONE', 'ALSO_NONE', 'constructor']);
  });
});

describe('the MCP servers of a profile', () => {
  test('have the variables of the worker in their environment and headers, and tell which are missing', () => {
    const servers = {
      local: { command: 'server', args: ['$KEY'], env: { TOKEN: '$KEY', MODE: 'fast' } },
      remote: { type: 'http' as const, url: 'http://127.0.0.1:1/mcp', headers: { Authorization: '$NONE' } },
    };
    const { resolved, missing } = resolveMcpServers(servers, { KEY: 'secret' });
    expect(resolved).toEqual({
      local: { ...servers.local, env: { TOKEN: 'secret', MODE: 'fast' } },
      remote: { ...servers.remote, headers: { Authorization: '' } },
    });
    expect(missing).toEqual(['NONE']);
  });
});
