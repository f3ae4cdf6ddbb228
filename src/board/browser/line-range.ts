/** Lines that an address points at, from 1. */
export interface LineRange {
  readonly from: number;
  readonly to: number;
}

/** `#L9000`, or `#L9000-L9010`. */
export function rangeIn(hash: string): LineRange | undefined {
  const [, from, to = from] = /^#L(\d{1,12})(?:-L?(\d{1,12}))?$/.exec(hash) ?? [];
  if (from === undefined) return undefined;
  return { from: Math.max(1, Math.min(Number(from), Number(to))), to: Math.max(Number(from), Number(to)) };
}

/** The end of an address that points at lines. */
export const hashOf = ({ from, to }: LineRange) => (from === to ? `#L${from}` : `#L${from}-L${to}`);
