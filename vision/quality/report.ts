/** The scores as Markdown tables: one row a condition, one column a reader. */
import type { Row } from './main.ts';
import { addToScore, emptyScore, type Findings, type Score } from './score.ts';

export function tables(rows: readonly Row[]): string {
  const of = (...groups: string[]) => rows.filter((row) => groups.includes(row.group));
  return [
    table('Characters read wrongly on cards, %', 'text', of('card'), characterErrors),
    table('Characters read wrongly on pages, %', 'text', of('page'), characterErrors),
    table('Characters read where there is no text, number', 'text', of('no face'), (score) => `${score.text.edits}`),
    table('Barcodes read on cards, of all', 'barcodes', of('card'), (score) => share(score.barcodes)),
    table(
      'Barcodes read where there are none, number',
      'barcodes',
      of('page', 'face', 'no face'),
      (s) => `${s.barcodes.wrong}`,
    ),
    table('Faces found, of all (and wrong ones)', 'faces', of('face', 'card'), faces),
    table(
      'Faces found where there are none, number',
      'faces',
      of('no face', 'page'),
      (score) => `${score.faces.wrong}`,
    ),
  ].join('\n');
}

/** @param part what the table is about; readers that do not look for it have no column. */
function table(title: string, part: keyof Findings, rows: readonly Row[], show: (score: Score) => string): string {
  const looking = (row: Row) => Object.keys(row.findings).filter((reader) => row.findings[reader]![part] !== undefined);
  const readers = [...new Set(rows.flatMap(looking))];
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
  const line = (condition: string) =>
    `| ${condition} | ${readers.map((reader) => show(cell(reader, condition))).join(' | ')} |`;
  return [
    `\n### ${title}\n`,
    `| condition | ${readers.join(' | ')} |`,
    `| --- |${readers.map(() => ' ---: |').join('')}`,
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
