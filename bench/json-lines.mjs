import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { MAIN } from '../test/chaos/world.mjs';

/**
 * An MCP server of a world with a client that only writes and reads lines of JSON: that of the SDK takes as much of a
 * processor for a call as the server has in some figures.
 */
export async function startJsonLines(world) {
  const child = spawn(process.execPath, [MAIN, 'mcp'], {
    cwd: world.work,
    env: { ...world.env, AGENTPOOL_HOME: `${world.root}/json-lines` },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const open = new Map();
  let asked = 0;
  let rest = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      const message = JSON.parse(line);
      open.get(message.id)?.(message);
      open.delete(message.id);
    }
  });
  const say = (message) => {
    // As a client that has much to say: what it says in one turn is one write.
    if (child.stdin.writableCorked === 0) {
      child.stdin.cork();
      process.nextTick(() => child.stdin.uncork());
    }
    child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  };
  const ask = (method, params) =>
    new Promise((resolve) => {
      asked += 1;
      open.set(asked, resolve);
      say({ id: asked, method, params });
    });
  const clientInfo = { name: 'bench', version: '1' };
  await ask('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo });
  say({ method: 'notifications/initialized' });
  return {
    pid: child.pid,
    ping: () => ask('ping'),
    /** The structured answer of a tool; throws for one that is an error. */
    async call(name, args) {
      const { result, error } = await ask('tools/call', { name, arguments: args });
      if (!result || result.isError) throw new Error(JSON.stringify(error ?? result.structuredContent));
      return result.structuredContent;
    },
    async end() {
      child.stdin.end();
      await once(child, 'exit');
    },
  };
}
