import LoaderCore

/// A Go object file made by hand (cmd/internal/goobj/objfile.go). The numbers of the format stand here a second
/// time, on purpose: the reader's own are what the tests judge.
package struct ObjectBuilder {
  /// Where a symbol is listed; its block decides by what it is known.
  package enum Place: Sendable {
    /// Definitions: of the package, by a short or a long content hash, by name.
    case package_, hashed64, hashed, named
    /// A name that another object defines.
    case reference
    /// The `package_`-th entry of the package list.
    case imported(package_: Int)
    case builtin
    case nothing
  }

  /// What a relocation or an auxiliary record can point at: the `index`-th symbol of its place.
  package struct Handle: Sendable {
    package var place: Place
    package var index: Int
    package init(_ place: Place, _ index: Int) {
      self.place = place
      self.index = index
    }
    package static let nothing = Handle(.nothing, 0)
  }

  package struct Relocation {
    package var offset: Int32
    package var size: UInt8
    package var type: UInt16
    package var isWeak: Bool
    package var addend: Int64
    package var target: Handle

    package init(
      _ type: UInt16, _ target: Handle, offset: Int32 = 0, size: UInt8 = 4, addend: Int64 = 0,
      isWeak: Bool = false
    ) {
      self.offset = offset
      self.size = size
      self.type = type
      self.isWeak = isWeak
      self.addend = addend
      self.target = target
    }
  }

  package struct Symbol {
    package var name: String
    package var abi: UInt16
    /// The object file's kind (cmd/internal/objabi/symkind.go): 1 text, 3 read-only, 7 data, 9 zeroed.
    package var kind: UInt8
    package var flags: SymbolFlags
    package var size: Int
    package var alignment: Int
    package var data: [UInt8]
    /// 8 or 16 bytes, of a definition that is known by its content.
    package var hash: [UInt8]
    package var relocations: [Relocation]
    package var auxiliaries: [(kind: UInt8, target: Handle)]

    /// - Parameter size: as many bytes as there are data, when not given.
    package init(
      _ name: String, abi: UInt16 = 0, kind: UInt8 = 3, flags: SymbolFlags = [], size: Int? = nil,
      alignment: Int = 0, data: [UInt8] = [], hash: [UInt8] = [], relocations: [Relocation] = [],
      auxiliaries: [(kind: UInt8, target: Handle)] = []
    ) {
      self.name = name
      self.abi = abi
      self.kind = kind
      self.flags = flags
      self.size = size ?? data.count
      self.alignment = alignment
      self.data = data
      self.hash = hash
      self.relocations = relocations
      self.auxiliaries = auxiliaries
    }
  }

  package static let shared: UInt32 = 1
  package static let fromAssembly: UInt32 = 4
  package static let unlinkable: UInt32 = 8
  package static let std: UInt32 = 16

  /// The text part: first line, then lines that are followed by an empty one, then anything.
  package var header = "go object linux amd64 test"
  package var isMain = false
  package var textSections = ""
  package var magic = "\0go120ld"
  package var fingerprint: UInt64 = 0
  package var flags: UInt32 = 0
  package var imports: [(path: String, fingerprint: UInt64)] = []
  /// Index 0 of the list in the file is not used; `packages[0]` is entry 1.
  package var packages: [String] = []
  package var files: [String] = []
  package var referenceFlags: [(target: Handle, flags: SymbolFlags)] = []

  package private(set) var definitions: [[Symbol]] = [[], [], [], []]
  package private(set) var references: [Symbol] = []

  package init() {}

  // MARK: building

  /// Adds a definition, by name when nothing else is said.
  package mutating func add(_ s: Symbol, _ place: Place = .named) -> Handle {
    let block = Self.block(place)
    definitions[block].append(s)
    return Handle(place, definitions[block].count - 1)
  }

  /// Adds a name that another object defines.
  package mutating func refer(to name: String, abi: UInt16 = 0, flags: SymbolFlags = []) -> Handle {
    references.append(Symbol(name, abi: abi, kind: 0, flags: flags))
    return Handle(.reference, references.count - 1)
  }

  /// The definition behind a handle, to be changed.
  package subscript(_ h: Handle) -> Symbol {
    get { definitions[Self.block(h.place)][h.index] }
    set { definitions[Self.block(h.place)][h.index] = newValue }
  }

  private static func block(_ place: Place) -> Int {
    switch place {
    case .package_: 0
    case .hashed64: 1
    case .hashed: 2
    default: 3
    }
  }

  // MARK: writing

  /// The whole file: text part and object.
  package var bytes: [UInt8] {
    let text = "\(header)\n\(isMain ? "main\n" : "")\n\(textSections)!\n"
    return Array(text.utf8) + object
  }

  private func reference(_ h: Handle) -> [UInt8] {
    let (package_, index): (UInt32, Int) =
      switch h.place {
      case .named: (0x7fff_ffff, h.index)
      case .reference: (0x7fff_ffff, definitions[3].count + h.index)
      case .hashed64: (0x7fff_fffe, h.index)
      case .hashed: (0x7fff_fffd, h.index)
      case .builtin: (0x7fff_fffc, h.index)
      case .package_: (0x7fff_fffb, h.index)
      case .imported(let p): (UInt32(p), h.index)
      case .nothing: (0, 0)
      }
    return little(package_) + little(UInt32(truncatingIfNeeded: index))
  }

  /// From the object's magic on: header, strings, blocks.
  package var object: [UInt8] {
    var strings = StringSection(start: 8 + 8 + 4 + 4 * 19)
    var blocks: [[UInt8]] = []
    blocks.append(imports.flatMap { strings.add($0.path) + little($0.fingerprint) })
    blocks.append(packages.isEmpty ? [] : ([""] + packages).flatMap { strings.add($0) })
    blocks.append(files.flatMap { strings.add($0) })
    for list in definitions + [references] { blocks.append(list.flatMap { record($0, &strings) }) }
    blocks.append(referenceFlags.flatMap { reference($0.target) + little($0.flags.rawValue) })
    blocks.append(definitions[1].flatMap(\.hash))
    blocks.append(definitions[2].flatMap(\.hash))
    blocks += contents()
    blocks.append([])
    var out = Array(magic.utf8) + little(fingerprint) + little(flags)
    var at = strings.start + strings.bytes.count
    for b in blocks {
      out += little(UInt32(at))
      at += b.count
    }
    return out + little(UInt32(at)) + strings.bytes + blocks.joined()
  }

  private func record(_ s: Symbol, _ strings: inout StringSection) -> [UInt8] {
    strings.add(s.name) + little(s.abi) + [s.kind] + little(s.flags.rawValue) + little(UInt32(s.size))
      + little(UInt32(s.alignment))
  }

  /// The three index blocks, then relocations, auxiliaries and data.
  private func contents() -> [[UInt8]] {
    var indices = [[UInt8]](repeating: little(UInt32(0)), count: 3)
    var relocations: [UInt8] = []
    var auxiliaries: [UInt8] = []
    var data: [UInt8] = []
    for s in definitions.joined() {
      for r in s.relocations {
        relocations += little(r.offset) + [r.size] + little(r.type | (r.isWeak ? 0x8000 : 0))
        relocations += little(r.addend) + reference(r.target)
      }
      for a in s.auxiliaries { auxiliaries += [a.kind] + reference(a.target) }
      data += s.data
      indices[0] += little(UInt32(relocations.count / 23))
      indices[1] += little(UInt32(auxiliaries.count / 9))
      indices[2] += little(UInt32(data.count))
    }
    return indices + [relocations, auxiliaries, data]
  }

  private struct StringSection {
    let start: Int
    var bytes: [UInt8] = []

    /// A reference to the text: length and offset.
    mutating func add(_ text: String) -> [UInt8] {
      defer { bytes += Array(text.utf8) }
      return little(UInt32(text.utf8.count)) + little(UInt32(start + bytes.count))
    }
  }
}

/// An archive as `go tool pack` writes it.
package enum ArchiveBuilder {
  package static func bytes(_ members: [(name: String, bytes: [UInt8])]) -> [UInt8] {
    var out = Array("!<arch>\n".utf8)
    for m in members {
      func field(_ text: String, _ width: Int) -> [UInt8] {
        Array(text.utf8.prefix(width)) + [UInt8](repeating: 0x20, count: max(0, width - text.utf8.count))
      }
      out += field(m.name, 16) + field("0", 12) + field("0", 6) + field("0", 6) + field("644", 8)
      out += field(String(m.bytes.count), 10) + Array("`\n".utf8) + m.bytes
      if m.bytes.count % 2 == 1 { out.append(0) }
    }
    return out
  }
}

/// The bytes of a number, the lowest first.
package func little<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
  withUnsafeBytes(of: value.littleEndian, Array.init)
}
