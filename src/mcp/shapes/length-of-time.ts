import { z } from 'zod';

/** A length of time in ms, from `least` on, or 0. Who gives less has mostly meant seconds, and is told so. */
export const lengthOfTime = (least: number, most: number) =>
  z
    .number()
    .int()
    .min(0)
    .max(most)
    .refine(
      (ms) => ms === 0 || ms >= least,
      `must be 0 or at least ${least}: it is in milliseconds, so 300 seconds are 300000 or "300s"`,
    );
