import LoaderCore

/// The contents of runtime.gcdata and runtime.gcbss: which words of .data and .bss hold pointers, as a GC
/// program made of the types of the symbols there (cmd/link/internal/ld/data.go, GCProg).
package struct GCProgram: Sendable {
  package let bytes: [UInt8]
  /// What the real linker prints on stderr, a line each without its newline; each counts as an error,
  /// and the link goes on.
  package let errors: [String]
  /// The type descriptors and masks that it was made of, each once.
  package let read: [SymbolID]

  /// The programs of regions, side by side.
  ///
  /// - Parameter memory: has the last link's programs, and keeps these.
  /// - Returns: the errors of all.
  package static func define(
    _ regions: [GCRegion], _ index: SymbolIndex, memory: LinkMemory
  ) throws(LinkFailure) -> [String] {
    let owned = Bitmap(count: index.count)
    for s in index.ownedSymbols { owned[s.index] = true }
    let (reader, firstExternal) = (index.reader, index.firstExternal)
    func isOwned(_ s: SymbolID) -> Bool {
      owned[s.index] || !firstExternal.isNone && s.raw >= firstExternal.raw
    }
    let contents = regions.map { GCRegionContents($0, reader, isOwned: isOwned) }
    let known = contents.map { $0.flatMap(memory.gcPrograms.bytes) }
    if !regions.isEmpty, known.allSatisfy({ $0 != nil }) {
      for (r, bytes) in zip(regions, known) { if let bytes { index.setData(r.target, bytes) } }
      return []
    }
    let results = PartialResults<Result<GCProgram, LinkFailure>?>(count: regions.count, empty: nil)
    Chunks.run(regions.count, grain: 1) { range in
      for k in range {
        let r = regions[k]
        results.set(
          k,
          Result { () throws(LinkFailure) -> GCProgram in
            try build(
              name: reader.name(r.target).string, symbols: r.symbols, addresses: r.offsets, start: 0,
              end: r.end, reader: reader)
          })
      }
    }
    var errors: [String] = []
    var made: [GCMemory.Known] = []
    for (k, (r, result)) in zip(regions, results.all).enumerated() {
      guard let program = try result?.get() else { continue }
      index.setData(r.target, program.bytes)
      errors += program.errors.map { $0 + "\n" }
      // What a link changes itself the next one need not.
      guard let c = contents[k], program.errors.isEmpty, !program.read.contains(where: isOwned) else {
        continue
      }
      made.append(
        GCMemory.Known(
          name: c.name, symbols: c.symbols, offsets: c.offsets, own: c.own, end: c.end, read: program.read,
          bytes: program.bytes))
    }
    memory.gcPrograms.keep(made)
    return errors
  }

  /// The program of one section.
  ///
  /// - Parameters:
  ///   - name: the symbol the program is for, which errors name: "runtime.gcdata" or "runtime.gcbss".
  ///   - symbols: those of kind data (or bss) alone, in address order. What follows in the section, such as
  ///     the FIPS kinds, takes no part and counts as free of pointers.
  ///   - addresses: where `symbols` lie.
  ///   - start: where the section starts, a multiple of 8.
  ///   - end: where what the collector scans ends; for .data behind the FIPS kinds.
  /// - Throws: `LinkFailure.corrupt` where the real linker panics: types that overlap, that leave the
  ///   section or contain themselves, or that have lost a mask or an element.
  package static func build(
    name: String, symbols: [SymbolID], addresses: [UInt64], start: UInt64, end: UInt64,
    reader: SymbolReader
  ) throws(LinkFailure) -> GCProgram {
    var builder = GCProgramBuilder(name: name, reader: reader, words: Int64(clamping: (end &- start) / 8))
    for (s, address) in zip(symbols, addresses) {
      try builder.add(s, at: Int64(truncatingIfNeeded: address &- start))
    }
    return try builder.finish()
  }
}

/// A program under way. Offsets are in bytes from the start of the section.
package struct GCProgramBuilder {
  private let name: String
  private let types: TypeDecoder
  private var writer: GCProgramWriter
  private var errors: [String] = []
  /// Descriptors that may still be visited, so that types that contain one another end.
  private var budget: Int64
  private let read: ReadSymbols

  /// Symbols that may lie in the section without a type.
  private static let untyped: Set<String> = [
    "runtime.data", "runtime.edata", "runtime.bss", "runtime.ebss", "runtime.gcdata", "runtime.gcbss",
  ]
  private static let maxDepth = 512

  static func mayLackType(_ name: String) -> Bool { untyped.contains(name) }

  /// - Parameter words: 8-byte words of the region.
  package init(name: String, reader: SymbolReader, words: Int64) {
    self.name = name
    types = TypeDecoder(reader)
    writer = GCProgramWriter(limit: words)
    budget = 100_000 + min(words, 1 << 40) * Int64(Self.maxDepth)
    read = ReadSymbols(count: reader.count)
  }

  /// Adds a variable; variables come in address order.
  package mutating func add(_ s: SymbolID, at offset: Int64) throws(LinkFailure) {
    let type = types.reader.goType(s)
    if !type.isNone { return try add(type: type, at: offset) }
    let text = types.reader.name(s).string
    if Self.mayLackType(text) { return }
    let size = types.reader.size(s)
    errors.append("\(name): missing Go type information for global symbol \(text): size \(size)")
  }

  /// Adds a value of a type that has pointers in it.
  package mutating func add(type: SymbolID, at offset: Int64) throws(LinkFailure) {
    do throws(GCProgramWriter.OutOfRange) {
      try visit(type, at: offset, depth: 0)
    } catch {
      throw .corrupt(
        file: name,
        detail: "the type \(types.reader.name(type).string) at \(offset) contradicts the layout")
    }
  }

  package consuming func finish() throws(LinkFailure) -> GCProgram {
    do throws(GCProgramWriter.OutOfRange) {
      try writer.zeros(until: writer.limit)
    } catch {
      throw .corrupt(file: name, detail: "types leave the section")
    }
    writer.end()
    return GCProgram(bytes: writer.bytes, errors: errors, read: read.all)
  }

  private mutating func visit(
    _ type: SymbolID, at offset: Int64, depth: Int
  ) throws(GCProgramWriter.OutOfRange) {
    let d = types.reader.data(type)
    read.note(type)
    budget -= 1
    guard d.count >= TypeDecoder.commonSize, depth < Self.maxDepth, budget > 0, offset >= 0 else {
      throw GCProgramWriter.OutOfRange()
    }
    let pointerBytes = types.pointerBytes(d)
    if pointerBytes == 0 { errors.append("\(name): has no pointers but in data section") }
    switch types.kind(d) {
    case TypeDecoder.Kind.array: try visitArray(type, d, at: offset, depth: depth)
    case TypeDecoder.Kind.structure: try visitStruct(type, d, at: offset, depth: depth)
    default:
      if types.tflag(d) & TypeDecoder.TFlag.gcMaskOnDemand != 0 {
        errors.append("\(name): GC mask not available")
      }
      try copyMask(of: type, words: pointerBytes / 8, at: offset)
    }
  }

  /// Only arrays and structs can be large enough to have their masks made on demand, and those are taken
  /// apart; everything else has a mask of its own.
  private mutating func copyMask(
    of type: SymbolID, words: Int64, at offset: Int64
  ) throws(GCProgramWriter.OutOfRange) {
    let maskSymbol = types.target(type, at: 32)
    read.note(maskSymbol)
    let mask = types.reader.data(maskSymbol)
    guard words <= 0 || words <= Int64(mask.count) * 8 else { throw GCProgramWriter.OutOfRange() }
    var i: Int64 = 0
    while i < words {
      if mask.u8(Int(i / 8)) >> UInt8(i % 8) & 1 != 0 { try writer.pointer(at: offset / 8 + i) }
      i += 1
    }
  }

  private mutating func visitArray(
    _ type: SymbolID, _ d: ByteView, at offset: Int64, depth: Int
  ) throws(GCProgramWriter.OutOfRange) {
    let element = types.target(type, at: TypeDecoder.commonSize)
    let count = Int64(bitPattern: d.u64(TypeDecoder.commonSize + 16))
    try visit(element, at: offset, depth: depth + 1)
    guard count > 1 else { return }
    let size = types.size(types.reader.data(element))
    let (next, overflow) = offset.addingReportingOverflow(size)
    guard !overflow, size >= 0 else { throw GCProgramWriter.OutOfRange() }
    try writer.zeros(until: next / 8)
    try writer.repetition(of: size / 8, times: count - 1)
  }

  private mutating func visitStruct(
    _ type: SymbolID, _ d: ByteView, at offset: Int64, depth: Int
  ) throws(GCProgramWriter.OutOfRange) {
    let count = d.u64(TypeDecoder.commonSize + 16)
    let uncommon = types.hasUncommon(d) ? TypeDecoder.uncommonSize : 0
    var at = TypeDecoder.descriptorSize(TypeDecoder.Kind.structure) + uncommon
    guard count <= UInt64(d.count / TypeDecoder.structFieldSize),
      d.fits(at, Int(count) * TypeDecoder.structFieldSize)
    else { throw GCProgramWriter.OutOfRange() }
    let relocs = types.reader.relocations(type)
    for _ in 0..<count {
      let field = types.target(relocs, at: at + 8)
      read.note(field)
      let fieldData = types.reader.data(field)
      guard fieldData.count >= TypeDecoder.commonSize else { throw GCProgramWriter.OutOfRange() }
      if types.pointerBytes(fieldData) != 0 {
        let fieldOffset = Int64(bitPattern: d.u64(at + 16))
        let (sum, overflow) = offset.addingReportingOverflow(fieldOffset)
        guard !overflow else { throw GCProgramWriter.OutOfRange() }
        try visit(field, at: sum, depth: depth + 1)
      }
      at += TypeDecoder.structFieldSize
    }
  }
}

/// The symbols that a program was made of, each once.
private final class ReadSymbols {
  private(set) var all: [SymbolID] = []
  private let marks: Bitmap

  init(count: Int) { marks = Bitmap(count: count) }

  @inline(__always)
  func note(_ s: SymbolID) {
    guard !s.isNone, !marks[s.index] else { return }
    marks[s.index] = true
    all.append(s)
  }
}
