/** A user and group, by their ids. */
export interface Credentials {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Does something with the rights of another user instead of those of root. Nothing in it may wait: until it is over, all
 * of this process has these rights.
 */
export function actAs<Value>({ uid, gid }: Credentials, action: () => Value): Value {
  const { getgroups, setgroups, setegid, seteuid } = process;
  if (!getgroups || !setgroups || !setegid || !seteuid) return action();
  const groups = getgroups();
  try {
    setgroups([gid]);
    setegid(gid);
    seteuid(uid);
    return action();
  } finally {
    seteuid(0);
    setegid(0);
    setgroups(groups);
  }
}

/** Whether we have the rights of root, and so can act as others. */
export const isRoot = (): boolean => process.geteuid?.() === 0;
