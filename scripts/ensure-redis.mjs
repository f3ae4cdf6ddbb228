#!/usr/bin/env node
// Makes sure that a Redis can be had before `npm run demo`, `npm test` and `npm start`.
// Plain Node without dependencies; asks nothing, so it never hangs where there is no terminal.
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const onPath = (name) =>
  (process.env.PATH ?? '').split(delimiter).some((dir) => {
    try {
      accessSync(join(dir, name), constants.X_OK);
      return dir !== '';
    } catch {
      return false;
    }
  });

const say = (line) => process.stderr.write(`agentpool: ${line}\n`);

/** Runs one command with its output on stderr and its stdin closed; true when it ended with 0. */
const run = (command, args, env = {}) =>
  spawnSync(command, args, { stdio: ['ignore', 2, 2], env: { ...process.env, ...env }, timeout: 10 * 60_000 })
    .status === 0;

/** The command prefix with which a package may be installed, or undefined where we may not. */
function rootPrefix() {
  if (process.getuid?.() === 0) return [];
  if (onPath('sudo') && spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore', timeout: 5_000 }).status === 0)
    return ['sudo', '-n'];
  return undefined;
}

function installWithApt(prefix) {
  const apt = (...args) => {
    const [command, ...rest] = [...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...args];
    return run(command, rest);
  };
  say(`no redis-server found; installing it with: ${[...prefix, 'apt-get install -y redis-server'].join(' ')}`);
  // --no-install-recommends: the server alone. Where Debian starts it as a service, that one is left alone.
  const install = () => apt('install', '-y', '-q', '--no-install-recommends', 'redis-server');
  return install() || (apt('update', '-q') && install());
}

function installWithBrew() {
  say('no redis-server found; installing it with: brew install redis');
  return run('brew', ['install', 'redis'], { HOMEBREW_NO_AUTO_UPDATE: '1', NONINTERACTIVE: '1' });
}

function manualLine() {
  if (onPath('apt-get')) return 'sudo apt-get install -y redis-server';
  if (onPath('dnf')) return 'sudo dnf install -y valkey   (or: sudo dnf install -y redis)';
  if (onPath('apk')) return 'sudo apk add redis';
  if (onPath('pacman')) return 'sudo pacman -S --noconfirm valkey';
  if (process.platform === 'darwin') return 'brew install redis';
  return 'install Redis 6.2 or newer so that redis-server is on PATH';
}

function ensureRedis() {
  if (process.env.REDIS_URL || onPath('redis-server') || onPath('valkey-server')) return true;
  const prefix = onPath('apt-get') ? rootPrefix() : undefined;
  if (prefix && installWithApt(prefix) && onPath('redis-server')) return true;
  if (process.platform === 'darwin' && onPath('brew') && installWithBrew()) return true;
  say('agentpool needs Redis 6.2 or newer, and there is neither REDIS_URL nor a redis-server on PATH.');
  say(`install it:       ${manualLine()}`);
  say('or use your own:  REDIS_URL=redis://host:6379');
  return false;
}

process.exit(ensureRedis() ? 0 : 78);
