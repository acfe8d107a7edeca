/** Push and the firehose as processes on the embedded log. */
import { pushOnLog } from './push-on-log.ts';

pushOnLog(true, async () => undefined);
