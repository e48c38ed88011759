import LoaderCore

/// A unit's share of the sections: the bytes that the linker writes itself, and where everything goes.
final class UnitImage: @unchecked Sendable {
  /// Header and entry of the unit; empty when it has nothing to say.
  let head = ByteSink(capacity: 512)
  let lineHead = ByteSink(capacity: 64)
  let rangeList = ByteSink(capacity: 16)
  fileprivate(set) var debuggerScript: [UInt8]?
  /// Whether the unit has functions.
  let hasText: Bool

  /// Offsets in `head` of fields that are filled in later.
  fileprivate var stmtListAt = 0
  /// Of the address of the unit's first function.
  fileprivate(set) var lowPCAt = 0
  fileprivate var rangesAt = 0
  fileprivate var addressBaseAt = 0

  /// Bytes and place of the unit's part of a section.
  struct Extent: BitwiseCopyable {
    var start = 0
    var size = 0
    var end: Int { start + size }
  }
  var info = Extent()
  var lines = Extent()
  var ranges = Extent()
  var locations = Extent()
  var addresses = Extent()
  /// Bytes of data, where that differs from the room they take; the unit's length counts these.
  fileprivate var infoData = 0

  init(hasText: Bool) { self.hasText = hasText }

  var isEmpty: Bool { head.count == 0 }

  /// Fills in the section offsets, once the extents have their starts.
  func resolve() {
    guard !isEmpty else { return }
    head.setU32(UInt32(truncatingIfNeeded: infoData - 4), at: 0)
    guard hasText else { return }
    head.setU32(UInt32(truncatingIfNeeded: lines.start), at: stmtListAt)
    head.setU32(UInt32(truncatingIfNeeded: ranges.start), at: rangesAt)
    head.setU32(UInt32(truncatingIfNeeded: addresses.start), at: addressBaseAt)
  }
}

/// Builds the heads of units and measures their parts (dwUnitPortion).
struct UnitImageBuilder {
  let index: SymbolIndex
  let contents: UnitContents
  let paths: SourcePath
  let version: String
  /// Bytes of all types, which the runtime's unit carries.
  let typeBytes: Int

  func build(_ u: Int) -> UnitImage {
    let unit = contents.unit(u)
    let image = UnitImage(hasText: unit.functionCount > 0)
    let library = index.libraries[unit.library]
    if image.hasText {
      buildLines(image, u, library)
      buildRanges(image, u)
      contents.forEachLocation(u) { image.locations.size += contents.size($0) }
    }
    image.addresses.size = 8 * contents.slots(u).count
    buildInfo(image, u, library)
    return image
  }

  private func buildLines(_ image: UnitImage, _ u: Int, _ library: Library) {
    let arena = Arena()
    let header = LineHeader(
      contents.reader.object(contents.unit(u).object).pointee.view, paths: paths,
      isRuntime: library.path == "runtime", arena: arena)
    var size = 0
    var data = 0
    contents.forEachLines(u) {
      size += contents.size($0)
      data += contents.reader.data($0).count
    }
    header.write(to: image.lineHead, programBytes: data)
    image.debuggerScript = header.debuggerScript
    image.lines.size = image.lineHead.count + size
  }

  /// The list for the unit itself, relative to its first function (PutRngListRanges).
  private func buildRanges(_ image: UnitImage, _ u: Int) {
    let out = image.rangeList
    out.u8(DebugFormat.RangeEntry.baseAddressX)
    let slot = contents.slot(contents.firstFunction(u))
    out.u32(0)
    DebugRelocator.storeFixedULEB(slot, width: 4, to: out.base + 1)
    for r in contents.codeRanges(u) {
      out.u8(DebugFormat.RangeEntry.offsetPair)
      out.uleb(r.start)
      out.uleb(r.end)
    }
    out.u8(DebugFormat.RangeEntry.endOfList)
    image.ranges.size = out.count
    contents.forEachRanges(u) { image.ranges.size += contents.size($0) }
  }

  private func buildInfo(_ image: UnitImage, _ u: Int, _ library: Library) {
    guard image.hasText || contents.hasTypes(u) || contents.hasVariables(u) else { return }
    writeHead(image, library)
    var size = image.head.count + (contents.hasTypes(u) ? typeBytes : 0) + 1
    image.infoData = size
    contents.forEachInfo(u) {
      size += contents.size($0)
      image.infoData += contents.reader.data($0).count
    }
    image.info.size = size
  }

  private func writeHead(_ image: UnitImage, _ library: Library) {
    let out = image.head
    out.u32(0)
    out.u16(DebugFormat.version)
    out.u8(DebugFormat.unitTypeCompile)
    out.u8(DebugFormat.addressSize)
    out.u32(0)
    out.u8(image.hasText ? AbbrevTable.Code.compileUnit : AbbrevTable.Code.textlessCompileUnit)
    out.string(library.path)
    out.u8(DebugFormat.languageGo)
    if image.hasText {
      image.stmtListAt = out.count
      out.u32(0)
      image.lowPCAt = out.count
      out.u64(0)
      image.rangesAt = out.count
      out.u32(0)
    }
    out.string(".")
    // The compiler's flags, when it left any.
    let flags = data(of: "go:cuinfo.producer." + library.path)
    out.append(text: "Go cmd/compile \(version)")
    if !flags.isEmpty {
      out.append(text: "; ")
      out.append(flags)
    }
    out.u8(0)
    out.string(data(of: "go:cuinfo.packagename." + library.path))
    if image.hasText {
      image.addressBaseAt = out.count
      out.u32(0)
    }
  }

  /// Whether the packages' compiler flags differ.
  var hasFlagVariants: Bool {
    var first: ByteView?
    for library in index.libraries where !library.objects.isEmpty {
      let flags = data(of: "go:cuinfo.producer." + library.path)
      guard let known = first else {
        first = flags
        continue
      }
      if !(known == flags) { return true }
    }
    return false
  }

  private func data(of name: String) -> ByteView {
    let s = index.lookup(name)
    return s.isNone ? .empty : contents.reader.data(s)
  }
}
