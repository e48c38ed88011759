/// What parsing computes of an object's symbols, from an earlier parse of the same bytes.
package struct ObjectTables: @unchecked Sendable {
  /// Keeps the tables.
  let owner: Owner
  let symbolCount: Int
  package let nameHashes: UnsafeMutablePointer<UInt32>
  let traits: UnsafeMutablePointer<UInt8>
  let classes: UnsafeMutablePointer<UInt8>
  let notes: ObjectNotes

  enum Owner {
    case block(SnapshotBlock)
    /// One that has its tables from nobody else.
    case object(GoObject)
  }

  /// Those of an object that a link reads like the one to come.
  init(of object: GoObject) {
    owner = object.owner ?? .object(object)
    symbolCount = object.view.symbolCount
    (nameHashes, traits, classes) = (object.nameHashes, object.traits, object.classes)
    notes = object.notes
  }

  /// - Returns: nil when there are none.
  package init?(_ reader: inout SnapshotReader) {
    owner = .block(reader.block)
    let hashes = reader.memory(of: UInt32.self)
    let traits = reader.memory(of: UInt8.self)
    let classes = reader.memory(of: UInt8.self)
    notes = ObjectNotes(&reader)
    guard reader.isGood, traits.count == hashes.count, classes.count == hashes.count,
      let first = hashes.baseAddress, let firstTrait = traits.baseAddress,
      let firstClass = classes.baseAddress
    else { return nil }
    symbolCount = hashes.count
    nameHashes = first
    self.traits = firstTrait
    self.classes = firstClass
  }
}

extension GoObject {
  /// Writes what `ObjectTables` reads.
  package func write(to writer: SnapshotWriter) {
    let n = view.symbolCount
    writer.bytes(UnsafeRawBufferPointer(start: nameHashes, count: 4 * n))
    writer.bytes(UnsafeRawBufferPointer(start: traits, count: n))
    writer.bytes(UnsafeRawBufferPointer(start: classes, count: n))
    notes.write(to: writer)
  }
}
