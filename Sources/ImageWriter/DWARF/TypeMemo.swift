import LoaderCore

/// What a descriptor says of its type, as far as its entry needs it.
struct TypeRecord: BitwiseCopyable {
  /// None for one that may be another now.
  fileprivate(set) var descriptor: SymbolID
  /// reflect.Kind.
  let kind: UInt8
  let hasTypedef: Bool
  /// Whether the memory has the fields of the structure.
  fileprivate(set) var hasFields = false
  let name: ByteView
  let size: Int64
  /// Range among the references, and for a structure among the fields.
  let firstReference: Int
  let referenceCount: Int
  /// Index of the record in the last link, -1 for none.
  var known: Int32 = -1

  init(
    _ descriptor: SymbolID, kind: UInt8, hasTypedef: Bool, name: ByteView, size: Int64, references: Range<Int>
  ) {
    self.descriptor = descriptor
    self.kind = kind
    self.hasTypedef = hasTypedef
    self.name = name
    self.size = size
    firstReference = references.lowerBound
    referenceCount = references.count
  }

  var references: Range<Int> { firstReference..<(firstReference + referenceCount) }
}

/// A field of a structure, as its descriptor has it.
struct TypeField: BitwiseCopyable {
  private var start: UnsafeRawPointer?
  private var length: UInt32 = 0
  /// What the name was read from; none when that is not a name of the field's own.
  fileprivate(set) var source = SymbolID.none
  /// Bytes from the start of the structure.
  let offset: Int32
  let isEmbedded: Bool

  var name: ByteView { ByteView(start, Int(length)) }

  /// - Parameter at: the field's offset in the descriptor.
  init(_ data: ByteView, _ relocated: inout DescriptorFields, at: Int, _ reader: SymbolReader) {
    offset = Int32(truncatingIfNeeded: data.u64(at + 16))
    let symbol = relocated.target(at: at)
    let nameData = symbol.isNone ? .empty : reader.data(symbol)
    isEmbedded = nameData.u8(0) & 8 != 0
    var name = symbol.isNone ? .empty : TypeDecoder.nameText(nameData)
    if name.isEmpty {
      let type = reader.name(relocated.target(at: at + 8))
      name = type.slice(5, type.count - 5)
    } else if !reader.isExternal(symbol) {
      source = symbol
    }
    start = name.base
    length = UInt32(truncatingIfNeeded: name.count)
  }
}

/// The descriptors of the last link's types, in flat tables. A descriptor that no exchanged object has a part in
/// says what it said, and so does a name; what it refers to is known by number, so that it does not matter whether
/// that is another now.
final class TypeMemo: @unchecked Sendable {
  private(set) var records = Table<TypeRecord>()
  /// SymbolID.raw of descriptors.
  private(set) var references = Table<UInt32>()
  /// By reference, for those that are fields.
  private var fields = Table<TypeField?>()

  /// Marks the entry in `DebugPlaces` of a descriptor that has a record, and no entry yet.
  static let mark: UInt32 = 0x4000_0000

  /// Lets `places` lead to the records.
  func announce(_ places: UnsafeMutablePointer<UInt32>) {
    for i in 0..<records.count where !records[i].descriptor.isNone {
      places[records[i].descriptor.index] = Self.mark | UInt32(truncatingIfNeeded: i)
    }
  }

  /// Takes the marks back that nobody asked for.
  func withdraw(_ places: UnsafeMutablePointer<UInt32>) {
    for i in 0..<records.count where !records[i].descriptor.isNone {
      let s = records[i].descriptor.index
      if places[s] & Self.mark != 0 { places[s] = 0 }
    }
  }

  /// The fields of all structures, by reference. Reads those that are not known.
  func fields(of types: borrowing DebugTypes) -> Table<TypeField?> {
    let all = Table<TypeField?>(repeating: nil, count: types.references.count)
    let new = all.base
    let records = UnsafePointer(types.records.base)
    let old = UnsafePointer(fields.base)
    let oldRecords = UnsafePointer(self.records.base)
    let reader = types.reader
    Chunks.run(types.records.count, grain: 256) { range in
      for r in range where records[r].kind == TypeDecoder.Kind.structure {
        let record = records[r]
        let into = new + record.firstReference
        if record.known >= 0, oldRecords[Int(record.known)].hasFields {
          (into).update(
            from: old + oldRecords[Int(record.known)].firstReference, count: record.referenceCount)
          continue
        }
        let data = reader.data(record.descriptor)
        let start = TypeDecoder.structFields(data)
        var relocated = DescriptorFields(reader, record.descriptor)
        for i in 0..<record.referenceCount {
          into[i] = TypeField(data, &relocated, at: start + TypeDecoder.structFieldSize * i, reader)
        }
      }
    }
    return all
  }

  func keep(_ types: borrowing DebugTypes, _ fields: consuming Table<TypeField?>) {
    let count = types.records.count
    var records = Table<TypeRecord>(capacity: count)
    for i in 0..<count {
      var record = types.records[i]
      record.known = -1
      record.hasFields = true
      // The linker's own names do not outlive the link.
      if types.reader.isExternal(record.descriptor) { record.descriptor = .none }
      records.append(record)
    }
    self.records = records
    let references = Table<UInt32>(repeating: 0, count: types.references.count)
    let entries = UnsafePointer(types.entries.base)
    let indices = UnsafePointer(types.references.base)
    let out = references.base
    Chunks.run(references.count, grain: 1 << 14) { range in
      for i in range { out[i] = entries[Int(indices[i])].descriptor.raw }
    }
    self.references = references
    self.fields = fields
  }

  func follow(_ change: IndexChange) {
    let records = self.records.base
    let references = self.references.base
    let fields = self.fields.base
    Chunks.run(self.records.count, grain: 512) { range in
      for r in range where !records[r].descriptor.isNone {
        let s = records[r].descriptor
        let now = change.number(s)
        records[r].descriptor = .none
        guard let now, !change.isReplaced(s) else { continue }
        var isSame = true
        for i in records[r].references where references[i] != 0 {
          let target = change.number(SymbolID(references[i]))
          if target == nil { isSame = false }
          references[i] = target?.raw ?? 0
        }
        if records[r].kind == TypeDecoder.Kind.structure {
          for i in records[r].references {
            guard let source = fields[i]?.source, !source.isNone, !change.isReplaced(source),
              let target = change.number(source)
            else {
              records[r].hasFields = false
              continue
            }
            fields[i]?.source = target
          }
        }
        if isSame { records[r].descriptor = now }
      }
    }
  }

  func forget() {
    records = Table()
    references = Table()
    fields = Table()
  }

  /// Bytes of memory.
  var byteCount: Int {
    records.count * MemoryLayout<TypeRecord>.stride + references.count * 4
      + fields.count * MemoryLayout<TypeField?>.stride
  }
}
