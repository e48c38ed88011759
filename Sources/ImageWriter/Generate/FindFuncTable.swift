import LoaderCore

/// runtime.findfunctab: from an address to the neighbourhood of its function
/// (cmd/link/internal/ld/pcln.go findfunctab; runtime/symtab.go findfunc).
///
/// One bucket of 20 bytes for every 4096 bytes of text: the number of the function at the bucket's start,
/// then for each 256 bytes how many functions further the one at its start is. The last bucket has only
/// the bytes it needs. Depends on text addresses alone.
package struct FindFuncTable: Sendable {
  /// Bytes of text per bucket (abi.FuncTabBucketSize).
  static let bucket = 4096
  /// Bytes of text per entry of a bucket.
  static let subbucket = 256
  static let subbucketsPerBucket = bucket / subbucket

  /// Bytes; not rounded, unlike the other function tables.
  package let size: Int
  /// Bytes.
  package static let alignment = 4
  private let first: UInt64
  /// Bytes of text from the first function's start to the last one's end.
  private let span: Int

  /// - Parameter lastSize: bytes of the last function.
  package init(text: TextLayout, lastSize: Int64) {
    self.init(starts: text.starts, lastSize: lastSize)
  }

  /// - Parameter starts: addresses of functions, rising, 16 bytes apart or more.
  package init(starts: [UInt64], lastSize: Int64) {
    first = starts.first ?? 0
    let last = starts.last ?? 0
    span = Int(truncatingIfNeeded: last &- first) &+ Int(max(lastSize, 0))
    let buckets = (span + Self.bucket - 1) / Self.bucket
    size = 4 * buckets + (span + Self.subbucket - 1) / Self.subbucket
  }

  /// Writes the table into `buffer` of at least `size` bytes; every byte is written. A byte suffices for
  /// the difference, because functions start 16 bytes apart or more.
  package func write(into buffer: UnsafeMutableRawBufferPointer, text: TextLayout) {
    write(into: buffer, starts: text.starts)
  }

  package func write(into buffer: UnsafeMutableRawBufferPointer, starts: [UInt64]) {
    guard let base = buffer.baseAddress, buffer.count >= size else { return }
    starts.withUnsafeBufferPointer { starts in
      var function = 0
      var bucketStart = 0
      var at = base
      for k in 0..<((span + Self.subbucket - 1) / Self.subbucket) {
        let address = first &+ UInt64(k * Self.subbucket)
        while function + 1 < starts.count, starts[function + 1] <= address { function += 1 }
        if k % Self.subbucketsPerBucket == 0 {
          bucketStart = function
          at.storeBytes(of: UInt32(truncatingIfNeeded: function).littleEndian, as: UInt32.self)
          at += 4
        }
        at.storeBytes(of: UInt8(truncatingIfNeeded: function - bucketStart), as: UInt8.self)
        at += 1
      }
    }
  }
}
