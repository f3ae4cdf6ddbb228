import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Balancer {
  readonly url: string;
  /** How many requests each server has answered, in their order. */
  readonly answered: readonly number[];
  stop(): Promise<void>;
}

/** Sends each request to the next server in turn, over a connection of its own; one that is down is passed over. */
export async function startBalancer(...servers: readonly string[]): Promise<Balancer> {
  const answered = servers.map(() => 0);
  let turn = 0;

  function forward(asked: IncomingMessage, response: ServerResponse, body: Buffer, tries: number): void {
    const at = turn % servers.length;
    turn += 1;
    const { method, headers } = asked;
    const sent = request(new URL(asked.url ?? '/', servers[at]), { method, headers, agent: false });
    response.on('close', () => sent.destroy());
    sent.once('error', () => {
      if (response.headersSent || response.destroyed) response.destroy();
      else if (tries > 1) forward(asked, response, body, tries - 1);
      else response.writeHead(502).end();
    });
    sent.once('response', (answer: IncomingMessage) => {
      answered[at] = (answered[at] ?? 0) + 1;
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      response.flushHeaders();
      answer.pipe(response);
      answer.once('error', () => response.destroy());
    });
    sent.end(body);
  }

  const server = createServer(async (asked, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of asked) chunks.push(chunk);
    forward(asked, response, Buffer.concat(chunks), servers.length);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answered,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
