/** A headless Chromium out of node_modules: nothing has to be installed beside Node. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium } from 'playwright-core';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Whether the package has a Chromium for this machine. Tests elsewhere are skipped, and say so. */
export const CHROMIUM_RUNS_HERE = process.platform === 'linux' && process.arch === 'x64';

export async function launchChromium(): Promise<Browser> {
  const folder = unpacked();
  return chromium.launch({
    // A cold start on a busy machine takes its time.
    timeout: 120_000,
    executablePath: join(folder, 'chromium'),
    // In a container there is no namespace to be had for its sandbox; it loads this repository's own page alone.
    args: ['--no-sandbox', '--no-zygote', '--disable-gpu', '--disable-dev-shm-usage'],
    env: {
      ...process.env,
      LD_LIBRARY_PATH: join(folder, 'al2023', 'lib'),
      FONTCONFIG_FILE: join(folder, 'fonts.conf'),
    },
  });
}

/** Unpacked once per version, under another name until it is whole. */
function unpacked(): string {
  const manifest = join(ROOT, 'node_modules/@sparticuz/chromium/package.json');
  const cache = join(ROOT, 'node_modules/.cache/sluice');
  const folder = join(cache, `chromium-${JSON.parse(readFileSync(manifest, 'utf8')).version}`);
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true });
  const draft = mkdtempSync(join(cache, 'unpacking-'));
  execFileSync(process.execPath, [fileURLToPath(new URL('unpack-chromium.ts', import.meta.url))], {
    env: {
      ...process.env,
      TMPDIR: draft,
      AWS_EXECUTION_ENV: `AWS_Lambda_nodejs${process.versions.node.split('.')[0]}.x`,
    },
  });
  // Its own fonts and no others: a page looks the same on every machine.
  writeFileSync(join(draft, 'fonts.conf'), `<fontconfig><dir>${join(folder, 'fonts')}</dir></fontconfig>`);
  try {
    renameSync(draft, folder);
  } catch (error) {
    // Another process was first.
    rmSync(draft, { recursive: true });
    if (!existsSync(folder)) throw error;
  }
  return folder;
}
