/** JSON-RPC 2.0, as far as a host and its app speak it. */
interface Message {
  readonly jsonrpc: '2.0';
  readonly id?: number | string;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly message?: string };
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** What the app asks its host. */
export interface Host {
  request<Result>(method: string, params: object): Promise<Result>;
  notify(method: string, params: object): void;
}

/** Speaks to the window around this one, and to no other; `on` takes what it tells. */
export function connectToHost(on: (method: string, params: Readonly<Record<string, unknown>>) => void): Host {
  const around = window.parent;
  const waiting = new Map<number | string, Waiting>();
  let last = 0;
  // Nobody tells an app in a sandbox which origin its host has.
  const send = (message: Omit<Message, 'jsonrpc'>) => around.postMessage({ jsonrpc: '2.0', ...message }, '*');
  const answer = (id: number | string, method: string) =>
    ['ping', 'ui/resource-teardown'].includes(method)
      ? send({ id, result: {} })
      : send({ id, error: { code: -32_601, message: `there is no ${method}` } as Message['error'] & object });
  addEventListener('message', ({ source, data }: MessageEvent<Message | undefined>) => {
    if (source !== around || data?.jsonrpc !== '2.0') return;
    const { id, method, params, result, error } = data;
    if (method !== undefined) {
      if (id === undefined) on(method, (params ?? {}) as Record<string, unknown>);
      else answer(id, method);
      return;
    }
    const asked = waiting.get(id ?? '');
    waiting.delete(id ?? '');
    if (error) asked?.reject(new Error(error.message ?? 'the host has refused'));
    else asked?.resolve(result);
  });
  return {
    request<Result>(method: string, params: object) {
      last += 1;
      const id = last;
      const answered = new Promise<unknown>((resolve, reject) => waiting.set(id, { resolve, reject }));
      send({ id, method, params });
      return answered as Promise<Result>;
    },
    notify: (method, params) => send({ method, params }),
  };
}
