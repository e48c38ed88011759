#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Compares two versions of an object that define the same symbols at the same places: an edit that keeps all sizes
/// often changes nothing but the bytes of a few of them.
struct ContentComparison {
  let old: ObjectView
  let new: ObjectView

  /// The definitions whose data differ; nil when something else differs too: a relocation, a size, a flag, an
  /// auxiliary symbol, a name that is not a string's.
  func changedData() -> [UInt32]? {
    guard old.hasBlocks(like: new), old.symbolCount == new.symbolCount, old.flags == new.flags,
      old.relocCount == new.relocCount, old.auxCount == new.auxCount, old.dataSize == new.dataSize,
      isSame(.relocIndex), isSame(.auxIndex), isSame(.dataIndex), isSame(.reloc), isSame(.aux),
      isSame(.refFlags), old.hasFiles(like: new), haveSameRecords
    else { return nil }
    if isSame(.data) { return [] }
    return (0..<UInt32(old.definitions)).filter { !(old.data($0) == new.data($0)) }
  }

  private func isSame(_ block: ObjectFormat.Block) -> Bool {
    let n = old.blockSize(block)
    guard n == new.blockSize(block) else { return false }
    return old.bytes.slice(old.block(block), n) == new.bytes.slice(new.block(block), n)
  }

  /// Names, versions, kinds, flags, sizes and alignments. A string's name is its content.
  private var haveSameRecords: Bool {
    let n = old.symbolCount
    let rest = ObjectFormat.symbolSize - 8
    for i in 0..<UInt32(n) {
      let (a, b) = (old.record(i), new.record(i))
      guard old.bytes.slice(a + 8, rest) == new.bytes.slice(b + 8, rest) else { return false }
      let (was, now) = (old.name(i), new.name(i))
      if was == now { continue }
      guard was.hasPrefix("go:string."), now.hasPrefix("go:string.") else { return false }
    }
    return true
  }
}
