// What the list of tools costs a client: in all, and what a model is shown of it. Tokens are those of o200k_base.
import { getEncoding } from 'js-tiktoken';
import { describeTools } from '../dist/mcp/surface.js';
import { row } from './report.mjs';

/** As it was with the full schemas of zod on the wire. */
const BEFORE = { bytes: 74_413, tokens: 19_115, shownBytes: 21_918, shownTokens: 5_608 };

const encoding = getEncoding('o200k_base');
const tools = describeTools(false);
const all = JSON.stringify({ tools });
const shown = JSON.stringify(tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema })));
const sizeOf = (text) => ({ bytes: Buffer.byteLength(text), tokens: encoding.encode(text).length });
const say = ({ bytes, tokens }) => `${bytes} bytes, ${tokens} tokens`;
row({
  figure: 'tools/list, in all',
  ours: say(sizeOf(all)),
  limit: `with full schemas: ${say(BEFORE)}`,
  ratio: sizeOf(all).bytes / BEFORE.bytes,
  value: sizeOf(all).bytes,
  goal: '<= 24000',
});
row({
  figure: 'tools/list, names, descriptions and arguments, as models are shown',
  ours: say(sizeOf(shown)),
  limit: `with full schemas: ${say({ bytes: BEFORE.shownBytes, tokens: BEFORE.shownTokens })}`,
  ratio: sizeOf(shown).tokens / BEFORE.shownTokens,
  value: sizeOf(shown).tokens,
  goal: '<= 3600',
});
