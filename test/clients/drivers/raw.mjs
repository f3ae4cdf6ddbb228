// No SDK at all: JSON-RPC in lines, in the protocol revision that it is told.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export async function open({ command, args, env, cwd, revision }) {
  const child = spawn(command, args, { env, cwd, stdio: ['pipe', 'pipe', 'ignore'] });
  const waiting = new Map();
  let next = 0;
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { id, result, error } = JSON.parse(line);
    const asked = waiting.get(id);
    if (asked === undefined) return;
    waiting.delete(id);
    if (error) asked.reject(new Error(`${error.code} ${error.message}`));
    else asked.resolve(result);
  });
  const since2026 = revision >= '2026';
  const about = { name: 'raw', version: '1' };
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': revision,
    'io.modelcontextprotocol/clientInfo': about,
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const write = (message) => child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  const ask = (method, params = {}) =>
    new Promise((resolve, reject) => {
      next += 1;
      waiting.set(next, { resolve, reject });
      write({ id: next, method, params: { ...params, ...(since2026 && { _meta }) } });
    });
  if (since2026) await ask('server/discover');
  else {
    const { protocolVersion } = await ask('initialize', {
      protocolVersion: revision,
      capabilities: {},
      clientInfo: about,
    });
    if (protocolVersion !== revision) throw new Error(`it speaks ${protocolVersion}`);
    write({ method: 'notifications/initialized' });
  }
  return {
    list: async () => (await ask('tools/list')).tools.map(({ name }) => name),
    call: (name, args_) => ask('tools/call', { name, arguments: args_ }),
    async close() {
      child.stdin.end();
      await new Promise((resolve) => child.once('exit', resolve));
    },
  };
}
