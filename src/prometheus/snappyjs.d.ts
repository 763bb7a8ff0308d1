/** The block format of Snappy; the package brings no types. */
declare module 'snappyjs' {
  interface Snappy {
    compress(bytes: Uint8Array): Uint8Array;
    uncompress(bytes: Uint8Array): Uint8Array;
  }
  const snappy: Snappy;
  export default snappy;
}
