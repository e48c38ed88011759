internal import Synchronization

/// Writes zlib streams as Go 1.27.3's compress/zlib does at level 1 (`BestSpeed`), bit for bit.
///
/// One object keeps its tables and buffers for as many streams as wanted, each of which starts afresh. Threads that
/// compress at the same time should have one object each; calls on the same object wait for each other.
package final class ZlibCompressor: Sendable {
  private let stepper: Mutex<BlockStepper>

  /// - Parameter reach: bytes of input after which the hash table is renumbered, at most 2^31. It does not show in
  ///   the stream; tests make it small.
  package init(reach: Int = 1 << 31) {
    stepper = Mutex(BlockStepper(reach: min(reach, 1 << 31)))
  }

  /// The stream of `input`, of any length.
  ///
  /// - Parameter last: the stream of nearly the same bytes; it saves work and does not show in the result.
  package func stream(of input: UnsafeRawBufferPointer, after last: DeflateStream? = nil) -> DeflateStream {
    stepper.withLock { StreamMaker.run(input, after: last, &$0) }
  }

  /// Appends the stream of `input`, of any length, to `sink`. (compress/zlib/writer.go)
  package func compress(_ input: UnsafeRawBufferPointer, into sink: inout ByteSink) {
    stepper.withLock { stepper in
      // Deflate with a window of 32 KiB; level 0 of 3; no dictionary.
      sink.append(0x78)
      sink.append(0x01)
      stepper.begin()
      var sum = Adler32()
      var start = 0
      while start < input.count {
        let end = min(start &+ Deflate.blockSize, input.count)
        // Before the block is searched: its bytes are in the cache from here on.
        sum.add(UnsafeRawBufferPointer(rebasing: input[start..<end]))
        stepper.step(start..<end, of: input, into: &sink)
        start = end
      }
      stepper.finish(into: &sink)
      withUnsafeBytes(of: sum.value.bigEndian) { sink.append($0) }
    }
  }
}
