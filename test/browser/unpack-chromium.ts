/**
 * Unpacks the headless Chromium that @sparticuz/chromium ships, with the system libraries in it, into TMPDIR. A program of
 * its own, since the package takes that folder, and whether to unpack the libraries, from the environment alone.
 */
import chromium from '@sparticuz/chromium';

process.stdout.write(await chromium.executablePath());
