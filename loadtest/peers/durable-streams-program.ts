/** The file-backed server of Durable Streams in a process of its own: the package's folder, a port and a data folder are its arguments. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder = '', port, dataDir] = process.argv.slice(2);
// It is no dependency of ours, so it is looked up where it was installed.
const file = createRequire(join(folder, 'package.json')).resolve('@durable-streams/server');
const { DurableStreamTestServer } = await import(pathToFileURL(file).href);
const server = new DurableStreamTestServer({ port: Number(port), host: '127.0.0.1', dataDir, compression: false });
await server.start();
