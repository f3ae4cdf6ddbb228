import { describe, expect, it, vi } from 'vitest';
import { openLogger } from '../../../../src/shared/logger.js';
import { type HostProbes, startHostHealth } from '../../../../src/worker/host/health.js';

const logger = openLogger('test', 'silent');
/** As long as anything may take on a busy machine. */
const PATIENCE = { timeout: 30_000 };

/** A host of which the test decides what is broken, and that counts its probes. */
function host(firstPauseMs = 1, longestPauseMs = 8) {
  const broken = new Set<string>();
  const probed: { kind: string; at: number }[] = [];
  const probe = (kind: string) => async () => {
    probed.push({ kind, at: performance.now() });
    if (broken.has(kind)) throw new Error(`${kind} is broken`);
  };
  const kinds = ['spool', 'file_descriptors', 'processes', 'memory', 'disk'] as const;
  const probes = Object.fromEntries(kinds.map((kind) => [kind, probe(kind)])) as unknown as HostProbes;
  const logged = vi.spyOn(logger, 'error');
  logged.mockClear();
  const health = startHostHealth({ probes, now: () => 1_000, logger, firstPauseMs, longestPauseMs });
  const changed = () => new Promise<void>((resolve) => void health.onChange(resolve));
  return { health, broken, probed, changed, logged };
}

describe('the health of a host', () => {
  it('has a problem from a fault until the probe of its kind succeeds, and says so once', async () => {
    const { health, broken, probed, changed, logged } = host();
    broken.add('spool');
    health.fault('spool', 'read-only file system');
    health.fault('spool', 'read-only file system, again');
    expect(health.problem).toEqual({ kind: 'spool', message: 'read-only file system', since: 1_000 });
    expect(logged).toHaveBeenCalledTimes(1);
    await vi.waitFor(() => expect(probed.length).toBeGreaterThan(3), PATIENCE);
    expect(health.problem).toBeDefined();
    const recovered = changed();
    broken.clear();
    await recovered;
    expect(health.problem).toBeUndefined();
    expect(probed.every(({ kind }) => kind === 'spool')).toBe(true);
    health.stop();
  });

  it('asks with a growing pause', async () => {
    const { health, broken, probed } = host(10, 80);
    broken.add('disk');
    health.fault('disk', 'full');
    await vi.waitFor(() => expect(probed.length).toBe(5), PATIENCE);
    health.stop();
    const pauses = probed.slice(1).map(({ at }, index) => at - (probed[index]?.at ?? 0));
    // 20, 40, 80, 80: a timer may be late, and never early by more than its resolution.
    for (const [index, least] of [20, 40, 80, 80].entries()) expect(pauses[index]).toBeGreaterThan(least - 2);
  });

  it('stays unhealthy while one of two faults lasts', async () => {
    const { health, broken, changed } = host();
    broken.add('memory');
    health.fault('processes', 'fork failed');
    health.fault('memory', 'no memory');
    await changed();
    expect(health.problem?.kind).toBe('memory');
    broken.clear();
    await vi.waitFor(() => expect(health.problem).toBeUndefined(), PATIENCE);
    health.stop();
  });

  it('goes on with the longer pause when a fault comes back that its probe did not see', async () => {
    const { health, probed } = host(20, 100_000);
    const pauses: number[] = [];
    for (let time = 0; time < 3; time += 1) {
      const begun = performance.now();
      health.fault('spool', 'only real files fail');
      await vi.waitFor(() => expect(health.problem).toBeUndefined(), { ...PATIENCE, interval: 1 });
      pauses.push((probed.at(-1)?.at ?? 0) - begun);
    }
    health.stop();
    expect(pauses[1]).toBeGreaterThan(38);
    expect(pauses[2]).toBeGreaterThan(78);
  });

  it('probes nothing after it was stopped', async () => {
    const { health, probed } = host(5);
    const other = host(10);
    health.fault('disk', 'full');
    health.stop();
    health.fault('spool', 'gone');
    other.health.fault('disk', 'full');
    await vi.waitFor(() => expect(other.probed).not.toEqual([]), PATIENCE); // it was to wait longer, and has probed
    other.health.stop();
    expect(probed).toEqual([]);
  });
});
