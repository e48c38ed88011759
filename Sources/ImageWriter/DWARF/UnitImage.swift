import LoaderCore

/// A unit's share of the sections: the bytes that the linker writes itself, and where everything goes.
final class UnitImage: @unchecked Sendable {
  /// Header and entry of the unit; empty when it has nothing to say.
  let head = ByteSink(capacity: 512)
  /// Belongs to the memory of the last link; the lengths in it are this link's.
  fileprivate(set) var lineHead = ByteSink(capacity: 16)
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

  init(hasText: Bool) { self.hasText = hasText }

  var isEmpty: Bool { head.count == 0 }

  /// Where the entries of inlined functions and functions begin in .debug_info, and the line programs in .debug_line, and
  /// the functions' lists in .debug_rnglists.
  var entriesStart: Int { info.start + head.count }
  var lists: WrittenInfo.Lists { .init(locations: locations.start, ranges: rangesStart) }
  var programsStart: Int { lines.start + lineHead.count }
  var rangesStart: Int { ranges.start + rangeList.count }

  /// Fills in the section offsets, once the extents have their starts.
  func resolve() {
    guard !isEmpty else { return }
    head.setU32(UInt32(truncatingIfNeeded: info.size - 4), at: 0)
    guard hasText else { return }
    head.setU32(UInt32(truncatingIfNeeded: lines.start), at: stmtListAt)
    head.setU32(UInt32(truncatingIfNeeded: ranges.start), at: rangesAt)
    head.setU32(UInt32(truncatingIfNeeded: addresses.start), at: addressBaseAt)
  }
}

/// Builds what needs the functions only: line headers and the units' own range lists
/// (dwUnitPortion without writeUnitInfo).
struct UnitImageBuilder {
  let index: SymbolIndex
  let tables: UnitTables
  let paths: SourcePath
  let memory: DebugMemory

  /// The images of all units, their info still missing.
  func build() -> [UnitImage] {
    [UnitImage](unsafeUninitializedCapacity: tables.count) { out, initialized in
      initialized = tables.count
      guard let images = out.baseAddress else { return }
      // Few large shares: in each, the directories are looked at once.
      Chunks.run(tables.count, grain: max(16, tables.count / 8)) { range in
        var headers = LineHeaderWriter(paths: paths)
        let scratch = ByteSink(capacity: 1 << 14)
        for u in range { (images + u).initialize(to: build(u, &headers, scratch)) }
      }
    }
  }

  private func build(_ u: Int, _ headers: inout LineHeaderWriter, _ scratch: ByteSink) -> UnitImage {
    let unit = tables.unit(u)
    let image = UnitImage(hasText: unit.functionCount > 0)
    let findings = tables.findings(u)
    if image.hasText {
      let view = tables.reader.object(unit.object).pointee.view
      let memo = memory.units[unit.object.index]
      if memo.lineHead == nil {
        scratch.truncate(0)
        headers.write(view, to: scratch)
        memo.lineHead = ByteSink(copying: scratch)
        if index.libraries[unit.library].path == "runtime" {
          memo.debuggerScript = LineHeaderWriter.debuggerScript(view, paths: paths)
        }
      }
      if let head = memo.lineHead { image.lineHead = head }
      LineHeaderWriter.setLength(programBytes: findings.lineSize, in: image.lineHead)
      image.debuggerScript = memo.debuggerScript
      writeRanges(image.rangeList, u)
      image.lines.size = image.lineHead.count + findings.lineSize
      image.ranges.size = image.rangeList.count + findings.rangeSize
      image.locations.size = findings.locationSize
    }
    image.addresses.size = 8 * findings.slots.count
    return image
  }

  /// The list for the unit itself, relative to its first function (PutRngListRanges).
  private func writeRanges(_ out: ByteSink, _ u: Int) {
    out.u8(DebugFormat.RangeEntry.baseAddressX)
    out.u32(0)
    DebugRelocator.storeFixedULEB(tables.slot(tables.firstFunction(u)), width: 4, to: out.base + 1)
    for r in tables.codeRanges(u) {
      out.u8(DebugFormat.RangeEntry.offsetPair)
      out.uleb(r.start)
      out.uleb(r.end)
    }
    out.u8(DebugFormat.RangeEntry.endOfList)
  }
}

/// Builds the units' heads in .debug_info and measures their parts of it (writeUnitInfo).
struct UnitInfoBuilder {
  let index: SymbolIndex
  let contents: UnitContents
  let version: String
  /// Bytes of all types, which the runtime's unit carries.
  let typeBytes: Int

  func complete(_ images: [UnitImage]) {
    Chunks.run(images.count, grain: 1) { range in
      for u in range where images[u].hasText || contents.hasTypes(u) || contents.hasVariables(u) {
        let image = images[u]
        writeHead(image, index.libraries[contents.tables.unit(u).library])
        let types = contents.hasTypes(u) ? typeBytes : 0
        // One byte closes the unit.
        image.info.size = image.head.count + contents.infoSize(u) + types + 1
      }
    }
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
  static func hasFlagVariants(_ index: SymbolIndex) -> Bool {
    var first: ByteView?
    for library in index.libraries where !library.objects.isEmpty {
      let flags = data(of: "go:cuinfo.producer." + library.path, index)
      guard let known = first else {
        first = flags
        continue
      }
      if !(known == flags) { return true }
    }
    return false
  }

  private func data(of name: String) -> ByteView { Self.data(of: name, index) }

  private static func data(of name: String, _ index: SymbolIndex) -> ByteView {
    let s = index.lookup(name)
    return s.isNone ? .empty : index.reader.data(s)
  }
}
