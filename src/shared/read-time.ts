const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** How people write the units out. */
const WRITTEN = /^(\d+) ?(milliseconds?|sec(?:ond)?s?|min(?:ute)?s?|h(?:ou)?rs?|days?)$/i;
const written = (unit: string) => (/^mil/i.test(unit) ? 'ms' : unit.slice(0, 1).toLowerCase());

/** A length of time in words, as `90s`, `5m`, `2 hours`, `1d`, or milliseconds alone. Answers milliseconds; undefined for anything else. */
export function readDuration(text: string): number | undefined {
  const [, amount, unit = 'ms'] = /^(\d+) ?(ms|s|m|h|d)?$/.exec(text) ?? WRITTEN.exec(text) ?? [];
  if (amount === undefined) return undefined;
  return Number(amount) * UNITS[(unit in UNITS ? unit : written(unit)) as keyof typeof UNITS];
}

/** A date alone, or with a time: `Date.parse` would take nearly any words with a number in them. */
const ISO = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/i;

/** A point in time as ISO 8601 has it. Answers milliseconds since the epoch; undefined for anything else. */
export function readIsoTime(text: string): number | undefined {
  const ms = ISO.test(text) ? Date.parse(text.replace(',', '.').toUpperCase()) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}
