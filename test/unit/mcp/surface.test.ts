import { expect, test } from 'vitest';
import { waitCapFor } from '../../../src/mcp/surface.js';

test.each([
  [undefined, undefined, 45_000],
  ['', undefined, 45_000],
  ['cursor', undefined, 45_000],
  ['claude-code', undefined, 110_000],
  ['codex', undefined, 110_000],
  ['codex-mcp-client', undefined, 110_000],
  ['claude-code-2', undefined, 45_000],
  ['Claude-Code', undefined, 45_000],
  ['not-claude-code', undefined, 45_000],
  ['claude-code\n', undefined, 45_000],
  ['claude-code', 1_000, 1_000],
  ['cursor', 300_000, 300_000],
  [undefined, 5_000, 5_000],
])('one call of the client %j, with %j configured, blocks no longer than %i ms', (client, configured, ms) => {
  expect(waitCapFor(client, configured)).toBe(ms);
});
