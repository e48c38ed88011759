/// One package archive (or a bare object), with its members parsed: what `loadobjfile` and `ldobj` of
/// cmd/link/internal/ld/lib.go look at. Immutable, shared by all programs.
package struct Archive: Sendable {
  package let file: MappedFile
  package let members: [Member]
  /// Whether the name hashes were computed here, not handed in.
  package let computedHashes: Bool

  /// The format of a member that is none we know.
  static let unrecognized = "unrecognized"

  package struct Member: Sendable {
    /// "(member)", or nothing for a bare object: what messages put behind the file's path.
    package let name: String
    package let content: Content

    /// A file given as a package, or the member that the compiler writes.
    var isExpectedToBeGo: Bool { name.isEmpty || name == "(_go_.o)" }
  }

  package enum Cgo: Sendable {
    case none
    case directives(CgoDirectives)
    /// The section makes no sense to us.
    case unreadable
  }

  package enum Content: Sendable {
    /// A Go object and what its text header says.
    case object(GoObject, header: String, isMain: Bool, cgo: Cgo)
    /// "dynimportfail" or "preferlinkext": a wish about the link mode.
    case linkModeFlag(String)
    /// A host object or an unknown format, by its kind.
    case foreign(String)
    /// The linker prints this error and goes on, to exit with 2 at the end.
    case error(String)
  }

  /// Parses the file at `path`.
  ///
  /// - Throws: `ErrorNumber` wrapped as `.cannotOpen`, or a `LinkFailure`.
  package static func open(_ path: String) throws(ArchiveError) -> Archive {
    switch MappedFile.open(path) {
    case .failure(let e): throw .cannotOpen(e)
    case .success(let file):
      do throws(LinkFailure) {
        return try Archive(file: file, hashes: nil)
      } catch {
        throw .failure(error)
      }
    }
  }

  /// - Parameters:
  ///   - hashes: what `nameHashes` gave for the same content before.
  ///   - tables: of its objects, in member order, from an earlier parse of the same content.
  package init(file: MappedFile, hashes: [UInt8]?, tables: [ObjectTables] = []) throws(LinkFailure) {
    self.file = file
    computedHashes = hashes == nil && tables.isEmpty
    members = try Self.withView(of: hashes) { known throws(LinkFailure) in
      var known = Known(hashes: known, tables: tables[...])
      return try Self.parse(file, &known)
    }
  }

  /// Parses a file that is much like another one. What is computed of symbols is the other's where that is the same.
  ///
  /// - Parameters:
  ///   - isLinked: whether a link reads both alike (`ArchiveSum.isLinked`).
  ///   - differences: where they may differ (`ArchiveSum.differences`).
  package init(
    file: MappedFile, like other: Archive, isLinked: Bool, differences: [Range<Int>]? = nil
  ) throws(LinkFailure) {
    self.file = file
    computedHashes = false
    let models = other.objects.map {
      GoObject.Model(object: $0, isLinkedAlike: isLinked, differences: differences)
    }
    var known = Known(models: models[...])
    members = try Self.parse(file, &known)
  }

  /// The objects, in member order.
  package var objects: [GoObject] {
    members.compactMap { if case .object(let object, _, _, _) = $0.content { object } else { nil } }
  }

  /// What is known of the objects still to come; an object takes its own from the front.
  fileprivate struct Known {
    var hashes: ByteView?
    var tables: ArraySlice<ObjectTables> = []
    var models: ArraySlice<GoObject.Model> = []

    mutating func next(_ object: ByteView) -> GoObject.Known {
      var mine = GoObject.Known(tables: tables.popFirst(), model: models.popFirst())
      guard let all = hashes else { return mine }
      let size = 4 * GoObject.symbolCount(object)
      hashes = all.slice(size, all.count - size)
      mine.hashes = all.slice(0, size)
      return mine
    }
  }

  /// The name hashes of all objects, in member order, 4 bytes each, little-endian.
  package var nameHashes: [UInt8] {
    var out: [UInt8] = []
    for m in members {
      guard case .object(let o, _, _, _) = m.content else { continue }
      // Every machine there is a Go linker profile for is little-endian.
      out += UnsafeRawBufferPointer(start: o.nameHashes, count: 4 * o.view.symbolCount)
    }
    return out
  }

  private static func withView<R>(
    of bytes: [UInt8]?, _ body: (ByteView?) throws(LinkFailure) -> R
  ) throws(LinkFailure) -> R {
    guard let bytes else { return try body(nil) }
    var result: Result<R, LinkFailure>?
    bytes.withUnsafeBytes { b in
      do throws(LinkFailure) {
        result = .success(try body(ByteView(b.baseAddress, b.count)))
      } catch {
        result = .failure(error)
      }
    }
    guard let result else { return try body(nil) }
    return try result.get()
  }

  private static func parse(_ file: MappedFile, _ known: inout Known) throws(LinkFailure) -> [Member] {
    let bytes = file.bytes
    guard bytes.hasPrefix("!<arch>\n") else {
      let parser = MemberParser(file: file, name: file.path)
      return [Member(name: "", content: try parser.parse(bytes, at: 0, &known))]
    }
    var members: [Member] = []
    var offset = 8
    while let header = Header(bytes, at: offset) {
      offset += 60
      let size = header.size
      guard size >= 0, size <= bytes.count - offset else {
        throw .corrupt(file: file.path, detail: "malformed archive: member \(header.name) leaves the file")
      }
      let at = offset
      offset += size + (size & 1)
      guard let kind = Self.kind(ofMember: header.name) else { continue }
      let name = "(\(header.name))"
      if kind == .flag { members.append(Member(name: name, content: .linkModeFlag(header.name))) }
      // A name of 16 bytes may have lost its suffix, and is taken whatever it says.
      guard kind == .object else { continue }
      let parser = MemberParser(file: file, name: file.path + name)
      members.append(Member(name: name, content: try parser.parse(bytes.slice(at, size), at: at, &known)))
    }
    return members
  }

  enum Kind { case object, flag }

  /// What a member is by its name; nil for one that a link does not look at.
  static func kind(ofMember name: String) -> Kind? {
    if name == "__.PKGDEF" { return nil }
    if name == "dynimportfail" || name == "preferlinkext" { return .flag }
    if name.utf8.count < 16, !name.hasSuffix(".o"), !name.hasSuffix(".syso") { return nil }
    return .object
  }

  struct Header {
    let name: String
    let size: Int

    /// The 60-byte member header at `offset`; nil at the end of the archive.
    init?(_ bytes: ByteView, at offset: Int) {
      guard bytes.fits(offset, 60) else { return nil }
      func field(_ at: Int, _ n: Int) -> String {
        var (start, end) = (offset + at, offset + at + n)
        while start < end, bytes.u8(start) == 0x20 { start += 1 }
        while start < end, bytes.u8(end - 1) == 0x20 { end -= 1 }
        return bytes.slice(start, end - start).string
      }
      name = field(0, 16)
      size = Int(field(48, 10)) ?? 0
    }
  }
}

extension Archive {
  /// The offset behind the "\n!\n" that ends the text part of a member, which begins with a line that ends before `from`;
  /// "$$" marks quote sections in which it does not count (lib.go ldobj).
  static func objectStart(_ b: ByteView, from: Int = 1) -> Int? {
    var markers = 0
    var i = from
    while i + 1 < b.count {
      if b.u8(i - 1) == 0x0a {
        if markers & 1 == 0, b.u8(i) == 0x21, b.u8(i + 1) == 0x0a { return i + 2 }
        if b.u8(i) == 0x24, b.u8(i + 1) == 0x24 { markers += 1 }
      }
      i += 1
    }
    return nil
  }
}

package enum ArchiveError: Error, Sendable {
  case cannotOpen(ErrorNumber)
  case failure(LinkFailure)
}

/// Reads one archive member: the text header of a Go object, then the object.
private struct MemberParser {
  let file: MappedFile
  let name: String

  func parse(_ bytes: ByteView, at start: Int, _ known: inout Archive.Known) throws(LinkFailure)
    -> Archive.Content
  {
    if let format = foreignFormat(bytes) { return .foreign(format) }
    guard let lineEnd = bytes.buffer.firstIndex(of: 0x0a) else {
      return .error("truncated object file: \(name): EOF")
    }
    let line = bytes.slice(0, lineEnd + 1)
    guard line.hasPrefix("go object ") else {
      return .error("\(name): not an object file: @\(start) \(goQuoted(line))")
    }
    guard let body = Archive.objectStart(bytes, from: lineEnd + 1) else {
      return .error("truncated object file: \(name)")
    }
    let (isMain, cgo) = packageData(bytes.slice(lineEnd + 1, body - lineEnd - 3))
    let content = bytes.slice(body, bytes.count - body)
    let mine = known.next(content)
    let object = try GoObject.parse(content, of: file, name: name, known: mine)
    return .object(object, header: line.string, isMain: isMain, cgo: cgo)
  }

  private func foreignFormat(_ b: ByteView) -> String? {
    let magic = UInt32(b.u8(0)) << 24 | UInt32(b.u8(1)) << 16 | UInt32(b.u8(2)) << 8 | UInt32(b.u8(3))
    if magic == 0x7f45_4c46 { return "ELF" }
    if magic & ~1 == 0xfeed_face || magic & ~0x0100_0000 == 0xcefa_edfe { return "Mach-O" }
    if [0x4c01, 0x6486, 0xc401, 0x64aa].contains(magic >> 16) { return "PE" }
    if magic >> 16 == 0x01d7 || magic >> 16 == 0x01f7 { return "XCOFF" }
    return b.hasPrefix("go o") ? nil : Archive.unrecognized
  }

  /// What the text part says: whether a header line is "main", and the cgo section (ld/go.go ldpkg).
  private func packageData(_ b: ByteView) -> (isMain: Bool, cgo: Archive.Cgo) {
    var isMain = false
    var start = 0
    while start < b.count {
      var end = start
      while end < b.count, b.u8(end) != 0x0a { end += 1 }
      let line = b.slice(start, end - start)
      start = end + 1
      if line.isEmpty { break }
      if line.count == 4, line.hasPrefix("main") { isMain = true }
    }
    let mark: StaticString = "\n$$  // cgo"
    // The blank line that ended the header may begin the section.
    let from = max(start - 1, 0)
    guard start < b.count, let section = find(b, mark, from: from) else { return (isMain, .none) }
    guard let lineEnd = find(b, "\n", from: section + 1),
      let end = find(b, "\n$$", from: lineEnd) ?? find(b, "\n!\n", from: lineEnd)
    else { return (isMain, .unreadable) }
    guard let directives = CgoDirectives(b.slice(lineEnd, end - lineEnd)) else {
      return (isMain, .unreadable)
    }
    return (isMain, .directives(directives))
  }

  private func find(_ b: ByteView, _ needle: StaticString, from: Int) -> Int? {
    let n = needle.utf8CodeUnitCount
    guard b.count >= n, from <= b.count - n else { return nil }
    for i in from...(b.count - n) where b.u8(i) == 0x0a {
      if b.slice(i, n).hasPrefix(needle) { return i }
    }
    return nil
  }
}

/// The bytes as Go's %q prints them, for ASCII text.
package func goQuoted(_ b: ByteView) -> String {
  var out = "\""
  for c in b.buffer {
    switch c {
    case 0x0a: out += "\\n"
    case 0x09: out += "\\t"
    case 0x0d: out += "\\r"
    case 0x22: out += "\\\""
    case 0x5c: out += "\\\\"
    case 0x20..<0x7f: out.append(Character(Unicode.Scalar(c)))
    default:
      let hex = String(c, radix: 16)
      out += "\\x" + (hex.count == 1 ? "0" : "") + hex
    }
  }
  return out + "\""
}
