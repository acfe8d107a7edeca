/** Draws a page of printed text. */
import sharp from 'sharp';
import { drawText, type FontName, loadFont, type TextTruth, textWidth } from './drawing.ts';

export interface PageStyle {
  readonly width: number;
  readonly height: number;
  readonly font: FontName;
  /** Pixels to the em. */
  readonly size: number;
  readonly margin: number;
  /** Baseline to baseline, in ems. */
  readonly leading: number;
}

/**
 * Sets paragraphs in lines of full words, from the top until the page is full.
 * @returns a PNG without loss, and each line's text and place.
 */
export async function drawPage(
  paragraphs: readonly string[],
  style: PageStyle,
): Promise<{ png: Buffer; truth: { text: TextTruth[] } }> {
  const font = await loadFont(style.font);
  const lines: { svg: string; truth: TextTruth }[] = [];
  let baseline = style.margin + style.size;
  for (const paragraph of paragraphs) {
    for (const text of wrap(paragraph, (line) => textWidth(font, line, style.size), style.width - 2 * style.margin)) {
      if (baseline > style.height - style.margin) break;
      lines.push(drawText(font, text, { x: style.margin, baseline, size: style.size }));
      baseline += style.leading * style.size;
    }
    baseline += (style.leading * style.size) / 2;
  }
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${style.width}" height="${style.height}">
    <rect width="${style.width}" height="${style.height}" fill="#fdfdfb"/>
    ${lines.map((line) => line.svg).join('\n')}
  </svg>`;
  const png = await sharp(Buffer.from(svg)).removeAlpha().png({ compressionLevel: 9 }).toBuffer();
  return { png, truth: { text: lines.map((line) => line.truth) } };
}

function wrap(paragraph: string, measure: (line: string) => number, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of paragraph.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && measure(longer) > width) {
      lines.push(line);
      line = word;
    } else {
      line = longer;
    }
  }
  return [...lines, line];
}
