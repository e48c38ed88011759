extension IndexPatch {
  /// Objects with more contents than this many times those that are looked for are asked for their `ContentTags`.
  private static let sweepFactor = 2
  /// Objects that are worth a turn on another core.
  private static let grain = 48

  /// The objects that may define one of some contents; before the new versions are installed.
  ///
  /// - Returns: by object, false for those that do not.
  func holders(of contents: [ContentTag]) -> [Bool] {
    [Bool](unsafeUninitializedCapacity: index.loaded.count) { mayHold, count in
      count = index.loaded.count
      mayHold.initialize(repeating: true)
      let holders = Holders(base: mayHold.baseAddress, loaded: index.loaded.base)
      let (objects, isChanged) = (index.objects, isChanged)
      Chunks.run(count, grain: Self.grain) { range in
        for o in range where o > 1 && !isChanged[o] {
          let view = holders.loaded[o].view
          // A few are found in no time, and none at once.
          guard contents.count * Self.sweepFactor < view.hashed64Defs + view.hashedDefs,
            let tags = objects[o - 2].contentTags
          else { continue }
          holders.base?[o] = contents.contains { tags.mayHave($0) }
        }
      }
    }
  }

  private struct Holders: @unchecked Sendable {
    let base: UnsafeMutablePointer<Bool>?
    let loaded: UnsafeMutablePointer<LoadedObject>
  }

  /// The same of old classes; nil when one is no content.
  func holders(ofClasses classes: [UInt32]) -> [Bool]? {
    var tags: [ContentTag] = []
    for c in classes {
      let p = index.symbols[Int(c)]
      guard p.object > 1 else { return nil }
      let view = index.loaded[Int(p.object)].view
      guard view.isHashed(p.local) else { return nil }
      tags.append(ContentTag(view, p.local))
    }
    return holders(of: tags)
  }
}
