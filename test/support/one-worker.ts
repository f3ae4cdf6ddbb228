import { afterAll, beforeAll } from 'vitest';
import type { Place } from './pool.js';
import { type Facts, type McpSession, openMcp, type Started, startWorkerProcess } from './processes.js';

/** For all tests of a file: a worker in a place, and the MCP client that is answered; both end after the last test. */
export function oneWorker(place: Place): Pick<McpSession, 'call' | 'client'> {
  let worker: Started | undefined;
  let session: McpSession | undefined;
  beforeAll(async () => {
    worker = await startWorkerProcess(place);
    session = await openMcp(place);
  });
  afterAll(async () => {
    await session?.close();
    await worker?.end();
    place.clean();
  });
  const opened = () => {
    if (!session) throw new Error('the MCP client is there from the first test on');
    return session;
  };
  return {
    get client() {
      return opened().client;
    },
    call: <Answer = Facts>(name: string, args: Facts) => opened().call<Answer>(name, args),
  };
}
