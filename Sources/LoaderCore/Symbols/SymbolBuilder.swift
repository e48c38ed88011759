/// Changing symbols: what the loader calls a symbol updater (loader/symbolbuilder.go). A symbol of an
/// object is cloned on the first change; the clone loses the object's flags and its relocations lose
/// their weak bit (loader.go cloneToExternal).
extension SymbolIndex {
  @inline(__always)
  private func payload(_ s: SymbolID) -> UnsafeMutablePointer<ExternalSymbol> {
    makeOwned(s)
    return externals.base + Int(symbols[s.index].local)
  }

  /// Makes `s` the linker's own, keeping its content.
  package func makeOwned(_ s: SymbolID) {
    let place = symbols[s.index]
    guard place.object > 1 else { return }
    let r = reader
    let o = loaded[Int(place.object)]
    var e = ExternalSymbol(name: r.name(s), version: r.version(s), kind: r.kind(s))
    e.size = r.size(s)
    e.origin = place.object
    e.originLocal = place.local
    e.isDupOK = r.flags(s).contains(.dupOK)
    e.isContentHashed = o.view.isHashed(place.local)
    if Int(place.local) < o.view.definitions {
      let d = o.view.data(place.local)
      e.data = d.base.map { UnsafeMutableRawPointer(mutating: $0) }
      e.dataCount = d.count
      let relocs = r.relocations(s)
      let records = arena.allocate(relocs.count * ObjectFormat.relocSize)
      for i in 0..<relocs.count {
        let rel = relocs[i]
        Relocation.store(
          at: records + i * ObjectFormat.relocSize, offset: rel.offset, size: rel.size, type: rel.type,
          addend: rel.addend, ref: SymbolRef(package_: 0, index: r.target(rel, in: relocs).raw))
      }
      e.relocs = records
      e.relocCount = relocs.count
      e.relocCapacity = relocs.count
    }
    journal.noteOwner(s, place, class: classes[s.index])
    symbols[s.index] = ObjectSymbol(object: 1, local: UInt32(externals.count))
    classes[s.index] = 0
    externals.append(e)
  }

  package func setKind(_ s: SymbolID, _ kind: SymbolKind) { payload(s).pointee.kind = kind }

  /// Sets the size in bytes; the data stays as it is.
  package func setSize(_ s: SymbolID, _ size: Int64) { payload(s).pointee.size = size }

  /// Replaces the data; the size becomes its length.
  package func setData(_ s: SymbolID, _ bytes: [UInt8]) {
    let p = payload(s)
    p.pointee.dataCount = 0
    p.pointee.dataCapacity = 0
    p.pointee.data = nil
    bytes.withUnsafeBytes { append(p, $0) }
  }

  /// Drops data and relocations and sets the size to 0.
  package func truncate(_ s: SymbolID) {
    let p = payload(s)
    p.pointee.size = 0
    p.pointee.data = nil
    p.pointee.dataCount = 0
    p.pointee.dataCapacity = 0
    p.pointee.relocCount = 0
  }

  private func reserve(_ p: UnsafeMutablePointer<ExternalSymbol>, _ n: Int) {
    guard n > p.pointee.dataCapacity else { return }
    let capacity = max(n, p.pointee.dataCapacity * 2, 32)
    let grown = arena.allocate(capacity)
    if let old = p.pointee.data { grown.copyMemory(from: old, byteCount: p.pointee.dataCount) }
    p.pointee.data = grown
    p.pointee.dataCapacity = capacity
  }

  private func append(_ p: UnsafeMutablePointer<ExternalSymbol>, _ bytes: UnsafeRawBufferPointer) {
    if p.pointee.kind == .undefined { p.pointee.kind = .data }
    let at = p.pointee.dataCount
    reserve(p, at + bytes.count)
    if let from = bytes.baseAddress, bytes.count > 0 {
      p.pointee.data?.advanced(by: at).copyMemory(from: from, byteCount: bytes.count)
    }
    p.pointee.dataCount = at + bytes.count
    p.pointee.size = Int64(p.pointee.dataCount)
  }

  /// Pads with zeros or leaves alone, so that data and size agree before something is added at the end.
  private func fill(_ p: UnsafeMutablePointer<ExternalSymbol>) {
    let size = Int(p.pointee.size)
    guard p.pointee.dataCount < size else { return }
    reserve(p, size)
    p.pointee.data?.advanced(by: p.pointee.dataCount).initializeMemory(
      as: UInt8.self, repeating: 0, count: size - p.pointee.dataCount)
    p.pointee.dataCount = size
  }

  package func addBytes(_ s: SymbolID, _ bytes: [UInt8]) {
    let p = payload(s)
    fill(p)
    bytes.withUnsafeBytes { append(p, $0) }
  }

  package func addUInt<T: FixedWidthInteger>(_ s: SymbolID, _ value: T) {
    let p = payload(s)
    fill(p)
    withUnsafeBytes(of: value.littleEndian) { append(p, $0) }
  }

  /// Overwrites bytes at `offset`, lengthening data and size when needed.
  package func setBytes(_ s: SymbolID, at offset: Int, _ bytes: [UInt8]) {
    let p = payload(s)
    let end = offset + bytes.count
    if Int64(end) > p.pointee.size { p.pointee.size = Int64(end) }
    reserve(p, Int(p.pointee.size))
    fill(p)
    bytes.withUnsafeBytes {
      if let from = $0.baseAddress {
        p.pointee.data?.advanced(by: offset).copyMemory(from: from, byteCount: bytes.count)
      }
    }
  }

  package func setUInt<T: FixedWidthInteger>(_ s: SymbolID, at offset: Int, _ value: T) {
    setBytes(s, at: offset, withUnsafeBytes(of: value.littleEndian) { Array($0) })
  }

  /// Appends an 8-byte address of `target` plus `addend`.
  package func addAddress(_ s: SymbolID, of target: SymbolID, addend: Int64 = 0) {
    addReference(s, to: target, addend: addend, type: RelocType.addr, size: 8)
  }

  /// Appends a field of `size` bytes that a relocation fills.
  package func addReference(
    _ s: SymbolID, to target: SymbolID, addend: Int64, type: UInt16, size: Int
  ) {
    let p = payload(s)
    fill(p)
    let at = p.pointee.dataCount
    let zeros: [UInt8] = Array(repeating: 0, count: size)
    zeros.withUnsafeBytes { append(p, $0) }
    addRelocation(s, offset: Int32(at), size: UInt8(size), type: type, addend: addend, target: target)
  }

  package func addRelocation(
    _ s: SymbolID, offset: Int32, size: UInt8, type: UInt16, addend: Int64, target: SymbolID
  ) {
    let p = payload(s)
    if p.pointee.relocCount == p.pointee.relocCapacity {
      let capacity = max(4, p.pointee.relocCapacity * 2)
      let grown = arena.allocate(capacity * ObjectFormat.relocSize)
      if let old = p.pointee.relocs {
        grown.copyMemory(from: old, byteCount: p.pointee.relocCount * ObjectFormat.relocSize)
      }
      p.pointee.relocs = grown
      p.pointee.relocCapacity = capacity
    }
    guard let base = p.pointee.relocs else { return }
    Relocation.store(
      at: base + p.pointee.relocCount * ObjectFormat.relocSize, offset: offset, size: size, type: type,
      addend: addend, ref: SymbolRef(package_: 0, index: target.raw))
    p.pointee.relocCount += 1
  }

  /// Points the `i`-th relocation of `s` at another symbol, with another addend if there is one.
  package func setRelocationTarget(_ s: SymbolID, _ i: Int, _ target: SymbolID, addend: Int64? = nil) {
    let p = payload(s)
    guard i < p.pointee.relocCount, let base = p.pointee.relocs else { return }
    let at = base + i * ObjectFormat.relocSize
    at.storeBytes(of: 0, toByteOffset: 15, as: UInt32.self)
    at.storeBytes(of: target.raw.littleEndian, toByteOffset: 19, as: UInt32.self)
    if let addend { at.storeBytes(of: addend.littleEndian, toByteOffset: 7, as: Int64.self) }
  }
}
