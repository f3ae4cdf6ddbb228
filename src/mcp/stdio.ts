import type { Transport as TransportUntil2025 } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { Transport } from '@modelcontextprotocol/server';
import { LOCAL } from '../shared/principal.js';
import type { Asker } from './ask.js';
import { bringMessage, namesItsProtocol } from './door/message.js';
import { createOpenCalls } from './open-calls.js';
import { openWire, type WireMessage } from './stdio-wire.js';
import { type Connection, createNotice } from './surface.js';

/** A prompt that is too long has to be read to be refused (characters). */
const LONGEST_MESSAGE = 64 * 1024 * 1024;
/** After the end of the input, what waits in calls for a run is ended after this time (ms), and answers what there is. */
const WAITS_END_MS = 1_000;

export interface StdioDeps extends Omit<Connection, 'principal' | 'calls' | 'lasting' | 'directory' | 'notice'> {
  /** See `Connection`. */
  readonly notice?: string;
  /** The directory of the client, which a person has started there; `roots`: what the client says of that itself. */
  readonly directoryOf: (roots: readonly string[]) => string | undefined;
  /** Something has been answered: whatever else is to be loaded and started does not delay the client any more. */
  readonly onAnswered: () => void;
}

/** The wire as one of the SDKs sees it; `take` gives it what has come. */
interface Leg {
  take(message: WireMessage): void;
  close(): void;
}

/**
 * Serves one client on stdin and stdout; resolves when the client goes away and what it had asked is answered. The runs
 * it submitted go on. Nothing is waited for before the first answer, and only the SDK that it needs is loaded.
 */
export async function serveStdio({ onAnswered, directoryOf, notice, ...given }: StdioDeps): Promise<void> {
  const directory = async () => directoryOf([]);
  const connection: Connection = {
    ...given,
    principal: LOCAL,
    calls: createOpenCalls(),
    lasting: true,
    directory,
    ...(notice !== undefined && { notice: createNotice(notice) }),
  };
  let turn = Promise.resolve();
  let leave = () => {};
  const gone = new Promise<void>((resolve) => {
    leave = resolve;
  });

  const send = async (message: WireMessage) => {
    wire.send(message);
    if (message.method === undefined) onAnswered();
  };
  const legs = openLegs(connection, directoryOf, send);
  const wire = openWire({
    input: process.stdin,
    output: process.stdout,
    longest: LONGEST_MESSAGE,
    onMessage(message) {
      // In their order, whatever is being loaded.
      turn = turn
        .then(async () => {
          const brought = bringMessage(message);
          if ('refused' in brought) await send(brought.refused);
          else (await legs.of(message)).take(brought.message);
        })
        .catch((error: unknown) => given.logger.error({ err: error }, 'a message could not be handled'));
    },
    onEnd: () => void answerAll().then(leave),
    onGone: () => leave(),
  });

  async function answerAll(): Promise<void> {
    await turn;
    const impatient = connection
      .pool()
      .catch(() => {})
      .then(() => setTimeout(connection.calls.endWaits, WAITS_END_MS));
    await wire.allAnswered();
    void impatient.then(clearTimeout);
    await wire.flushed();
  }

  await gone;
  legs.close();
}

/** A leg for each protocol that is spoken. The newest handshake decides which: some clients try one, and go on with the other. */
function openLegs(
  connection: Connection,
  directoryOf: StdioDeps['directoryOf'],
  send: (message: WireMessage) => Promise<void>,
) {
  let until2025: Leg | undefined;
  let since2026: Leg | undefined;
  let current: Leg | undefined;
  return {
    async of(message: WireMessage): Promise<Leg> {
      if (message.method === 'initialize') {
        until2025?.close();
        current = until2025 = await legUntil2025(connection, directoryOf, send);
      } else if (!current || speaksSince2026(message)) {
        current = since2026 ??= await legSince2026(connection, send);
      }
      return current;
    },
    close(): void {
      until2025?.close();
      since2026?.close();
    },
  };
}

function speaksSince2026(message: WireMessage): boolean {
  return message.method === 'server/discover' || namesItsProtocol(message);
}

/** A transport that an SDK takes for its own. */
function transportTo(send: (message: WireMessage) => Promise<void>): Transport {
  return { start: async () => {}, send: (message) => send(message as WireMessage), close: async () => {} };
}

const legOf = (transport: Transport): Leg => ({
  take: (message) => transport.onmessage?.(message as Parameters<NonNullable<Transport['onmessage']>>[0]),
  close: () => transport.onclose?.(),
});

async function legUntil2025(
  connection: Connection,
  directoryOf: StdioDeps['directoryOf'],
  send: (message: WireMessage) => Promise<void>,
): Promise<Leg> {
  const { bindUntil2025 } = await import('./bindings/until-2025.js');
  const { rootsOf } = await import('./bindings/until-2025-roots.js');
  const transport = transportTo(send);
  const server = bindUntil2025({ ...connection, directory: async () => directoryOf(await roots()) });
  const roots = rootsOf(server);
  await server.connect(transport as TransportUntil2025);
  return legOf(transport);
}

/** Before the SDK, which tells nobody what a client listens to, every message is heard here. */
async function legSince2026(connection: Connection, send: (message: WireMessage) => Promise<void>): Promise<Leg> {
  const { serveSince2026 } = await import('./bindings/since-2026-stdio.js');
  const { openListening } = await import('./bindings/since-2026-listening.js');
  const { refusalOf } = await import('./bindings/refusals.js');
  const transport = transportTo(async (message) => {
    await send(message);
    listening.heardAnswer(message);
  });
  const server = serveSince2026(connection, transport);
  const listening = openListening(connection as Asker, (uri) => server.tellUpdated(uri));
  const leg = legOf(transport);
  return {
    take(message) {
      const heard = listening.hear(message);
      if (!heard) return leg.take(message);
      const refuse = (error: unknown) =>
        send({ jsonrpc: '2.0', id: message.id, error: refusalOf(error) } as WireMessage);
      heard
        .then(() => leg.take(message), refuse)
        .catch((error: unknown) => connection.logger.error({ err: error }, 'a message could not be handled'));
    },
    close() {
      listening.stop();
      leg.close();
    },
  };
}
