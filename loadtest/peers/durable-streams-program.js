/** The file-backed server of Durable Streams in a process of its own: port and folder are its arguments. */
import { DurableStreamTestServer } from '@durable-streams/server';

const [port, dataDir] = process.argv.slice(2);
const server = new DurableStreamTestServer({ port: Number(port), host: '127.0.0.1', dataDir, compression: false });
await server.start();
