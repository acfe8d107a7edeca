/** Push in a process of its own, to be killed: `push-program.ts <deployment folder> <config as JSON>`. */
import { loadConfig } from '../../protocol/config/load.ts';
import { PushConfig } from '../config.ts';
import { startPush } from '../main.ts';
import { openDeployment } from './deployment.ts';

const [folder, file] = process.argv.slice(2) as [string, string];
const deployment = await openDeployment(folder);
const config = loadConfig(PushConfig, { flags: {}, environment: {}, file: JSON.parse(file) });
const push = await startPush(deployment.context, config);
const ready = setInterval(() => {
  if (!push.readiness().ready) return;
  clearInterval(ready);
  process.send!('ready');
}, 10);
process.on('message', async () => {
  await push.stop();
  await deployment.remove();
  process.disconnect();
});
process.on('disconnect', () => process.exit());
