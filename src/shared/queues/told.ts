/** What workers are told over the channel of a runner or a host: it has a further queue. Older ones look for a job. */
export const NEW_QUEUE = 'new-queue';

/** What they are told over the channel of a runner: a limit of the whole pool may have room. Older ones look for a job. */
export const ROOM = 'room';

/** What listeners to a queue are told besides that a job was placed. */
export type Told = typeof NEW_QUEUE | typeof ROOM;
