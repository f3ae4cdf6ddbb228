let form: Intl.NumberFormat | undefined;

/** A count for people, with thousands separators. */
export function count(value: number): string {
  form ??= new Intl.NumberFormat('en'); // not before it is used: it takes some milliseconds of every start
  return form.format(value);
}

/** `1 run`, `2 runs`. */
export const counted = (value: number, noun: string) => `${count(value)} ${noun}${value === 1 ? '' : 's'}`;

/** A length of time (ms) for people, in its two largest units at most; none is shorter than nothing. */
export function duration(ms: number): string {
  if (ms < 999.5) return `${Math.max(0, Math.round(ms))} ms`;
  const tenths = Math.round(ms / 100);
  if (tenths < 600) return `${(tenths / 10).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.round(ms / 60_000);
  if (minutes < 1_440) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  const hours = Math.round(ms / 3_600_000);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

const UNITS = ['KiB', 'MiB', 'GiB', 'TiB'];

/** A size (bytes) for people. */
export function size(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  let amount = bytes / 1_024;
  let at = 0;
  for (; amount >= 1_023.95 && at < UNITS.length - 1; at += 1) amount /= 1_024;
  return `${amount.toFixed(1)} ${UNITS[at]}`;
}
