import LoaderCore
import TestSupport

/// A program of one object that defines nothing: an index to make symbols in.
struct EmptyProgram {
  let index: SymbolIndex

  init() throws {
    var object = ObjectBuilder()
    object.isMain = true
    index = try HandmadeProgram(main: object).resolve().index
  }
}
