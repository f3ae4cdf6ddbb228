import { ProtocolError, ResourceNotFoundError, type Server } from '@modelcontextprotocol/server';
import { describePrompts, getPrompt } from '../prompts.js';
import { listResources, RESOURCE_TEMPLATES, readResource } from '../resources.js';
import type { Connection } from '../surface.js';
import { type RpcRefusal, refusing } from './refusals.js';

/** Codes of refusals that mean: nothing is at this uri, ours or not. */
const NOT_FOUND = ['unknown_run', 'invalid_argument'];

export const toError = ({ code, message, data }: RpcRefusal) => new ProtocolError(code, message, data);

export function offerPrompts(server: Server): void {
  server.setRequestHandler('prompts/list', () => ({ prompts: describePrompts() }));
  server.setRequestHandler('prompts/get', ({ params }) =>
    refusing(() => getPrompt(params.name, params.arguments), toError),
  );
}

export function offerResources(server: Server, connection: Connection): void {
  server.setRequestHandler('resources/list', () => refusing(() => listResources(connection), toError));
  server.setRequestHandler('resources/templates/list', () => ({ resourceTemplates: RESOURCE_TEMPLATES }));
  server.setRequestHandler('resources/read', ({ params: { uri } }) =>
    refusing(
      () => readResource(connection, uri),
      (refusal) =>
        NOT_FOUND.includes(refusal.data.code) ? new ResourceNotFoundError(uri, refusal.message) : toError(refusal),
    ),
  );
}
