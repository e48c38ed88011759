/// Everything that can put a name to a place in one image.
struct Locator: Sendable {
  let image: ELFImage
  let functions: FunctionTable?
  let types: TypeTable?
  let module: ModuleData?
  let symbols: SymbolNames

  /// `symbols` names the addresses of `image`; without it the image's own symbol table is used, if any.
  init(image: ELFImage, symbols: SymbolNames? = nil) {
    self.image = image
    functions = FunctionTable(image: image)
    types = TypeTable(image: image)
    module = ModuleData(image: image)
    self.symbols = symbols ?? SymbolNames(image: image)
  }

  /// What lies `offset` bytes into `section`, most telling first; empty when nothing is known.
  func describe(section: ELFSection, offset: Int) -> [String] {
    var details: [String] = []
    let address = section.address &+ UInt64(offset)
    switch section.name {
    case functions?.section.name: functions.map { details.append($0.describe(offset: offset)) }
    case types?.section.name: types.map { details.append($0.describe(offset: offset)) }
    case module?.section.name: module.map { details.append($0.describe(offset: offset)) }
    case ".go.fipsinfo": details.append(Self.describeFIPS(offset))
    case ".go.buildinfo": details.append(offset < 32 ? "build info header" : "build info string")
    case ".symtab":
      details.append(
        "entry \(offset / 24): \(Self.field(offset % 24, Self.symbolFields))" + symbolName(offset / 24))
    default: break
    }
    guard section.address != 0 else { return details }
    if let name = symbols.describe(section: section.name, offset: offset),
      details.isEmpty || !name.contains("behind the end")
    {
      details.append("symbol \(name)")
    } else if section.name == ".text", let name = functions?.describe(address: address) {
      details.append("function \(name)")
    }
    return details
  }

  /// A short name for an address, or nil when it lies in no section.
  func name(ofAddress address: UInt64) -> String? {
    guard let section = image.section(containingAddress: address) else { return nil }
    let offset = ELFImage.position(address - section.address)
    let detail = describe(section: section, offset: offset).first
    return "\(section.name)+\(hex(offset))" + (detail.map { " = \($0)" } ?? "")
  }

  static let symbolFields: [(end: Int, name: String)] = [
    (4, "st_name"), (5, "st_info"), (6, "st_other"), (8, "st_shndx"), (16, "st_value"), (24, "st_size"),
  ]

  static func field(_ offset: Int, _ fields: [(end: Int, name: String)]) -> String {
    fields.first { offset < $0.end }?.name ?? "byte \(offset)"
  }

  /// cmd/link/internal/ld/fips140.go fipsObj: magic, sum, self, then four (start, end) pairs.
  private static func describeFIPS(_ offset: Int) -> String {
    switch offset {
    case ..<16: "fipsinfo magic"
    case ..<48: "fipsinfo checksum"
    case ..<56: "fipsinfo self pointer"
    default:
      "fipsinfo " + ["text", "rodata", "noptrdata", "data", "?"][min(4, (offset - 56) / 16)]
        + ((offset - 56) % 16 < 8 ? " start" : " end")
    }
  }

  /// Entry `index` of .symtab, by name.
  func symbolName(_ index: Int) -> String {
    guard let table = image.section(".symtab"), Int(table.link) < image.sections.count,
      index * 24 < table.fileSize,
      let offset = image.bytes.integer(UInt32.self, at: table.offset + index * 24)
    else { return "" }
    let strings = image.sections[Int(table.link)]
    let name = image.bytes.cString(at: strings.offset + Int(offset), end: strings.offset + strings.fileSize)
    return name.map { " of \($0)" } ?? ""
  }
}
