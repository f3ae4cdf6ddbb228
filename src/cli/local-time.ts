/** A point in time (ms) as this machine's clock shows it: `2026-01-31 12:00:05`. */
export function localTime(at: number): string {
  const date = new Date(at - new Date(at).getTimezoneOffset() * 60_000);
  return date.toISOString().slice(0, 19).replace('T', ' ');
}
