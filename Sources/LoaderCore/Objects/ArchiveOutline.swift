/// Where in an archive lies what a link reads: as much as the headers tell, which costs next to nothing.
///
/// Left out is what a package that was compiled again differs in although it says the same: the build ids, and the member
/// with the export data, which a link reads nowhere. What only `PackageLoader` looks at is apart: the fingerprints of the
/// package, and which packages it imports, with theirs (cmd/internal/goobj Header.Fingerprint, ImportedPkg).
package struct ArchiveOutline: Equatable, Sendable {
  struct Member: Equatable {
    let name: String
    /// Of the file, as all ranges here.
    let bytes: Range<Int>
    /// What a link does not read.
    let unread: Range<Int>?
    /// What only loading packages reads, rising, behind the former.
    let loaded: [Range<Int>]
  }

  /// Those that a link looks at, in the file's order.
  let members: [Member]

  /// Where the build id stands at the latest, in the text before an object.
  private static let headerLimit = 1 << 10

  /// - Returns: nil for a file that is no archive, is damaged, or holds anything but Go objects.
  package init?(_ file: ByteView) {
    guard file.hasPrefix("!<arch>\n") else { return nil }
    var members: [Member] = []
    var offset = 8
    while let header = Archive.Header(file, at: offset) {
      offset += 60
      guard header.size >= 0, header.size <= file.count - offset else { return nil }
      let start = offset
      offset += header.size + (header.size & 1)
      switch Archive.kind(ofMember: header.name) {
      case nil: continue
      case .flag: return nil
      case .object: break
      }
      guard let member = Member(header.name, file, start..<start + header.size) else { return nil }
      members.append(member)
    }
    guard !members.isEmpty else { return nil }
    self.members = members
  }

  /// Whether both have the same at places of equal lengths: only then hashes of them can be compared.
  package func isShaped(like other: ArchiveOutline) -> Bool {
    members.count == other.members.count && zip(members, other.members).allSatisfy { $0.isShaped(like: $1) }
  }
}

extension ArchiveOutline.Member {
  /// - Returns: nil when it is not an object of a form that is known.
  fileprivate init?(_ name: String, _ file: ByteView, _ range: Range<Int>) {
    let member = file.slice(range.lowerBound, range.count)
    guard member.hasPrefix("go object "), let objectStart = Archive.objectStart(member) else { return nil }
    let object = member.slice(objectStart, member.count - objectStart)
    let autolib = 20 + 4 * ObjectFormat.Block.autolib.rawValue
    let (importsStart, importsEnd) = (Int(object.u32(autolib)), Int(object.u32(autolib + 4)))
    guard object.hasPrefix(ObjectFormat.magic), importsStart >= ObjectFormat.headerSize,
      importsEnd >= importsStart, importsEnd <= object.count
    else { return nil }
    let start = range.lowerBound + objectStart
    let fingerprint = start + ObjectFormat.magic.utf8CodeUnitCount
    self.name = name
    bytes = range
    unread = Self.buildID(in: member.slice(0, objectStart)).map {
      $0.lowerBound + range.lowerBound..<$0.upperBound + range.lowerBound
    }
    loaded = [fingerprint..<fingerprint + 8, start + importsStart..<start + importsEnd]
  }

  /// The build id in the text before an object; nil without one.
  private static func buildID(in text: ByteView) -> Range<Int>? {
    let mark: StaticString = "\nbuild id \""
    let n = mark.utf8CodeUnitCount
    for at in 0..<max(0, text.count - n) where text.u8(at) == 0x0a && text.slice(at, n).hasPrefix(mark) {
      let start = at + n
      var end = start
      while end < text.count, text.u8(end) != 0x22, text.u8(end) != 0x0a { end += 1 }
      return start..<end
    }
    return nil
  }

  fileprivate func isShaped(like other: Self) -> Bool {
    func relative(_ member: Self) -> [Range<Int>] {
      member.holes.map { $0.lowerBound - member.bytes.lowerBound..<$0.upperBound - member.bytes.lowerBound }
    }
    return name == other.name && bytes.count == other.bytes.count && relative(self) == relative(other)
  }

  /// All that passes do not read, rising.
  var holes: [Range<Int>] { (unread.map { [$0] } ?? []) + loaded.filter { !$0.isEmpty } }
}
