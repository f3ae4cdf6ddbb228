/** A part of a streamed answer; `piece` marks those that a pause comes before. */
export interface Streamed {
  readonly text: string;
  readonly piece: boolean;
}

/** One server-sent event with a JSON body, named or not. */
export const sent = (body: object, { name = '', piece = false } = {}): Streamed => ({
  text: `${name && `event: ${name}\n`}data: ${JSON.stringify(body)}\n\n`,
  piece,
});
