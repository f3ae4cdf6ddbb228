import type { NetConnectOpts } from 'node:net';

/** What a connection has shown itself to be: the one that has subscribed, or another one. */
type Kind = 'notifications' | 'commands';

export interface SilentProxy {
  readonly port: number;
  readonly url: string;
  /**
   * From now on these connections carry nothing, in neither direction, and stay open: as after a firewall that has
   * forgotten them. New ones work.
   */
  silence(which?: Kind): number;
  /** All connections carry nothing, new ones too: the machine behind has fallen silent. */
  silenceHost(): void;
  /** New connections work again; those that are silent stay so. */
  speak(): void;
  /** Closes all connections. */
  cut(): void;
  /** New connections go to another Redis; those that are open stay where they are. */
  redirect(to: NetConnectOpts): void;
  /** Connections that are open and not silent. */
  open(which?: Kind): number;
  stop(): Promise<void>;
}

/** Our own proxy before a Redis, which can fall silent without closing anything; on a port of loopback, or on a unix socket. */
export function startSilentProxy(behind: NetConnectOpts, where?: number | string): Promise<SilentProxy>;
