import { describe, expect, test } from 'vitest';
import { RUNNERS } from '../../../../src/shared/runners/list.js';
import {
  concurrencyFor,
  defaultSlots,
  type Resources,
  resourcesHere,
} from '../../../../src/worker/host/default-slots.js';

const GIB = 1024 ** 3;
const machine = (more: Partial<Resources> = {}): Resources => ({ memoryBytes: 16 * GIB, cores: 8, ...more });
const runner = (name: string, memoryMib?: number, atOnce?: number) => ({
  name,
  ...(memoryMib !== undefined && { memoryMib }),
  ...(atOnce !== undefined && { atOnce }),
});
const light = runner('light', 128);
const heavy = runner('heavy', 1024);

describe('without AGENTPOOL_CONCURRENCY a worker has as many slots as', () => {
  test.each([
    ['the cores bear', machine(), [light], 32, '4 for each of 8 cores'],
    [
      'half of the memory bears',
      machine({ memoryBytes: 2 * GIB }),
      [light],
      8,
      'half of 2.0 GiB of memory, at 128 MiB for a run of light',
    ],
    [
      'the heaviest of its programs allows',
      machine(),
      [light, heavy],
      8,
      'half of 16.0 GiB of memory, at 1024 MiB for a run of heavy',
    ],
    [
      'a program that nobody has measured allows',
      machine({ memoryBytes: 4 * GIB }),
      [runner('own')],
      4,
      'half of 4.0 GiB of memory, at 500 MiB for a run of own',
    ],
    [
      'is left by one that runs once at most',
      machine({ memoryBytes: 4 * GIB }),
      [light, runner('single', 1024, 1)],
      9,
      'half of 4.0 GiB of memory, at 128 MiB for a run of light',
    ],
    ['its file descriptors allow', machine({ descriptors: 128 }), [light], 4, '128 file descriptors'],
    ['anybody gets by itself', machine({ memoryBytes: 999 * GIB, cores: 128 }), [light], 64, 'no more by itself'],
    ['a part of a core bears', machine({ cores: 0.5 }), [light], 2, '4 for each of 0.5 cores'],
    [
      'one at least',
      machine({ memoryBytes: GIB / 4 }),
      [heavy],
      1,
      'half of 256.0 MiB of memory, at 1024 MiB for a run of heavy',
    ],
    [
      'no program is there',
      machine({ memoryBytes: 4 * GIB }),
      [],
      4,
      'half of 4.0 GiB of memory, at 500 MiB for a run',
    ],
  ])('%s', (_, resources, runners, slots, reason) => {
    expect(defaultSlots(resources, runners)).toEqual({ slots, reason });
    expect(concurrencyFor('auto', resources, runners)).toBe(slots);
  });
});

test('what the setting says holds whatever the machine has', () => {
  expect(concurrencyFor(200, machine(), [heavy])).toBe(200);
  expect(concurrencyFor({ light: 3 }, machine(), [heavy])).toEqual({ light: 3 });
});

test('this machine has memory and cores, and some slots with every program there is', () => {
  const here = resourcesHere();
  expect(here.memoryBytes).toBeGreaterThan(64 * 1024 * 1024);
  expect(here.cores).toBeGreaterThan(0);
  expect(defaultSlots(here, RUNNERS).slots).toBeGreaterThanOrEqual(1);
});
