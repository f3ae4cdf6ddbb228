import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import type { Pool } from '../shared/pool.js';
import { createMcpServer } from './server.js';

/** A prompt that is too long has to be read to be refused (bytes). */
const LARGEST_MESSAGE = 64 * 1024 * 1024;

/** Serves one client on stdin and stdout; resolves when the client goes away. The runs it submitted go on. */
export async function serveStdio(pool: Pool): Promise<void> {
  const server = createMcpServer(pool);
  const gone = new Promise<void>((resolve) => {
    server.onclose = resolve;
    process.stdin.once('end', resolve);
    process.stdin.once('close', resolve);
  });
  await server.connect(new StdioServerTransport(process.stdin, process.stdout, { maxBufferSize: LARGEST_MESSAGE }));
  await gone;
  await server.close();
}
