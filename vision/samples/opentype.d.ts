/**
 * The part of opentype.js that the samples use. The published types are not installed: they bring the browser's
 * globals into every file of the project.
 */
declare module 'opentype.js' {
  export interface Font {
    readonly unitsPerEm: number;
    charToGlyph(character: string): Glyph;
  }
  export interface Glyph {
    readonly advanceWidth?: number;
    getPath(x: number, y: number, size: number): Path;
  }
  export interface Path {
    extend(other: Path): void;
    /** SVG path data. */
    toPathData(decimals: number): string;
    getBoundingBox(): { x1: number; y1: number; x2: number; y2: number };
  }
  const opentype: {
    readonly Path: new () => Path;
    parse(file: ArrayBuffer): Font;
  };
  // biome-ignore lint/style/noDefaultExport: the package is CommonJS and has no other.
  export default opentype;
}
