import { RefusedError } from '../ask.js';

/** The codes of JSON-RPC that are the same in all protocols. */
const INVALID_PARAMS = -32_602;
const INTERNAL_ERROR = -32_603;

/** A refusal in the terms of JSON-RPC. */
export interface RpcRefusal {
  readonly code: number;
  readonly message: string;
  readonly data: { readonly code: string; readonly hint: string };
}

/** A refusal as JSON-RPC says it. Throws anything else again. */
export function refusalOf(error: unknown): RpcRefusal {
  if (!(error instanceof RefusedError)) throw error;
  const { code, message, hint } = error.body;
  const ours = ['redis_unreachable', 'redis_refused', 'configuration', 'internal_error'].includes(code);
  return { code: ours ? INTERNAL_ERROR : INVALID_PARAMS, message, data: { code, hint } };
}

/** Carries out what a tool may refuse, and throws the refusal as the error that an SDK sends. */
export async function refusing<Value>(
  action: () => Value | Promise<Value>,
  toError: (refusal: RpcRefusal) => Error,
): Promise<Value> {
  try {
    return await action();
  } catch (error) {
    throw toError(refusalOf(error));
  }
}
