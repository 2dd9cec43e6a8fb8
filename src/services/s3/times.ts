/** Times as S3 tells them. */

/** A time without its milliseconds: lists and headers tell whole seconds alone, and clients compare them. */
export function wholeSecond(milliseconds: number): Date {
  return new Date(Math.floor(milliseconds / 1000) * 1000);
}
