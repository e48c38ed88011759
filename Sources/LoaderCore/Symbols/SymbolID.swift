/// A symbol of one program: an index into its `SymbolIndex`. 0 is "no symbol".
///
/// An identity, not an order: where bytes depend on the loader's index (ties in the data sorts, the order
/// of .symtab) the *rank* is asked for, `SymbolReader.rank`.
package struct SymbolID: Hashable, Sendable, BitwiseCopyable {
  package let raw: UInt32
  @inline(__always) package init(_ raw: UInt32) { self.raw = raw }
  @inline(__always) package init(_ raw: Int) { self.raw = UInt32(truncatingIfNeeded: raw) }
  @inline(__always) package static var none: SymbolID { SymbolID(UInt32(0)) }
  @inline(__always) package var isNone: Bool { raw == 0 }
  @inline(__always) package var index: Int { Int(raw) }
}

/// An object of one program, by load order. 0 is none, 1 the linker's own symbols, 2 and up the inputs.
package struct ObjectID: Hashable, Comparable, Sendable, BitwiseCopyable {
  package let raw: UInt32
  @inline(__always) package init(_ raw: UInt32) { self.raw = raw }
  @inline(__always) package static var none: ObjectID { ObjectID(0) }
  @inline(__always) package static var external: ObjectID { ObjectID(1) }
  @inline(__always) package static var firstInput: ObjectID { ObjectID(2) }
  @inline(__always) package var index: Int { Int(raw) }
  package static func < (a: ObjectID, b: ObjectID) -> Bool { a.raw < b.raw }
}

/// Where a symbol's content lies: the object and the symbol's index in it.
package struct ObjectSymbol: BitwiseCopyable, Equatable, Sendable {
  package let object: UInt32
  package let local: UInt32
  @inline(__always) package init(object: UInt32, local: UInt32) {
    self.object = object
    self.local = local
  }
}

/// One object as a member of a program: its view, and how its references resolve there.
package struct LoadedObject: @unchecked Sendable, BitwiseCopyable {
  package let view: ObjectView
  /// Local index -> SymbolID.raw, `view.symbolCount` entries.
  package let symbols: UnsafeMutablePointer<UInt32>
  /// Index into the object's package list -> object index.
  package let packages: UnsafeMutablePointer<UInt32>
  package let packageCount: Int
  package let nameHashes: UnsafeMutablePointer<UInt32>
  package let traits: UnsafeMutablePointer<UInt8>
  /// `SymbolClass` of every definition, by local index.
  package let classes: UnsafeMutablePointer<UInt8>
  /// The version of the object's static symbols, 10 and up (ld/link.go IncVersion).
  package let version: Int32
  /// The library (package) it belongs to: an index into `SymbolIndex.libraries`.
  package let library: UInt32
  package let isExternal: Bool
}

extension ObjectView: BitwiseCopyable {}
extension ByteView: BitwiseCopyable {}

/// A symbol made or changed by the linker: content of its own instead of an object's.
/// Pointers belong to the index's arena.
package struct ExternalSymbol: @unchecked Sendable, BitwiseCopyable {
  package var name: ByteView
  /// 0 ABI0 and data, 1 ABIInternal, 10 and up an object's statics, below 0 linker statics.
  package var version: Int32
  package var kind: SymbolKind
  package var isContentHashed = false
  package var isDupOK = false
  package var size: Int64 = 0
  package var data: UnsafeMutableRawPointer?
  package var dataCount = 0
  /// Bytes available at `data`; 0 while it still is the object's (read-only) memory.
  package var dataCapacity = 0
  package var relocs: UnsafeMutableRawPointer?
  package var relocCount = 0
  package var relocCapacity = 0
  /// The object this was cloned from, 0 when the linker made it; its aux records stay readable.
  package var origin: UInt32 = 0
  package var originLocal: UInt32 = 0
}

extension SymbolKind: BitwiseCopyable {}
