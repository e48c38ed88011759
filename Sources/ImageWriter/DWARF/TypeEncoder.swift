import LoaderCore

/// The bytes of consecutive type entries, and where in them addresses belong.
final class TypeChunk: @unchecked Sendable {
  let bytes = ByteSink(capacity: 1 << 15)
  /// Entries [first, first + count) of the types.
  let first: Int
  let count: Int
  /// Offsets of 4-byte references to entries; until `resolveReferences` they hold indices.
  fileprivate var references: [UInt32] = []
  /// Fields for the place of a descriptor in its section.
  fileprivate(set) var descriptors: [DescriptorField] = []
  /// Offset of the chunk among all types.
  var start = 0

  struct DescriptorField: BitwiseCopyable {
    let offset: UInt32
    /// Bytes.
    let width: UInt32
    let descriptor: SymbolID
  }

  init(first: Int, count: Int) {
    self.first = first
    self.count = count
  }

  /// Lays the chunks end to end; gives their bytes in all.
  ///
  /// - Parameter offsets: of the entries in their chunks; made relative to the first chunk.
  static func assignStarts(_ chunks: [TypeChunk], _ offsets: borrowing Table<UInt32>) -> Int {
    var end = 0
    for c in chunks {
      c.start = end
      end += c.bytes.count
      for i in c.first..<(c.first + c.count) { offsets[i] &+= UInt32(truncatingIfNeeded: c.start) }
    }
    return end
  }

  /// Replaces indices by section offsets.
  func resolveReferences(_ offsetOf: (Int) -> UInt32) {
    for at in references {
      bytes.setU32(offsetOf(Int(bytes.u32(at: Int(at)))), at: Int(at))
    }
    references = []
  }
}

/// Writes entries in the order of their abbreviation's attributes (putdie, PutAttrs). An attribute that the
/// real linker does not set is a zero, except a reference: of that it writes nothing.
struct TypeEncoder {
  private let chunk: TypeChunk
  private let out: ByteSink
  private let reader: SymbolReader
  private let entries: UnsafePointer<DebugTypes.Entry>
  private let references: UnsafePointer<UInt32>
  private let fields: UnsafePointer<TypeField?>

  /// Encodes all types in parallel.
  ///
  /// - Parameters:
  ///   - fields: of all structures, as `TypeMemo.fields` gives them.
  ///   - offsets: gets each entry's offset in its chunk.
  static func encode(
    _ types: borrowing DebugTypes, fields: UnsafePointer<TypeField?>, offsets: UnsafeMutablePointer<UInt32>
  ) -> [TypeChunk] {
    let entries = UnsafePointer(types.entries.base)
    let references = UnsafePointer(types.references.base)
    let reader = types.reader
    let size = 512
    let total = types.entries.count
    let chunks = stride(from: 0, to: total, by: size).map {
      TypeChunk(first: $0, count: min(size, total - $0))
    }
    Chunks.run(chunks.count, grain: 1) { range in
      for c in range {
        let encoder = TypeEncoder(chunks[c], reader, entries, references, fields)
        for i in 0..<chunks[c].count {
          offsets[chunks[c].first + i] = UInt32(truncatingIfNeeded: chunks[c].bytes.count)
          encoder.write(entries[chunks[c].first + i])
        }
      }
    }
    return chunks
  }

  private init(
    _ chunk: TypeChunk, _ reader: SymbolReader, _ entries: UnsafePointer<DebugTypes.Entry>,
    _ references: UnsafePointer<UInt32>, _ fields: UnsafePointer<TypeField?>
  ) {
    self.chunk = chunk
    out = chunk.bytes
    self.reader = reader
    self.entries = entries
    self.references = references
    self.fields = fields
  }

  private func write(_ e: DebugTypes.Entry) {
    typealias Code = AbbrevTable.Code
    out.u8(e.abbrev)
    out.string(e.name)
    switch e.abbrev {
    case Code.unspecifiedType: break
    case Code.baseType:
      out.u8(Self.encoding(e.kind))
      out.u8(UInt8(truncatingIfNeeded: e.size))
      descriptor(e)
    case Code.arrayType: array(e)
    case Code.chanType:
      madeUpType(e)
      descriptor(e)
      reference(e, 0)
    case Code.funcType: function(e)
    case Code.ifaceType:
      reference(e, 0)
      descriptor(e)
      out.u8(0)
    case Code.mapType:
      madeUpType(e)
      descriptor(e)
      reference(e, 0)
      reference(e, 1)
    case Code.pointerType:
      if e.type >= 0 { reference(to: UInt32(e.type)) } else { reference(e, 0) }
      descriptor(e)
    case Code.barePointerType: runtimeType(e)
    case Code.typedef: reference(to: UInt32(e.type))
    default: structure(e)
    }
  }

  private static func encoding(_ kind: UInt8) -> UInt8 {
    switch kind {
    case 1: DebugFormat.Encoding.boolean
    case 2...6: DebugFormat.Encoding.signed
    case 7...12: DebugFormat.Encoding.unsigned
    case 13, 14: DebugFormat.Encoding.float
    default: DebugFormat.Encoding.complexFloat
    }
  }

  // MARK: parts

  private func reference(to entry: UInt32) {
    chunk.references.append(UInt32(truncatingIfNeeded: out.count))
    out.u32(entry)
  }

  private func reference(_ e: DebugTypes.Entry, _ i: Int) {
    reference(to: references[e.firstReference + i])
  }

  /// DW_AT_type of a map or channel. One that came up too late to get a made-up type has the symbol that the
  /// real linker had kept in this attribute: a map's own descriptor, a channel's element.
  private func madeUpType(_ e: DebugTypes.Entry) {
    guard e.type < 0 else { return reference(to: UInt32(e.type)) }
    var kept = e.descriptor
    if e.abbrev == AbbrevTable.Code.chanType {
      var fields = DescriptorFields(reader, e.descriptor)
      kept = fields.target(at: TypeDecoder.commonSize)
    }
    guard !kept.isNone else { return }
    chunk.descriptors.append(
      .init(offset: UInt32(truncatingIfNeeded: out.count), width: 4, descriptor: kept))
    out.u32(0)
  }

  /// DW_AT_go_kind and DW_AT_go_runtime_type.
  private func descriptor(_ e: DebugTypes.Entry) {
    out.u8(e.kind)
    runtimeType(e)
  }

  private func runtimeType(_ e: DebugTypes.Entry) {
    if e.hasRuntimeType {
      chunk.descriptors.append(
        .init(offset: UInt32(truncatingIfNeeded: out.count), width: 8, descriptor: e.descriptor))
    }
    out.u64(0)
  }

  // MARK: types with children

  private func array(_ e: DebugTypes.Entry) {
    reference(e, 0)
    out.uleb(e.size)
    descriptor(e)
    out.u8(AbbrevTable.Code.arrayRange)
    reference(to: DebugTypes.uintptr)
    // The number of elements, not the last index: right for empty arrays too.
    out.uleb(TypeDecoder.arrayLength(reader.data(e.descriptor)))
    out.u8(0)
  }

  private func function(_ e: DebugTypes.Entry) {
    out.uleb(e.size)
    descriptor(e)
    let data = reader.data(e.descriptor)
    let parameters = TypeDecoder.parameterCount(data)
    for i in 0..<e.referenceCount where i < parameters {
      out.u8(AbbrevTable.Code.parameter)
      reference(e, i)
    }
    if TypeDecoder.isVariadic(data) { out.u8(AbbrevTable.Code.dotDotDot) }
    for i in 0..<e.referenceCount where i >= parameters {
      out.u8(AbbrevTable.Code.result)
      out.u8(1)
      reference(e, i)
    }
    out.u8(0)
  }

  /// Structures, and what is shown as one: strings and slices.
  private func structure(_ e: DebugTypes.Entry) {
    out.uleb(e.size)
    descriptor(e)
    if e.abbrev == AbbrevTable.Code.sliceType {
      if e.element >= 0 { reference(to: UInt32(e.element)) } else { reference(e, 0) }
    }
    if !e.fields.isNone { writeFields(e) }
    out.u8(0)
  }

  private func writeFields(_ e: DebugTypes.Entry) {
    for i in 0..<e.referenceCount {
      guard let field = fields[e.firstField + i] else { continue }
      out.u8(AbbrevTable.Code.structField)
      out.string(field.name)
      out.uleb(Int64(field.offset))
      reference(e, i)
      out.u8(field.isEmbedded ? 1 : 0)
    }
  }
}
