/** The scores as Markdown tables: one row a condition, one column a reader. */
import type { Row } from './main.ts';
import { addToScore, emptyScore, type Score } from './score.ts';

export function tables(rows: readonly Row[]): string {
  const of = (...groups: string[]) => rows.filter((row) => groups.includes(row.group));
  return [
    table('Characters read wrongly on cards, %', of('card'), characterErrors),
    table('Characters read wrongly on pages, %', of('page'), characterErrors),
    table('Characters read where there is no text, number', of('no face'), (score) => `${score.text.edits}`),
    table('Barcodes read on cards, of all', of('card'), (score) => share(score.barcodes)),
    table('Barcodes read where there are none, number', of('page', 'face', 'no face'), (s) => `${s.barcodes.wrong}`),
    table('Faces found, of all (and wrong ones)', of('face', 'card'), faces),
    table('Faces found where there are none, number', of('no face', 'page'), (score) => `${score.faces.wrong}`),
  ].join('\n');
}

function table(title: string, rows: readonly Row[], show: (score: Score) => string): string {
  const readers = [...new Set(rows.flatMap((row) => Object.keys(row.findings)))];
  const conditions = [...new Set(rows.map((row) => row.condition))];
  const cells = new Map<string, Score>();
  const cell = (reader: string, condition: string) => {
    const key = `${reader}|${condition}`;
    if (!cells.has(key)) cells.set(key, emptyScore());
    return cells.get(key)!;
  };
  for (const row of rows) {
    for (const [reader, found] of Object.entries(row.findings)) {
      addToScore(cell(reader, row.condition), row.labels, found);
      addToScore(cell(reader, 'all'), row.labels, found);
    }
  }
  const shown = readers.filter((reader) => show(cell(reader, 'all')) !== '–');
  const line = (condition: string) =>
    `| ${condition} | ${shown.map((reader) => show(cell(reader, condition))).join(' | ')} |`;
  return [
    `\n### ${title}\n`,
    `| condition | ${shown.join(' | ')} |`,
    `| --- |${shown.map(() => ' ---: |').join('')}`,
    ...[...conditions, 'all'].map(line),
  ].join('\n');
}

function characterErrors({ text }: Score): string {
  return text.characters === 0 ? '–' : ((100 * text.edits) / text.characters).toFixed(1);
}

function share({ hit, missed }: { hit: number; missed: number }): string {
  return hit + missed === 0 ? '–' : `${hit}/${hit + missed}`;
}

function faces({ faces: { hit, missed, wrong } }: Score): string {
  return hit + missed === 0 ? '–' : `${hit}/${hit + missed}${wrong > 0 ? ` (+${wrong})` : ''}`;
}
