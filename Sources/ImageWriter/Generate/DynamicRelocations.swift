import LoaderCore

/// .rela: where addresses must be adjusted once the program is loaded (cmd/link/internal/ld/data.go
/// dynreloc, dynrelocsym; amd64/asm.go adddynrel).
///
/// Functions come first, then data by kind and rank: the order before data is sorted. An entry's numbers are
/// known only when addresses are, so until then it names symbols.
package struct DynamicRelocations: Sendable {
  package static let entrySize = 24

  /// R_X86_64_GLOB_DAT and R_X86_64_RELATIVE.
  private enum Info {
    static let globalData: UInt64 = 6
    static let relative: UInt64 = 8
  }

  /// A field of data that holds an address.
  struct Field: Sendable {
    let symbol: SymbolID
    let offset: Int32
    let target: SymbolID
    let addend: Int64
  }

  private let sections: DynamicSections
  private let symbols: [DynamicSections.DynamicSymbol]
  /// In parts, one after the other.
  private let fields: [[Field]]
  private let fieldStarts: [Int]
  package var count: Int { symbols.count + (fieldStarts.last ?? 0) + (fields.last?.count ?? 0) }

  /// Finds the relocations and completes `sections`.
  ///
  /// - Parameters:
  ///   - text: functions in address order.
  ///   - groups: all live data.
  /// - Throws: `.unsupported` for an address in a field that is no address's size.
  package init(
    _ sections: DynamicSections, _ index: SymbolIndex, _ live: borrowing LiveSet, text: TextLayout,
    groups: SymbolGroups
  ) throws(LinkFailure) {
    self.sections = sections
    symbols = try Self.relocateText(sections, index, live, text.functions)
    // The dynamic linker's own tables hold addresses that it adjusts itself.
    let own: Set<SymbolID> = [
      sections.symbols, sections.relocations, sections.pltRelocations, sections.gotPLT, sections.dynamic,
    ]
    let data = groups.byKind.flatMap { $0 }.filter { !own.contains($0) }
    let finder = AddressFinder(
      reader: index.reader, reachable: live.reachableBits, limit: live.limit, symbols: data)
    let (fields, bad) = finder.run()
    if let bad { throw .unsupported(reason: "address of odd size in \(index.reader.name(bad).string)") }
    self.fields = fields
    var at = 0
    var starts: [Int] = []
    for part in fields {
      starts.append(at)
      at += part.count
    }
    fieldStarts = starts
    sections.complete(index, symbols: symbols, relocationCount: symbols.count + at)
  }

  /// Code that holds an address gets that of the target's word in .got instead.
  private static func relocateText(
    _ sections: DynamicSections, _ index: SymbolIndex, _ live: borrowing LiveSet, _ functions: [SymbolID]
  ) throws(LinkFailure) -> [DynamicSections.DynamicSymbol] {
    let finder = AddressFinder(
      reader: index.reader, reachable: live.reachableBits, limit: live.limit, symbols: functions)
    var symbols: [DynamicSections.DynamicSymbol] = []
    for (function, i) in finder.addresses() {
      let relocations = index.reader.relocations(function)
      let r = relocations[i]
      let target = index.reader.target(r, in: relocations)
      guard !target.isNone else { throw .unsupported(reason: "address of nothing in code") }
      let known = symbols.first { $0.symbol == target }
      let entry = known ?? sections.addSymbol(target, index)
      if known == nil { symbols.append(entry) }
      index.setRelocationTarget(function, i, sections.got, addend: r.addend &+ entry.gotOffset)
    }
    return symbols
  }

  /// Writes the section's contents into `image`.
  ///
  /// - Returns: error lines for targets that nothing defines, in the real linker's words.
  package func write(
    into image: OutputImage, _ layout: ImageLayout, _ addresses: borrowing Addresses, _ index: SymbolIndex
  ) throws(LinkFailure) -> [String] {
    let section = layout.section(addresses.section(of: sections.relocations))
    let segment = layout[section.segment]
    let offset = Int(segment.fileOffset &+ (section.address &- segment.address))
    guard let window = image.window(offset, count * Self.entrySize), let base = window.baseAddress else {
      throw .unsupported(reason: "dynamic relocations do not fit the image")
    }
    func put(_ k: Int, _ at: UInt64, _ info: UInt64, _ addend: UInt64) {
      let entry = base + k * Self.entrySize
      entry.storeBytes(of: at.littleEndian, as: UInt64.self)
      entry.storeBytes(of: info.littleEndian, toByteOffset: 8, as: UInt64.self)
      entry.storeBytes(of: addend.littleEndian, toByteOffset: 16, as: UInt64.self)
    }
    let got = addresses[sections.got]
    for (k, s) in symbols.enumerated() {
      put(k, got &+ UInt64(s.gotOffset), UInt64(k + 1) << 32 | Info.globalData, 0)
    }
    nonisolated(unsafe) let first = base + symbols.count * Self.entrySize
    let places = addresses.packed
    let placedCount = addresses.count
    nonisolated(unsafe) let address = { (s: SymbolID) -> UInt64 in
      s.index < placedCount ? places[s.index] & Addresses.addressMask : 0
    }
    Chunks.each(fields.count) { part in
      var entry = first + fieldStarts[part] * Self.entrySize
      for f in fields[part] {
        let at = address(f.symbol) &+ UInt64(bitPattern: Int64(f.offset))
        let value = address(f.target) &+ UInt64(bitPattern: f.addend)
        entry.storeBytes(of: at.littleEndian, as: UInt64.self)
        entry.storeBytes(of: Info.relative.littleEndian, toByteOffset: 8, as: UInt64.self)
        entry.storeBytes(of: value.littleEndian, toByteOffset: 16, as: UInt64.self)
        entry += Self.entrySize
      }
    }
    return unresolved(index, addresses)
  }

  private func unresolved(_ index: SymbolIndex, _ addresses: borrowing Addresses) -> [String] {
    let reader = index.reader
    var problems: [Relocator.Problem] = []
    for part in fields {
      for f in part where addresses.section(of: f.target) == .none {
        let kind = reader.kind(f.target)
        guard kind == .undefined || kind == .xref else { continue }
        problems.append(
          Relocator.Problem(
            symbol: sections.relocations, relocation: problems.count, target: f.target, kind: .unresolved))
      }
    }
    return RelocationErrors(index: index).lines(problems)
  }
}

/// Looks for addresses among relocations, on all cores.
private struct AddressFinder: @unchecked Sendable {
  let reader: SymbolReader
  let reachable: UnsafePointer<UInt8>
  let limit: Int
  let symbols: [SymbolID]

  /// Calls `found` with each relocation that asks for an address: its symbol, its number and itself.
  @inline(__always)
  private func visit(
    _ s: SymbolID, _ found: (_ i: Int, _ r: Relocation, _ relocations: Relocations) -> Void
  ) {
    let relocations = reader.relocations(s)
    for i in 0..<relocations.count where relocations.type(i) == RelocType.addr {
      let r = relocations[i]
      if r.size == 0 { continue }
      if r.isWeak {
        // What the program does not have is redirected, without regard to where it is loaded.
        let target = reader.target(r, in: relocations)
        guard target.index < limit, reachable[target.index] & 1 != 0 else { continue }
      }
      found(i, r, relocations)
    }
  }

  /// Symbol and number of each such relocation, in order.
  func addresses() -> [(symbol: SymbolID, relocation: Int)] {
    let chunks = max(1, min(64, symbols.count / 1024))
    let parts = PartialResults<[(symbol: SymbolID, relocation: Int)]>(count: chunks, empty: [])
    Chunks.each(chunks) { k in
      var found: [(symbol: SymbolID, relocation: Int)] = []
      for s in symbols[(symbols.count * k / chunks)..<(symbols.count * (k + 1) / chunks)] {
        visit(s) { i, _, _ in found.append((s, i)) }
      }
      parts.set(k, found)
    }
    return parts.all.flatMap { $0 }
  }

  /// The fields in parts, and a symbol with a field that is not 8 bytes, if any.
  func run() -> (fields: [[DynamicRelocations.Field]], bad: SymbolID?) {
    let chunks = max(1, min(64, symbols.count / 1024))
    let parts = PartialResults<[DynamicRelocations.Field]>(count: chunks, empty: [])
    let bad = PartialResults<SymbolID>(count: chunks, empty: .none)
    Chunks.each(chunks) { k in
      var found: [DynamicRelocations.Field] = []
      for s in symbols[(symbols.count * k / chunks)..<(symbols.count * (k + 1) / chunks)] {
        visit(s) { _, r, relocations in
          if r.size != 8 { bad.set(k, s) }
          found.append(
            DynamicRelocations.Field(
              symbol: s, offset: r.offset, target: reader.target(r, in: relocations), addend: r.addend))
        }
      }
      parts.set(k, found)
    }
    return (parts.all, bad.all.first { !$0.isNone })
  }
}
