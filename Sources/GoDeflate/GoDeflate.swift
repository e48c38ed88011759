// GoDeflate: the zlib stream that Go 1.27.3's compress/zlib writes at level 1.
//
// Go's linker compresses each DWARF section with zlib.NewWriterLevel(w, zlib.BestSpeed) (cmd/link/internal/ld/data.go,
// compressSyms), writes the section's symbols to it one by one and closes it. Any inflater reads the result, but
// which of the many streams for the same bytes it is shows in the executable. What follows is what decides it, with
// the functions of Go's standard library (compress/flate unless said otherwise) that each rule comes from.
//
// Frame (compress/zlib Writer.writeHeader, Writer.Close)
//   Two bytes 78 01, the deflate stream, the Adler-32 of the input, most significant byte first. No dictionary.
//
// Blocks (deflate.go compressor.write, deflateFast, close)
//   Input collects in a window of 65,535 bytes. A full window is compressed when more input comes or at the close, so
//   blocks depend on the length of the input alone: how it was cut into Write calls cannot be seen. The block that
//   holds the last byte is the last one, full or not, and is ended; if it is below 128 bytes no matches are looked
//   for: up to 32 bytes are stored, more are coded as literals. At the close an empty block with the fixed code is
//   added, the only one marked as final, and the last byte is filled up with zeros. Empty input has just this block.
//
// Matches (level1.go fastEncL1.encode; deflatefast.go hashLen, matchLen, addBlock) - see Matcher
//   One table of 2^15 positions under a hash of 5 bytes; candidates must agree in 4 bytes and be less than 32 KiB
//   back. The first candidate is taken, extended both ways, however long, and cut into pieces of at most 258 bytes.
//   Table and history live as long as the stream.
//
// Form of a block (deflateFast; huffman_bit_writer.go writeBlockDynamic, writeBlockHuff) - see BlockCoder
//   No match at all: stored. More than 15 tokens for 16 bytes: literals only, with a quick test for random data.
//   Else the smallest of: stored; the fixed code, if there are fewer than 250 tokens; the code of the block before;
//   a code of its own. Keeping the last code is weighed against an estimate of what a new one would give
//   (token.go EstimatedBits, in float32), which is charged with the last header's size and 1/128 more
//   (logNewTablePenalty). A code can be kept if it has all symbols that occur (canReuse); then the block is not even
//   ended, and the tokens of the next one just follow.
//
// Codes (huffman_code.go generate, bitCounts, assignEncodingAndSize) - see CodeLengths, PrefixCode
//   Optimal codes of at most 15 bits, 7 for the code of the code lengths. Equal weights: packages before leaves, and
//   lower symbols take the longer codes.
//
// Header of a code (generateCodegen, headerSize, writeDynamicHeader) - see TableHeader
//   Runs of lengths are taken greedily and go across the border between the two alphabets.
//
// Nothing here depends on the machine: Go's floats are rounded after each operation on amd64 (first level), and so are
// Swift's.

/// Numbers of the format and of Go's use of it.
enum Deflate {
  /// Bytes of input in a block; only the last block of a stream is shorter. It is the most that a stored block can
  /// hold, so that every block may fall back to being stored. (compress/flate/deflate.go maxStoreBlockSize)
  static let blockSize = 65535
  /// The farthest a match may reach back.
  static let windowSize = 32768
  /// A last block below this many bytes is not searched for matches. (deflate.go deflateFast)
  static let smallBlock = 128
  /// A last block of at most this many bytes is stored. (deflate.go deflateFast)
  static let tinyBlock = 32

  /// The symbol that ends a block.
  static let endOfBlock = 256
  /// Literal bytes, the end of a block and the 29 length symbols.
  static let literalSymbols = 286
  /// Room for the literal/length alphabet: two of its symbols exist in the fixed code only.
  static let literalAlphabet = 288
  /// Distance symbols.
  static let offsetSymbols = 30
  static let longestMatch = 258
  static let shortestMatch = 3
}
