/// The type descriptors at the start of .go.type, in the order in which the runtime walks them
/// (runtime/type.go moduleTypelinks; internal/abi/type.go DescriptorSize, Go 1.27).
package struct TypeTable: Sendable {
  private let bytes: FileBytes
  let section: ELFSection
  /// Offsets from the section's start of each descriptor, rising.
  package private(set) var offsets: [Int] = []
  /// Where the sorted descriptors end, and the itabs' range, as offsets from the section's start.
  let descriptorsEnd: Int
  let itabs: Range<Int>

  private static let commonSize = 48
  private static let uncommonSize = 16
  private static let methodSize = 16
  private static let fields: [(end: Int, name: String)] = [
    (8, "Size_"), (16, "PtrBytes"), (20, "Hash"), (21, "TFlag"), (22, "Align_"), (23, "FieldAlign_"),
    (24, "Kind_"), (32, "Equal"), (40, "GCData"), (44, "Str"), (48, "PtrToThis"),
  ]

  /// Nil when `image` has no such section or its module data does not fit it.
  package init?(image: ELFImage) {
    guard let module = ModuleData(image: image),
      let section = image.sections.first(where: { $0.name.hasSuffix(".go.type") || $0.name == ".go.type" }),
      let types = module.word("types"), types == section.address, let end = module.word("typedesclen"),
      let itabStart = module.word("itaboffset"), let itabSize = module.word("itabsize"),
      case let size = UInt64(section.fileSize), end <= size, itabStart <= size, itabSize <= size - itabStart
    else { return nil }
    bytes = image.bytes
    self.section = section
    descriptorsEnd = Int(end)
    itabs = Int(itabStart)..<Int(itabStart + itabSize)
    var at = 8
    while at < descriptorsEnd {
      at = (at + 7) / 8 * 8
      guard let size = descriptorSize(at), size > 0 else { break }
      offsets.append(at)
      at += size
    }
  }

  private func u8(_ offset: Int) -> Int? {
    inside(offset, 1) ? bytes.byte(at: section.offset + offset).map(Int.init) : nil
  }
  private func u16(_ offset: Int) -> Int? {
    inside(offset, 2) ? bytes.integer(UInt16.self, at: section.offset + offset).map(Int.init) : nil
  }
  private func u32(_ offset: Int) -> Int? {
    inside(offset, 4) ? bytes.integer(UInt32.self, at: section.offset + offset).map(Int.init) : nil
  }
  private func u64(_ offset: Int) -> Int? {
    inside(offset, 8)
      ? bytes.integer(UInt64.self, at: section.offset + offset).map { Int(clamping: $0) } : nil
  }
  private func inside(_ offset: Int, _ width: Int) -> Bool {
    offset >= 0 && offset <= section.fileSize - width
  }

  /// Size of the kind's own part, before the uncommon part (internal/abi/compiletype.go RTypeSize).
  private static func kindSize(_ kind: Int) -> Int {
    switch kind {
    case 17: commonSize + 24  // array
    case 18: commonSize + 16  // chan
    case 20, 25: commonSize + 32  // interface, struct
    case 21: commonSize + 88  // map
    case 19, 22, 23: commonSize + 8  // func, pointer, slice
    default: commonSize
    }
  }

  private func descriptorSize(_ at: Int) -> Int? {
    guard let kind = u8(at + 23), kind >= 1, kind <= 26, let flags = u8(at + 20) else { return nil }
    var size = Self.kindSize(kind)
    switch kind {
    case 19:  // func: parameter and result types
      guard let parameters = u16(at + Self.commonSize), let results = u16(at + Self.commonSize + 2) else {
        return nil
      }
      size += 8 * (parameters + results & 0x7fff)
    case 20:  // interface: methods of 8 bytes
      guard let count = u64(at + Self.commonSize + 16), count < section.fileSize else { return nil }
      size += 8 * count
    case 25:  // struct: fields of 24 bytes
      guard let count = u64(at + Self.commonSize + 16), count < section.fileSize else { return nil }
      size += 24 * count
    default: break
    }
    guard flags & 1 != 0 else { return size }
    guard let methods = u16(at + Self.kindSize(kind) + 4) else { return nil }
    return size + Self.uncommonSize + Self.methodSize * methods
  }

  /// The type string of the descriptor at `offset` (cmd/link/internal/ld/decodesym.go decodetypeStr).
  package func name(at offset: Int) -> String {
    guard let nameOffset = u32(offset + 40), let flags = u8(offset + 20) else { return "?" }
    var length = 0
    var at = nameOffset + 1
    for shift in stride(from: 0, to: 28, by: 7) {
      guard let byte = u8(at) else { return "?" }
      at += 1
      length |= (byte & 0x7f) << shift
      if byte < 0x80 { break }
    }
    guard inside(at, 0), let text = bytes.string(at: section.offset + at, length: length) else { return "?" }
    return flags & 2 != 0 ? String(text.dropFirst()) : text
  }

  /// Says which descriptor and field, or which other part, an offset from the section's start lies in.
  func describe(offset: Int) -> String {
    if offset < 8 { return "the empty first word" }
    if itabs.contains(offset) { return "itabs+\(hex(offset - itabs.lowerBound)) (\(describeItab(offset)))" }
    guard offset < descriptorsEnd else {
      let base = offset >= itabs.upperBound && !itabs.isEmpty ? itabs.upperBound : descriptorsEnd
      return "type data without typelink (names, import paths, other descriptors), byte \(hex(offset - base))"
    }
    guard let last = offsets.lastIndex(where: { $0 <= offset }) else { return "descriptors+\(hex(offset))" }
    let field = offset - offsets[last]
    let part =
      Self.fields.first { field < $0.end }?.name
      ?? (field < Self.kindSize(u8(offsets[last] + 23) ?? 0)
        ? "kind data+\(field - Self.commonSize)" : "uncommon data, fields or methods, byte \(field)")
    return "descriptor \(last) of \(offsets.count), \(name(at: offsets[last])): \(part)"
  }

  /// Finds the itab around `offset` by its first two words, which point at descriptors.
  private func describeItab(_ offset: Int) -> String {
    var at = offset / 8 * 8
    while at >= itabs.lowerBound {
      if let interface = target(at), let type = target(at + 8), u8(interface + 23) == 20 {
        let field = offset - at
        let part =
          field < 8 ? "Inter" : field < 16 ? "Type" : field < 24 ? "Hash" : "Fun[\((field - 24) / 8)]"
        return "\(name(at: type)) as \(name(at: interface)): \(part)"
      }
      at -= 8
    }
    return "unknown itab"
  }

  /// The section offset that the pointer at `offset` leads to, when it leads into this section.
  private func target(_ offset: Int) -> Int? {
    guard let value = u64(offset), value >= Int(clamping: section.address) else { return nil }
    let relative = value - Int(clamping: section.address)
    return relative < section.fileSize ? relative : nil
  }
}
