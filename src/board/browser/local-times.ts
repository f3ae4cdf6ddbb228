const format = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

/** A point in time (ms since the epoch, or ISO 8601) in the language and time zone of the viewer. */
export const inLocalWords = (at: number | string) => format.format(new Date(at));

/** Gives each time within an element its local form as title. */
export function showLocalTimes(within: ParentNode): void {
  for (const time of within.querySelectorAll('time')) time.title = inLocalWords(time.dateTime);
}
