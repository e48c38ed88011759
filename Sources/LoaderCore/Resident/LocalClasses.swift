/// The classes of an object's own definitions, of its contents and of the names that it refers to: what all references
/// stand for that do not name another package. It is read for each relocation of an exchanged object.
struct LocalClasses: @unchecked Sendable {
  private let classes: UnsafePointer<UInt32>
  private let count: UInt
  private let shortStart: UInt
  private let longStart: UInt
  private let namedStart: UInt

  init(_ object: LoadedObject) {
    classes = UnsafePointer(object.symbols)
    count = UInt(bitPattern: object.view.symbolCount)
    shortStart = UInt(bitPattern: object.view.packageDefs)
    longStart = shortStart &+ UInt(bitPattern: object.view.hashed64Defs)
    namedStart = longStart &+ UInt(bitPattern: object.view.hashedDefs)
  }

  /// A class that is none.
  static let nowhere = UInt32.max

  /// Whether references with that package index are read here (`ObjectView.localIndex`).
  @inline(__always)
  static func has(_ package: UInt32) -> Bool {
    package >= ObjectFormat.PackageIndex.own && package != ObjectFormat.PackageIndex.builtin
      && package <= ObjectFormat.PackageIndex.none
  }

  /// - Parameter ref: one that `has` holds for.
  /// - Returns: `nowhere` for one that is impossible.
  @inline(__always)
  subscript(_ ref: SymbolRef) -> UInt32 {
    let start: UInt =
      switch ref.package_ {
      case ObjectFormat.PackageIndex.none: namedStart
      case ObjectFormat.PackageIndex.hashed64: shortStart
      case ObjectFormat.PackageIndex.hashed: longStart
      default: 0
      }
    let local = start &+ UInt(ref.index)
    return local < count ? classes[Int(bitPattern: local)] : Self.nowhere
  }
}
