import LoaderCore

/// Gives every piece of DWARF its offset in its section.
struct DebugLayout {
  /// By unit.
  let images: [UnitImage]
  private let frameBytes: Int
  private(set) var gdbScript: [UInt8] = []
  private var lineBytes = 0
  private var infoBytes = 0
  private var locationBytes = DebugInfo.listHeaderSize
  private var rangeBytes = DebugInfo.listHeaderSize
  private var addressBytes = DebugInfo.addressHeaderSize

  init(images: [UnitImage], frames: [ByteSink]) {
    self.images = images
    frameBytes = frames.reduce(0) { $0 + $1.count }
  }

  /// In the order of the file.
  var sections: [DebugInfo.Section] {
    var list: [DebugInfo.Section] = [
      .init(kind: .abbrev, size: AbbrevTable.bytes.count), .init(kind: .line, size: lineBytes),
      .init(kind: .frame, size: frameBytes),
    ]
    if !gdbScript.isEmpty { list.append(.init(kind: .gdbScripts, size: gdbScript.count)) }
    return list + [
      .init(kind: .info, size: infoBytes), .init(kind: .locLists, size: locationBytes),
      .init(kind: .rngLists, size: rangeBytes), .init(kind: .addr, size: addressBytes),
    ]
  }

  /// Lays the units' parts end to end in the order of the sections.
  ///
  /// - Throws: `.unsupported` when a section outgrows what 4-byte offsets here can name.
  mutating func assignStarts(order: [Int]) throws(LinkFailure) {
    for u in order {
      let image = images[u]
      Self.append(&image.lines, &lineBytes)
      Self.append(&image.info, &infoBytes)
      Self.append(&image.locations, &locationBytes)
      Self.append(&image.ranges, &rangeBytes)
      Self.append(&image.addresses, &addressBytes)
      if gdbScript.isEmpty, let script = image.debuggerScript {
        // 1: the rest names a Python file.
        gdbScript = [1] + script + [0]
      }
    }
    let largest = max(lineBytes, infoBytes, locationBytes, rangeBytes, addressBytes)
    guard largest < DebugPlaces.largestOffset else {
      throw .unsupported(reason: "DWARF section of \(largest) bytes")
    }
  }

  private static func append(_ extent: inout UnitImage.Extent, _ end: inout Int) {
    extent.start = end
    end += extent.size
  }

  /// The types are the last but the closing byte of their unit.
  func typesStart(_ runtimeUnit: Int?, _ typeBytes: Int) -> Int {
    guard let runtimeUnit else { return 0 }
    return images[runtimeUnit].info.end - 1 - typeBytes
  }

  /// Enters the symbols of objects into `places` and completes the units' heads.
  ///
  /// - Throws: `.unsupported` for a symbol that would be there twice, at which the real linker stops.
  func place(_ contents: UnitContents, _ places: borrowing DebugPlaces) throws(LinkFailure) {
    let table = places.base
    let tables = contents.tables
    let twice = UnsafeMutablePointer<UInt32>.allocate(capacity: 1)
    twice.initialize(to: 0)
    defer { twice.deallocate() }
    Chunks.run(images.count, grain: 1) { range in
      for u in range {
        let image = images[u]
        image.resolve()
        var at = 0
        func enter(_ s: SymbolID) {
          if table[s.index] != 0 { twice.pointee = s.raw }
          table[s.index] = UInt32(truncatingIfNeeded: at) &+ 1
          at += Int(tables.reader.size(s))
        }
        if !image.isEmpty {
          at = image.info.start + image.head.count
          contents.forEachInfo(u, enter)
        }
        guard image.hasText else { continue }
        at = image.lines.start + image.lineHead.count
        tables.forEachLines(u, enter)
        at = image.ranges.start + image.rangeList.count
        tables.forEachRanges(u, enter)
        at = image.locations.start
        tables.forEachLocation(u, enter)
      }
    }
    if twice.pointee != 0 {
      let name = tables.reader.name(SymbolID(twice.pointee)).string
      throw .unsupported(reason: "dwarf symbol \(name) listed multiple times")
    }
  }

  /// Completes the references between types, and lets "go:info.T" stand for T's entry.
  ///
  /// - Parameter offsets: of the entries, from the start of the types.
  func placeTypes(
    _ index: SymbolIndex, _ chunks: [TypeChunk], _ offsets: borrowing Table<UInt32>, typesStart: Int,
    _ places: borrowing DebugPlaces
  ) {
    let offsets = offsets.base
    let start = UInt32(truncatingIfNeeded: typesStart)
    Chunks.run(chunks.count, grain: 1) { range in
      for c in range { chunks[c].resolveReferences { offsets[$0] &+ start } }
    }
    let first = index.firstExternal.index
    for i in first..<max(first, places.count) where places.base[i] & DebugPlaces.promise != 0 {
      let type = SymbolID(places.base[i] & ~DebugPlaces.promise)
      let entry = places[type]
      places.base[i] = entry == 0 ? 0 : offsets[Int(entry) - 1] &+ start &+ 1
    }
  }
}
