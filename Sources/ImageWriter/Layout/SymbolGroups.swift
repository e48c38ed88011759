import LoaderCore

/// The live data symbols by kind, in rank order, with the kinds that group symbols of one purpose
/// (cmd/link/internal/ld/symtab.go symtab, the loop over all symbols; data.go dodata, the bucket loop).
package struct SymbolGroups: Sendable {
  /// Indexed by `SymbolKind.rawValue`.
  package var byKind: [[SymbolID]]

  package subscript(_ kind: SymbolKind) -> [SymbolID] {
    get { byKind[Int(kind.rawValue)] }
    set { byKind[Int(kind.rawValue)] = newValue }
  }

  /// - Parameter memory: knows the groups of the last link's symbols, and learns this one's.
  package init(_ index: SymbolIndex, _ live: borrowing LiveSet, memory: LinkMemory) {
    memory.groupKinds.grow(to: index.count, with: 0)
    let kinds = Int(SymbolKind.firstUnallocated.rawValue)
    let chunks = 8
    let total = index.count
    let classifier = Classifier(
      index: index, reader: index.reader, reachable: live.reachableBits,
      limit: min(live.limit, total), own: OwnSymbols(index), known: memory.groupKinds.base)
    let parts = PartialResults<[[SymbolID]]>(count: chunks, empty: [])
    Chunks.each(chunks) { k in
      var buckets = [[SymbolID]](repeating: [], count: kinds)
      classifier.classify(max(1, total * k / chunks)..<max(1, total * (k + 1) / chunks), into: &buckets)
      parts.set(k, buckets)
    }
    var byKind = [[SymbolID]](repeating: [], count: kinds)
    for part in parts.all { for (k, list) in part.enumerated() { byKind[k] += list } }
    self.byKind = byKind
  }

  /// Read-only data with relocations goes where it can be written while the program is being loaded
  /// (data.go makeRelroForSharedLib).
  package mutating func separateRelocated(_ reader: SymbolReader) {
    var plain: [SymbolID] = []
    for s in self[.rodata] {
      if reader.relocations(s).count == 0 { plain.append(s) } else { self[.rodataRelro].append(s) }
    }
    self[.rodata] = plain
  }

  private struct Classifier: @unchecked Sendable {
    let index: SymbolIndex
    let reader: SymbolReader
    let reachable: UnsafePointer<UInt8>
    let limit: Int
    let own: OwnSymbols
    /// 0, or the bucket plus 1; by symbol. Each worker has its own part of it.
    let known: UnsafeMutablePointer<UInt8>

    private static let none = 254

    func classify(_ range: Range<Int>, into buckets: inout [[SymbolID]]) {
      let (attributes, attributeCount) = index.allAttributes
      LiveSet.forEach(in: range.clamped(to: 0..<limit), reachable) { s in
        let i = s.index
        if i < attributeCount, attributes[i].contains(.special) { return }
        var bucket = Int(known[i]) - 1
        if own.contains(s) {
          bucket = self.bucket(s)
        } else if bucket < 0 {
          bucket = self.bucket(s)
          known[i] = UInt8(truncatingIfNeeded: bucket + 1)
        }
        if bucket != Self.none { buckets[bucket].append(s) }
      }
    }

    private func bucket(_ s: SymbolID) -> Int {
      let kind = reader.kind(s)
      if kind <= .textEnd || kind >= .firstUnallocated { return Self.none }
      let name = reader.name(s)
      // Unnamed symbols are parts of others, except function descriptors' contents.
      if name.isEmpty, kind != .goFunc { return Self.none }
      return Int((group(s, kind, name) ?? kind).rawValue)
    }

    /// The kind of the group that the symbol joins, nil when it stays what it is.
    @inline(__always)
    private func group(_ s: SymbolID, _ kind: SymbolKind, _ name: ByteView) -> SymbolKind? {
      switch kind {
      case .noptrBss: return name.hasPrefix("type:.gcmask.") ? .gcMask : nil
      case .rodata, .goFunc:
        if name.hasPrefix("go:string.") { return .goString }
        if name.hasPrefix("runtime.gcbits.") { return .gcBits }
        if name.hasSuffix("·f") { return .goFunc }
        if name.hasPrefix("type:") { return .type }
        return reader.symbolClass(s).contains(.itab) ? .type : nil
      default: return nil
      }
    }
  }

  /// The kinds whose symbols are members of a group; these are not in the symbol table, but for the symbols
  /// that stand for the groups.
  static let kinds: [SymbolKind] = [.goString, .gcBits, .goFunc, .type, .gcMask]
  static let carriers = [
    "type:*", "go:string.*", "go:funcdesc", "runtime.gcbits.*", "runtime.gcmask.*",
  ]
}

/// One result a worker, written without a lock: each index is written by one worker only.
final class PartialResults<T>: @unchecked Sendable {
  private let slots: UnsafeMutablePointer<T>
  private let count: Int

  init(count: Int, empty: T) {
    slots = .allocate(capacity: count)
    slots.initialize(repeating: empty, count: count)
    self.count = count
  }

  deinit {
    slots.deinitialize(count: count)
    slots.deallocate()
  }

  func set(_ i: Int, _ value: T) { slots[i] = value }
  var all: [T] { Array(UnsafeBufferPointer(start: slots, count: count)) }
}
