/** A copy without the members that are undefined: what is not known is absent, as `exactOptionalPropertyTypes` wants it. */
export function omitUndefined<Members extends object>(members: Members) {
  const known: { [Key in keyof Members]?: Exclude<Members[Key], undefined> } = {};
  for (const key of Object.keys(members) as (keyof Members)[]) {
    const value = members[key];
    if (value !== undefined) known[key] = value as Exclude<Members[typeof key], undefined>;
  }
  return known;
}
