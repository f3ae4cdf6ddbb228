import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  McpError,
  ReadResourceRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { describePrompts, getPrompt } from '../prompts.js';
import { listResources, RESOURCE_TEMPLATES, readResource } from '../resources.js';
import { openSubscriptions } from '../subscriptions.js';
import type { Connection } from '../surface.js';
import { type RpcRefusal, refusing } from './refusals.js';

/** Of these protocols alone: what is asked for is well-formed, and not there. */
const RESOURCE_NOT_FOUND = -32_002;

const toError = ({ code, message, data }: RpcRefusal) => new McpError(code, message, data);
const aboutResource = (uri: string) => (refusal: RpcRefusal) =>
  new McpError(refusal.data.code === 'unknown_run' ? RESOURCE_NOT_FOUND : refusal.code, refusal.message, {
    ...refusal.data,
    uri,
  });

export function offerPrompts(server: Server): void {
  server.setRequestHandler(ListPromptsRequestSchema, () => ({ prompts: describePrompts() }));
  server.setRequestHandler(GetPromptRequestSchema, ({ params }) =>
    refusing(() => getPrompt(params.name, params.arguments), toError),
  );
}

export function offerResources(server: Server, connection: Connection): void {
  server.setRequestHandler(ListResourcesRequestSchema, () => refusing(() => listResources(connection), toError));
  server.setRequestHandler(ListResourceTemplatesRequestSchema, () => ({ resourceTemplates: RESOURCE_TEMPLATES }));
  server.setRequestHandler(ReadResourceRequestSchema, ({ params: { uri } }) =>
    refusing(() => readResource(connection, uri), aboutResource(uri)),
  );
}

/** Only where the connection stays: without one there is nowhere to send the news to. */
export function offerSubscriptions(server: Server, connection: Connection): void {
  const subscriptions = openSubscriptions(connection, (uri) => {
    server.sendResourceUpdated({ uri }).catch(() => {});
  });
  const wanted = new Set<string>();
  server.setRequestHandler(SubscribeRequestSchema, ({ params: { uri } }) =>
    refusing(async () => {
      if (!wanted.has(uri)) await subscriptions.add(uri);
      wanted.add(uri);
      return {};
    }, aboutResource(uri)),
  );
  server.setRequestHandler(UnsubscribeRequestSchema, ({ params: { uri } }) => {
    if (wanted.delete(uri)) subscriptions.remove(uri);
    return {};
  });
  server.onclose = subscriptions.stop;
}
