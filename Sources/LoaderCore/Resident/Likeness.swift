extension ObjectView {
  /// What two versions of an object have in common.
  enum Likeness: Sendable, Equatable {
    /// The same symbols at the same places, told apart by contents and by the indices of other packages' symbols only.
    case symbols
    /// The same, but for some symbols that are known by a hash of their contents: by local index, rising. Package
    /// definitions may have another size.
    case names(contents: [UInt32])
    case nothing
  }

  /// What this version has in common with an older one, wherever all that is said of the symbols stands.
  ///
  /// - Parameter isLaidOut: that it is known to be laid out like that.
  func likeness(to old: ObjectView, isLaidOut: Bool) -> Likeness {
    if isLaidOut || self.isLaidOut(like: old) {
      return isSame(block(.hash64), block(.relocIndex), in: old)
        ? .symbols : .names(contents: contents(unlike: old))
    }
    return hasPlaces(like: old) ? .names(contents: contents(unlike: old)) : .nothing
  }

  /// Whether both have the same symbols at the same places but for contents, and all blocks begin where they did: what
  /// parsing finds of one holds for the other.
  func isLaidOut(like other: ObjectView) -> Bool {
    // Names lie between the blocks.
    bytes.count == other.bytes.count && isSame(16, block(.autolib), in: other)
      && isSame(block(.packageIndex), block(.refFlags), in: other)
      && isSame(block(.relocIndex), block(.reloc), in: other)
  }

  private func isSame(_ start: Int, _ end: Int, in other: ObjectView) -> Bool {
    bytes.slice(start, end - start) == other.bytes.slice(start, end - start)
  }

  /// The symbols known by contents that are others than in another version, which has as many.
  private func contents(unlike other: ObjectView) -> [UInt32] {
    let end = packageDefs + hashed64Defs + hashedDefs
    return (packageDefs..<end).compactMap {
      hasHash($0, like: other) ? nil : UInt32(truncatingIfNeeded: $0)
    }
  }

  /// Whether both have the same symbols at the same places, in the sense of `Likeness.names`, wherever all that is said of
  /// them stands.
  private func hasPlaces(like other: ObjectView) -> Bool {
    guard hasBlocks(like: other), symbolCount == other.symbolCount, flags == other.flags,
      hasPackages(like: other), hasBlock(.refFlags, like: other)
    else { return false }
    return (0..<UInt32(symbolCount)).allSatisfy { hasRecord($0, like: other) }
  }

  private func hasPackages(like other: ObjectView) -> Bool {
    let n = blockSize(.packageIndex) / ObjectFormat.stringRefSize
    func name(_ view: ObjectView, _ k: Int) -> ByteView {
      view.stringRef(at: view.block(.packageIndex) + k * ObjectFormat.stringRefSize)
    }
    return blockSize(.packageIndex) == other.blockSize(.packageIndex)
      && (0..<n).allSatisfy { name(self, $0) == name(other, $0) }
  }

  private func hasBlock(_ block: ObjectFormat.Block, like other: ObjectView) -> Bool {
    let n = blockSize(block)
    return n == other.blockSize(block)
      && bytes.slice(self.block(block), n) == other.bytes.slice(other.block(block), n)
  }

  private func hasRecord(_ i: UInt32, like other: ObjectView) -> Bool {
    let (a, b) = (record(i), other.record(i))
    let isOther = isHashed(i) && !hasHash(Int(i), like: other)
    // A content that is another may have another name.
    guard isOther || name(i) == other.name(i) else { return false }
    // ABI, kind and flags; alignment.
    guard bytes.slice(a + 8, 5) == other.bytes.slice(b + 8, 5), alignment(i) == other.alignment(i) else {
      return false
    }
    if isOther || Int(i) < packageDefs { return true }
    return size(i) == other.size(i) && dataCount(i) == other.dataCount(i)
  }

  private func hasHash(_ i: Int, like other: ObjectView) -> Bool {
    let k = i - packageDefs
    return k < hashed64Defs
      ? hash64(k) == other.hash64(k) : hash(k - hashed64Defs) == other.hash(k - hashed64Defs)
  }

  func hasFiles(like other: ObjectView) -> Bool {
    fileCount == other.fileCount && (0..<fileCount).allSatisfy { fileName($0) == other.fileName($0) }
  }
}
