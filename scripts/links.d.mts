/** The pages that people read, as paths from the root. */
export const pages: readonly string[];
/** The links of a page, from the root, that lead nowhere. */
export function deadLinks(page: string): string[];
