/** The fenced code blocks of a Markdown file, and what the comment before a block says of how it is to be executed. */

export interface CodeBlock {
  readonly language: string;
  readonly code: string;
  /** Of the opening fence, from 1. */
  readonly line: number;
  /**
   * 'run': to its end, which must be a success. 'background': left running while the blocks after it are executed. 'stream': it does
   * not end by itself, and must still run, or have ended well, when it is stopped. 'not-executed': for the reason given.
   */
  readonly how: 'run' | 'background' | 'stream' | 'not-executed';
  readonly reason: string;
}

const FENCE = /^```(\S*)\s*$/;
/** As in `<!-- not-executed: needs a cluster -->`, on the line before the fence. */
const COMMENT = /^<!-- (background|stream|not-executed)(?:: (.+))? -->$/;

export function codeBlocksOf(markdown: string): CodeBlock[] {
  const lines = markdown.split('\n');
  const blocks: CodeBlock[] = [];
  for (let at = 0; at < lines.length; at++) {
    const language = FENCE.exec(lines[at]!)?.[1];
    if (language === undefined) continue;
    const end = lines.findIndex((line, index) => index > at && line.startsWith('```'));
    if (end < 0) throw new Error(`the code block of line ${at + 1} has no end`);
    const comment = COMMENT.exec(lines[at - 1] ?? '');
    blocks.push({
      language,
      code: lines.slice(at + 1, end).join('\n'),
      line: at + 1,
      how: (comment?.[1] ?? 'run') as CodeBlock['how'],
      reason: comment?.[2] ?? '',
    });
    at = end;
  }
  return blocks;
}
