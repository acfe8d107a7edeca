import { expect, test } from 'vitest';
import { type FinishedImage, type SeenMessage, StreamChecker } from './stream-checker.ts';

const said = (offset: number, prev: number, name: string, payload: object): SeenMessage => ({
  offset,
  prev,
  type: `x.v1m0.${name}`,
  id: `id-${offset}`,
  payload: { imageId: 'a', ...payload },
});
const sound = [
  said(3, -1, 'ImageAccepted', { services: ['barcode', 'ocr'] }),
  said(7, 3, 'TextLine', {}),
  said(8, 7, 'ServiceCompleted', { service: 'ocr' }),
  said(12, 8, 'ServiceFailed', { service: 'barcode' }),
];

function check(messages: readonly SeenMessage[]) {
  const finished: FinishedImage[] = [];
  const checker = new StreamChecker(-1, (image) => finished.push(image));
  checker.accepted('a', 1000);
  for (const [index, message] of messages.entries()) checker.saw(message, 2000 + index);
  return { checker, finished, kinds: checker.findings(true).map(({ kind }) => kind) };
}

test('a sound stream has no findings, and its image is finished with its last service', () => {
  const { kinds, finished, checker } = check(sound);
  expect(kinds).toEqual([]);
  expect(finished).toEqual([{ image: 'a', latencyMs: 1003, failedServices: ['barcode'] }]);
  expect(checker.position).toBe(12);
});

test('any message taken out is found lost', () => {
  for (let index = 0; index < sound.length - 1; index++)
    expect(check(sound.toSpliced(index, 1)).kinds).toContain('lost');
  expect(check(sound.slice(0, -1)).kinds).toEqual(['unfinished']);
});

test('repeats and disorder are found', () => {
  expect(check([...sound, sound[3]!]).kinds).toEqual(expect.arrayContaining(['repeat', 'disorder', 'wrong total']));
  expect(check([sound[0]!, sound[2]!, sound[1]!, sound[3]!]).kinds).toEqual(expect.arrayContaining(['disorder']));
});

test('an accepted image of which nothing is ever heard is unfinished', () => {
  expect(check([]).kinds).toEqual(['unfinished']);
});

test('the answer to a submission may come after the stream has told of it', () => {
  const finished: FinishedImage[] = [];
  const checker = new StreamChecker(-1, (image) => finished.push(image));
  for (const message of sound) checker.saw(message, 2000);
  checker.accepted('a', 1500);
  expect(checker.findings(true)).toEqual([]);
  expect(checker.finishedImages).toBe(1);
});

test('what is forgotten before it was finished counts as found, and no check grows for ever', () => {
  const checker = new StreamChecker(-1);
  for (let image = 0; image < 100_010; image++) checker.accepted(`image-${image}`, 0);
  expect(checker.found).toBe(10);
  expect(checker.findings(true)).toHaveLength(100_000);
});

test('a stream that has to begin anew has lost something, and is judged from there on', () => {
  const checker = new StreamChecker(3);
  checker.restart(40, 'the firehose answered 410');
  checker.saw(said(41, 40, 'TextLine', {}), 0);
  expect(checker.findings(false)).toEqual([{ kind: 'lost', detail: 'after 3: the firehose answered 410' }]);
  expect(checker).toMatchObject({ found: 1, position: 41 });
});
