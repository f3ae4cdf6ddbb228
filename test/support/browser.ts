import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Locator, type Page } from 'playwright-core';
import { bearerFor } from './http-token.js';
import { removeDirectory } from './remove-directory.js';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const QUIET = ['--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

/** Whether there is a browser to test with; says on stderr how to get one when there is none. */
export function haveBrowser(): boolean {
  const have = existsSync(CHROMIUM);
  if (!have) console.warn(`skipped: there is no ${CHROMIUM}; get it with: apt-get install -y chromium`);
  return have;
}

/** What a person reads in a part of a page. */
export const textOf = async (part: Locator) => (await part.allInnerTexts()).join('\n');

export interface Browser {
  /**
   * A page with everything it complained about: console errors, exceptions, requests that failed or left this server. Not
   * what was given up: when a page is left, whatever it was still asking for is, which on a busy machine takes a moment.
   */
  open(url: string): Promise<{ page: Page; complaints: string[] }>;
  close(): Promise<void>;
}

/** Headless Chromium with a profile of its own. */
export async function openBrowser({ withToken = true } = {}): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), 'ap-chromium-'));
  const context: BrowserContext = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', ...QUIET],
    viewport: { width: 1280, height: 900 },
  });
  return {
    async open(url) {
      const page = await context.newPage();
      if (withToken) await page.setExtraHTTPHeaders(bearerFor(url));
      const complaints: string[] = [];
      const { origin } = new URL(url);
      page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('requestfailed', (request) => {
        const why = request.failure()?.errorText;
        if (why !== 'net::ERR_ABORTED') complaints.push(`${request.url()}: ${why}`);
      });
      page.on('request', (request) => {
        const address = request.url();
        if (!address.startsWith('data:') && new URL(address).origin !== origin) complaints.push(`asked ${address}`);
      });
      await page.goto(url);
      return { page, complaints };
    },
    async close() {
      await context.close();
      removeDirectory(profile);
    },
  };
}
