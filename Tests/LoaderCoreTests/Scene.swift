import LoaderCore
import TestSupport

/// A program of one hand-made object, to see what is kept of it. `entry` is its entry point.
struct Scene {
  typealias Handle = ObjectBuilder.Handle
  typealias Relocation = ObjectBuilder.Relocation

  var object = ObjectBuilder()
  private(set) var entry = Handle.nothing

  struct Kept {
    let index: SymbolIndex
    /// By name; ABI0 symbols as they are, others with "<1>" behind.
    var live: Set<String> = []
    var converted: Set<String> = []
    var dump = ""

    func has(_ names: String...) -> Bool { live.isSuperset(of: names) }
    func hasNone(_ names: String...) -> Bool { live.isDisjoint(with: names) }
  }

  init() {
    object.isMain = true
    entry = text("_rt0_amd64_linux", abi: 0)
    _ = text("runtime.unreachableMethod")
  }

  // MARK: symbols

  mutating func text(
    _ name: String, abi: UInt16 = 0, flags: SymbolFlags = [], _ relocations: Relocation...
  ) -> Handle {
    object.add(.init(name, abi: abi, kind: 1, flags: flags, data: [0xc3], relocations: relocations))
  }

  mutating func data(_ name: String, flags: SymbolFlags = [], _ relocations: Relocation...) -> Handle {
    object.add(.init(name, flags: flags, data: [1, 2, 3, 4, 5, 6, 7, 8], relocations: relocations))
  }

  mutating func type(_ name: String, flags: SymbolFlags = [], _ relocations: Relocation...) -> Handle {
    object.add(
      .init(
        name, flags: flags.union(.goType), data: GoType.data(.pointer, tail: little(UInt64(0))),
        relocations: relocations))
  }

  /// A type with methods: names and signatures. The code of method M of T is "T.M" and, for calls through an
  /// interface, "T.M-i"; the name is in "name:M".
  mutating func type(_ name: String, methods: [(String, Handle)], count: Int? = nil) -> Handle {
    let list = methods.map { m in
      GoType.Method(
        name: self.name(m.0), signature: m.1, interfaceCode: text("\(name).\(m.0)-i"),
        code: text("\(name).\(m.0)"))
    }
    return object.add(GoType.concrete(name, methods: list, count: count))
  }

  mutating func interface(_ name: String, _ methods: [(String, Handle)]) -> Handle {
    let list = methods.map { (name: self.name($0.0), signature: $0.1) }
    return object.add(GoType.interface(name, methods: list))
  }

  mutating func name(_ text: String) -> Handle {
    object.add(.init("name:\(text)", flags: [.dupOK], data: GoType.name(text)))
  }

  mutating func itab(_ name: String, of type: Handle, _ relocations: Relocation...) -> Handle {
    object.add(
      .init(
        name, flags: [.itab], data: [UInt8](repeating: 0, count: 32),
        relocations: [.init(RelocType.addr, type, offset: 8, size: 8)] + relocations))
  }

  /// Lets `from` refer to things.
  mutating func link(_ from: Handle, _ relocations: Relocation...) {
    object[from].relocations += relocations
  }

  // MARK: what is kept

  /// - Parameter change: of the index, before the pass.
  func kept(
    _ options: Deadcode.Options = .init(), _ change: (SymbolIndex) -> Void = { _ in }
  ) throws -> Kept {
    let index = try HandmadeProgram(main: object).resolve().index
    let order = try InitOrder.schedule(index)
    change(index)
    let live = try Deadcode.run(index, initOrder: order, options: options)
    var kept = Kept(index: index)
    kept.dump = String(decoding: live.dump, as: UTF8.self)
    let r = index.reader
    for i in 1..<index.count {
      let s = SymbolID(i)
      let name = r.name(s).string + (r.version(s) == 1 ? "<1>" : "")
      if live.contains(s) { kept.live.insert(name) }
      if live.isUsedInIface(s) { kept.converted.insert(name) }
    }
    return kept
  }
}

extension Scene.Relocation {
  static func call(_ target: Scene.Handle) -> Self { .init(RelocType.call, target) }
  static func weakCall(_ target: Scene.Handle) -> Self { .init(RelocType.call, target, isWeak: true) }
  static func address(_ target: Scene.Handle) -> Self { .init(RelocType.addr, target, size: 8) }
  static func weakAddress(_ target: Scene.Handle) -> Self { .init(RelocType.addr, target, isWeak: true) }
  /// The type reaches an interface here.
  static func converts(_ type: Scene.Handle) -> Self { .init(RelocType.useIface, type, size: 0) }
  /// A call of the `k`-th method of an interface.
  static func calls(_ interface: Scene.Handle, _ k: Int = 0) -> Self {
    .init(RelocType.useIfaceMethod, interface, size: 0, addend: Int64(GoType.interfaceMethods + 8 * k))
  }
  /// A method of any type is asked for by this name.
  static func asksFor(_ name: Scene.Handle) -> Self { .init(RelocType.useNamedMethod, name, size: 0) }
}
