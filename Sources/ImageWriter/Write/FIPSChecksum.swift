internal import Crypto
import LoaderCore

/// The checksum over the FIPS module, in the image itself (cmd/link/internal/ld/fips140.go asmbfips):
/// HMAC-SHA256 with a zero key over a title, then per range its length (8 bytes, big-endian) and bytes.
package enum FIPSChecksum {
  /// - Parameter isThere: that the image has the checksum of what it was before it was patched.
  /// - Returns: what the checksum is of.
  package static func write(
    _ fips: FIPSSymbols, _ layout: ImageLayout, _ addresses: AddressView, into image: OutputImage,
    isThere: Bool = false
  ) throws(LinkFailure) -> FIPSModule {
    let kinds: [Segment.Kind] = [.text, .rodata, .data, .data]
    let names = ["go:textfipsstart", "go:rodatafipsstart", "go:noptrdatafipsstart", "go:datafipsstart"]
    var ranges: [Range<Int>] = []
    for (i, bracket) in fips.brackets.enumerated() {
      let segment = layout[kinds[i]]
      let start = addresses[bracket.start]
      let end = addresses[bracket.end]
      let offset = Int(truncatingIfNeeded: segment.fileOffset &+ (start &- segment.address))
      let length = Int(truncatingIfNeeded: end &- start)
      guard segment.address <= start, start <= end, end <= segment.address &+ segment.fileLength,
        image.bytes(offset, length) != nil
      else {
        throw .failed(stderr: "asmbfips: \(names[i]) not in expected segment\n", exitCode: 2)
      }
      ranges.append(offset..<(offset + length))
    }
    let module = FIPSModule(ranges: ranges)
    if isThere, !image.isPatched(in: ranges) { return module }
    var mac = HMAC<SHA256>(key: SymmetricKey(data: [UInt8](repeating: 0, count: 32)))
    module.forEachPart(of: image) { mac.update(data: $0) }
    let segment = layout[.data]
    let at = addresses[fips.info] &- segment.address &+ segment.fileOffset + 16
    guard let sum = image.window(Int(truncatingIfNeeded: at), FIPSSymbols.sumSize) else {
      throw .failed(stderr: "asmbfips: fipsinfo not in expected segment\n", exitCode: 2)
    }
    sum.copyBytes(from: Array(mac.finalize()))
    return module
  }
}

/// The FIPS module as the checksum sees it, which -fipso writes to a file: a title, then per range its length
/// (8 bytes, big-endian) and its bytes.
package struct FIPSModule: Sendable {
  /// File offsets, inside the image.
  package let ranges: [Range<Int>]

  package init(ranges: [Range<Int>]) { self.ranges = ranges }

  package func forEachPart(of image: OutputImage, _ body: (UnsafeRawBufferPointer) -> Void) {
    let title: StaticString = "go fips object v1\n"
    body(UnsafeRawBufferPointer(start: title.utf8Start, count: title.utf8CodeUnitCount))
    for range in ranges {
      withUnsafeBytes(of: UInt64(range.count).bigEndian, body)
      if let bytes = image.bytes(range.lowerBound, range.count) { body(bytes) }
    }
  }
}
