internal import Crypto
import LoaderCore

/// The checksum over the FIPS module, in the image itself (cmd/link/internal/ld/fips140.go asmbfips):
/// HMAC-SHA256 with a zero key over a title, then per range its length (8 bytes, big-endian) and bytes.
package enum FIPSChecksum {
  package static func write(
    _ fips: FIPSSymbols, _ layout: ImageLayout, _ addresses: borrowing Addresses, into image: OutputImage
  ) throws(LinkFailure) {
    let kinds: [Segment.Kind] = [.text, .rodata, .data, .data]
    let names = ["go:textfipsstart", "go:rodatafipsstart", "go:noptrdatafipsstart", "go:datafipsstart"]
    var mac = HMAC<SHA256>(key: SymmetricKey(data: [UInt8](repeating: 0, count: 32)))
    mac.update(data: Array("go fips object v1\n".utf8))
    for (i, bracket) in fips.brackets.enumerated() {
      let segment = layout[kinds[i]]
      let start = addresses[bracket.start]
      let end = addresses[bracket.end]
      guard segment.address <= start, start <= end, end <= segment.address &+ segment.fileLength,
        let bytes = image.window(
          Int(segment.fileOffset &+ (start &- segment.address)), Int(end &- start))
      else {
        throw .failed(stderr: "asmbfips: \(names[i]) not in expected segment\n", exitCode: 2)
      }
      withUnsafeBytes(of: (end &- start).bigEndian) { mac.update(data: $0) }
      mac.update(data: UnsafeRawBufferPointer(bytes))
    }
    let segment = layout[.data]
    let at = addresses[fips.info] &- segment.address &+ segment.fileOffset + 16
    guard let sum = image.window(Int(at), FIPSSymbols.sumSize) else {
      throw .failed(stderr: "asmbfips: fipsinfo not in expected segment\n", exitCode: 2)
    }
    sum.copyBytes(from: Array(mac.finalize()))
  }
}
