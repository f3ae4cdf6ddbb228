import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MAIN } from '../test/chaos/world.mjs';

/** A whole pool as `agentpool up` brings it up, in a directory of its own; resolves when it is ready. */
export async function startUp(settings = {}) {
  const root = mkdtempSync(join(tmpdir(), 'ap-up-'));
  const home = join(root, 'home');
  mkdirSync(home);
  const env = {
    PATH: process.env.PATH,
    HOME: root,
    AGENTPOOL_HOME: home,
    AGENTPOOL_RUNNERS: 'demo',
    AGENTPOOL_PORT: '0',
    AGENTPOOL_LOG_LEVEL: 'warn',
    ...settings,
  };
  const up = spawn(process.execPath, [MAIN, 'up'], { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] });
  await once(up.stdout, 'data');
  return {
    root,
    home,
    env,
    async stop() {
      up.kill('SIGTERM');
      await once(up, 'exit');
      rmSync(root, { recursive: true, force: true });
    },
  };
}
