/// The few symbols of an object that passes look at one by one, found once when the object is parsed.
struct ObjectNotes: Sendable {
  /// Definitions with a flag in `SymbolTraits`.
  private(set) var flaggedDefinitions: [UInt32] = []
  /// References that mark what they refer to as local or as used in an interface.
  private(set) var flaggedReferences: [UInt32] = []
  /// References that need permission: `//go:linkname`, and all of an assembly object's.
  private(set) var linknameReferences: [UInt32] = []
  /// Non-package definitions without content that only pull another package's variable.
  private(set) var linknameVariables: [UInt32] = []
  /// The first reference with an ABI that does not exist.
  private(set) var badReference: UInt32?

  /// Definitions of functions.
  private(set) var functions: [UInt32] = []

  init(_ reader: inout SnapshotReader) {
    flaggedDefinitions = reader.array()
    flaggedReferences = reader.array()
    linknameReferences = reader.array()
    linknameVariables = reader.array()
    functions = reader.array()
    let bad: [UInt32] = reader.array()
    badReference = bad.first
  }

  func write(to writer: SnapshotWriter) {
    for list in [flaggedDefinitions, flaggedReferences, linknameReferences, linknameVariables, functions] {
      writer.array(list)
    }
    writer.array(badReference.map { [$0] } ?? [])
  }

  init(_ v: ObjectView, _ traits: UnsafeMutablePointer<UInt8>, _ classes: UnsafeMutablePointer<UInt8>) {
    for i in 0..<v.definitions {
      if SymbolTraits(rawValue: traits[i]).hasFlags { flaggedDefinitions.append(UInt32(i)) }
      if SymbolClass(rawValue: classes[i]).contains(.text) { functions.append(UInt32(i)) }
    }
    for i in UInt32(v.definitions - v.nonPackageDefs)..<UInt32(v.definitions) {
      guard !v.symbolFlags(i).isDisjoint(with: [.linkname, .linknameStd]), v.dataCount(i) == 0,
        v.name(i).contains(0x2e)
      else { continue }
      linknameVariables.append(i)
    }
    for i in UInt32(v.definitions)..<UInt32(v.symbolCount) {
      let flags = v.symbolFlags(i)
      if !flags.isDisjoint(with: [.local, .usedInIface]) { flaggedReferences.append(i) }
      if v.isFromAssembly || !flags.isDisjoint(with: [.linkname, .linknameStd]) {
        linknameReferences.append(i)
      }
      let abi = v.abi(i)
      if abi > 1, abi != ObjectFormat.abiStatic, badReference == nil { badReference = i }
    }
  }
}
