/** A copy without the members that are undefined: what is not known is absent, as `exactOptionalPropertyTypes` wants it. */
export function omitUndefined<Members extends object>(members: Members) {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [Key in keyof Members]?: Exclude<Members[Key], undefined>;
  };
}
