/** An image as a request brought it. */
export interface ReceivedImage {
  /** Where it stood in the request, as problems name it: "body" or "body/<part>". */
  readonly field: string;
  /** The file name that the sender gave; '' where it gave none. */
  readonly name: string;
  readonly content: Buffer;
}
