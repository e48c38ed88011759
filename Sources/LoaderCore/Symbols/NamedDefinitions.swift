/// Which of two definitions of one name counts (loader.go addSym).
struct NamedDefinitions {
  struct Verdict {
    let newWins: Bool
    /// The size the symbol takes from the loser, when that one was larger.
    let size: UInt32?
  }

  let index: SymbolIndex

  /// - Throws: "duplicated definition" when both mean it.
  @inline(__always)
  func elect(old: ObjectSymbol, new: ObjectSymbol, _ name: ByteView) throws(LinkFailure) -> Verdict {
    let oldView = index.loaded[Int(old.object)].view
    let view = index.loaded[Int(new.object)].view
    let oldIsDupOK = oldView.symbolFlags(old.local).contains(.dupOK)
    if view.symbolFlags(new.local).contains(.dupOK) {
      return Verdict(newWins: oldIsDupOK && oldView.size(old.local) < view.size(new.local), size: nil)
    }
    return oldIsDupOK ? Verdict(newWins: true, size: nil) : try electPlain(old, new, name)
  }

  /// Two plain definitions: content beats zeroed data, text beats zeroed data, the larger of two zeroed ones
  /// wins; anything else is an error.
  private func electPlain(
    _ old: ObjectSymbol, _ new: ObjectSymbol, _ name: ByteView
  ) throws(LinkFailure) -> Verdict {
    let oldView = index.loaded[Int(old.object)].view
    let view = index.loaded[Int(new.object)].view
    let oldKind = kindTable.pointer[Int(oldView.kind(old.local))]
    let kind = kindTable.pointer[Int(view.kind(new.local))]
    let oldSize = oldView.size(old.local)
    let size = view.size(new.local)
    let hasContent = view.dataCount(new.local) != 0
    let oldIsZeroed = oldKind.isData && oldView.dataCount(old.local) == 0
    let isZeroed = kind.isData && !hasContent
    if oldIsZeroed && (kind.isText || hasContent || (isZeroed && size > oldSize)) {
      return Verdict(newWins: true, size: oldSize > size ? oldSize : nil)
    }
    if isZeroed { return Verdict(newWins: false, size: size > oldSize ? size : nil) }
    let here = index.library(of: ObjectID(new.object)).path
    let there = index.library(of: ObjectID(old.object)).path
    throw .fatal(
      "duplicated definition of symbol \(name.string), from \(here) (type \(kind.goName) size \(size))"
        + " and \(there) (type \(oldKind.goName) size \(oldSize))")
  }
}
