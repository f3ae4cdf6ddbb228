/** The bounds of what a submission may say; times are in ms. */
export const RUN_LIMITS = {
  timeoutMs: { least: 1_000, most: 2_592_000_000 },
  /** 0: never. */
  silenceTimeoutMs: { least: 0, most: 2_592_000_000 },
  priority: { least: 0, most: 2_097_152 },
  delayMs: { least: 0, most: 31_536_000_000 },
} as const;

/** What the name of a host may look like. */
export const HOST_NAME = /^[\w.-]{1,64}$/;
/** What the token of a submission that may be repeated may look like. */
export const CLIENT_TOKEN = /^.{1,256}$/s;
