interface Message {
  readonly method?: unknown;
  readonly params?: { readonly arguments?: unknown };
}

/** A message as the SDKs take it: some clients send `arguments: null` for a tool that needs none. */
export function withoutNulls<Given>(message: Given): Given {
  if (Array.isArray(message)) return message.map(withoutNulls) as Given;
  const { method, params } = (message ?? {}) as Message;
  if (method !== 'tools/call' || params?.arguments !== null) return message;
  const { arguments: _, ...rest } = params;
  return { ...message, params: rest };
}
