import LoaderCore

/// What the passes keep from one link of a program to the next. It saves work and decides nothing: a link that
/// starts with an empty memory gives the same bytes.
///
/// A link takes it out of the store together with its program; one that fails drops both.
package final class LinkMemory: @unchecked Sendable {
  /// Types by string.
  var typesByString: [SymbolID] = []
  let debug = DebugMemory()

  package init() {}

  /// Follows an exchange of objects; nil forgets everything.
  package func follow(_ change: IndexChange?) {
    guard let change else {
      typesByString = []
      debug.forget()
      return
    }
    typesByString = typesByString.compactMap(change.number)
    debug.follow(change)
  }

  /// Bytes of memory.
  package var byteCount: Int { typesByString.count * 4 + debug.byteCount }
}
