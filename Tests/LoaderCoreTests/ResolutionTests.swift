import LoaderCore
import TestSupport
import Testing

// Kinds of the object file.
private let text: UInt8 = 1
private let readOnly: UInt8 = 3
private let data: UInt8 = 7
private let zeroed: UInt8 = 9

/// Which definition a name or a content stands for (loader.go addSym, preloadSyms).
@Suite struct ResolutionTests {
  typealias Symbol = ObjectBuilder.Symbol

  /// Package main with `first`, package part with `second`, loaded in this order.
  private func program(_ first: Symbol, _ second: Symbol, _ place: ObjectBuilder.Place = .named)
    -> HandmadeProgram
  {
    var main = ObjectBuilder()
    main.isMain = true
    main.imports = [("part", 0)]
    _ = main.add(first, place)
    var part = ObjectBuilder()
    _ = part.add(second, place)
    return HandmadeProgram(["main": [main], "part": [part]])
  }

  private static func named(
    _ kind: UInt8, _ size: Int, content: UInt8? = nil, flags: SymbolFlags = []
  ) -> Symbol {
    Symbol("s", kind: kind, flags: flags, size: size, data: content.map { [$0] } ?? [])
  }

  // MARK: by name

  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var old: (kind: UInt8, size: Int, content: UInt8?)
    var new: (kind: UInt8, size: Int, content: UInt8?)
    /// Content and size of the symbol; content 0 for none.
    var content: UInt8
    var size: Int64
  }

  /// The table in loader.go addSym, in its order; the old definition has content 1, the new one content 2.
  @Test(arguments: [
    Case(
      testDescription: "text over zeroed data, however large", old: (zeroed, 8, nil), new: (text, 4, 2),
      content: 2, size: 8),
    Case(
      testDescription: "larger data over zeroed", old: (zeroed, 4, nil), new: (data, 8, 2), content: 2,
      size: 8),
    Case(
      testDescription: "equal data over zeroed", old: (zeroed, 8, nil), new: (data, 8, 2), content: 2, size: 8
    ),
    Case(
      testDescription: "smaller data over zeroed", old: (zeroed, 32, nil), new: (data, 8, 2), content: 2,
      size: 32),
    Case(
      testDescription: "read-only data over zeroed", old: (zeroed, 4, nil), new: (readOnly, 8, 2), content: 2,
      size: 8),
    Case(
      testDescription: "larger zeroed after data", old: (data, 8, 1), new: (zeroed, 32, nil), content: 1,
      size: 32),
    Case(
      testDescription: "larger zeroed over zeroed", old: (zeroed, 8, nil), new: (zeroed, 32, nil), content: 0,
      size: 32),
    Case(
      testDescription: "smaller zeroed after data", old: (data, 8, 1), new: (zeroed, 4, nil), content: 1,
      size: 8),
    Case(
      testDescription: "equal zeroed after zeroed", old: (zeroed, 8, nil), new: (zeroed, 8, nil), content: 0,
      size: 8),
    Case(
      testDescription: "zeroed after text", old: (text, 4, 1), new: (zeroed, 4, nil), content: 1, size: 4),
    Case(
      testDescription: "data without content is zeroed", old: (data, 8, nil), new: (data, 4, 2), content: 2,
      size: 8),
  ])
  func oneOfTwoPlainDefinitionsWins(_ c: Case) throws {
    let index = try program(
      Self.named(c.old.kind, c.old.size, content: c.old.content),
      Self.named(c.new.kind, c.new.size, content: c.new.content)
    ).resolve().index
    let s = index.lookup("s")
    #expect(index.reader.data(s).u8(0) == c.content)
    #expect(index.reader.size(s) == c.size)
    #expect(index.symbolCount == 2)
  }

  @Test(arguments: [
    (data, data, "SDATA", "SDATA"), (text, text, "STEXT", "STEXT"), (data, text, "STEXT", "SDATA"),
    (text, data, "SDATA", "STEXT"), (readOnly, data, "SDATA", "SRODATA"),
  ])
  func twoContentsAreAnError(_ old: UInt8, _ new: UInt8, _ newName: String, _ oldName: String) throws {
    let program = program(Self.named(old, 8, content: 1), Self.named(new, 4, content: 2))
    #expect(
      failure { _ = try program.resolve() }
        == "failed(1): link: duplicated definition of symbol s, from part (type \(newName) size 4)"
        + " and main (type \(oldName) size 8)\n")
  }

  @Test(
    arguments: [
      // Old may be doubled, new may; sizes; whose content counts.
      (true, true, 8, 8, 1), (true, true, 8, 4, 1), (true, true, 4, 8, 2), (true, false, 8, 4, 2),
      (false, true, 4, 8, 1),
    ] as [(Bool, Bool, Int, Int, UInt8)])
  func definitionsThatMayBeDoubled(
    _ oldMay: Bool, _ newMay: Bool, _ oldSize: Int, _ newSize: Int, _ content: UInt8
  ) throws {
    let index = try program(
      Self.named(data, oldSize, content: 1, flags: oldMay ? .dupOK : []),
      Self.named(data, newSize, content: 2, flags: newMay ? .dupOK : [])
    ).resolve().index
    let s = index.lookup("s")
    #expect(index.reader.data(s).u8(0) == content)
    #expect(index.reader.size(s) == Int64(content == 1 ? oldSize : newSize))
  }

  @Test func alignmentAndFlagsAddUpOverAllDefinitions() throws {
    var first = Self.named(data, 8, content: 1, flags: .dupOK)
    first.alignment = 32
    var second = Self.named(data, 16, content: 2, flags: [.dupOK, .local, .usedInIface])
    second.alignment = 8
    let index = try program(first, second).resolve().index
    let s = index.lookup("s")
    #expect(index.reader.data(s).u8(0) == 2)
    #expect(index.alignment(s) == 32)
    #expect(index.attributes(s) == [.local, .usedInIface])
  }

  // MARK: by content

  @Test(arguments: [ObjectBuilder.Place.hashed64, .hashed])
  func equalContentIsOneSymbolAsLargeAsTheLargest(_ place: ObjectBuilder.Place) throws {
    let hash = [UInt8](repeating: 7, count: 16)
    func symbol(_ size: Int, _ content: UInt8) -> Symbol {
      var length = 16
      if case .hashed64 = place { length = 8 }
      return Symbol("", size: size, data: [content], hash: Array(hash.prefix(length)))
    }
    for (first, second, winner) in [(4, 8, 2), (8, 4, 1), (8, 8, 1)] {
      let index = try program(symbol(first, 1), symbol(second, 2), place).resolve().index
      #expect(index.symbolCount == 2)
      let s = index.ranked[1]
      #expect(index.reader.data(s).u8(0) == UInt8(winner))
      #expect(index.reader.size(s) == Int64(max(first, second)))
      #expect(index.reader.isContentHashed(s))
    }
  }

  @Test func shortAndLongHashesAreDifferentThings() throws {
    var main = ObjectBuilder()
    main.isMain = true
    _ = main.add(.init("", data: [1], hash: [UInt8](repeating: 0, count: 8)), .hashed64)
    _ = main.add(.init("", data: [2], hash: [UInt8](repeating: 0, count: 16)), .hashed)
    _ = main.add(.init("", data: [3], hash: [UInt8](repeating: 0, count: 15) + [1]), .hashed)
    #expect(try HandmadeProgram(main: main).resolve().index.symbolCount == 4)
  }

  @Test func manyContentsKeepApart() throws {
    var main = ObjectBuilder()
    main.isMain = true
    for round in 0..<2 {
      for k in 0..<3000 {
        _ = main.add(.init("", size: 4 + round, hash: little(UInt64(k))), .hashed64)
        _ = main.add(.init("", size: 4, hash: little(UInt64(k % 7)) + little(UInt64(k))), .hashed)
      }
    }
    let index = try HandmadeProgram(main: main).resolve().index
    #expect(index.symbolCount == 1 + 6000)
    #expect(index.ranked[1...3000].allSatisfy { index.reader.size($0) == 5 })
  }

  // MARK: ABIs

  @Test func oneNameInTwoABIsIsTwoSymbols() throws {
    var main = ObjectBuilder()
    main.isMain = true
    _ = main.add(.init("f", abi: 0, kind: 1, data: [1]))
    _ = main.add(.init("f", abi: 1, kind: 1, data: [2]))
    let index = try HandmadeProgram(main: main).resolve().index
    #expect(index.reader.data(index.lookup("f", version: 0)).u8(0) == 1)
    #expect(index.reader.data(index.lookup("f", version: 1)).u8(0) == 2)
    #expect(index.lookup("f", version: 2).isNone && index.lookup("g").isNone)
  }

  @Test func staticSymbolsBelongToTheirObject() throws {
    var main = ObjectBuilder()
    main.isMain = true
    _ = main.add(.init("local", abi: 0xffff, data: [1]))
    _ = main.add(.init("local", abi: 0xffff, data: [2]))
    var other = ObjectBuilder()
    _ = other.add(.init("local", abi: 0xffff, data: [3]))
    let index = try HandmadeProgram(main: main, other).resolve().index
    #expect(index.symbolCount == 4)
    #expect(index.ranked[1...3].map { index.reader.data($0).u8(0) } == [1, 2, 3])
    #expect(index.ranked[1...3].map { index.reader.version($0) } == [10, 10, 11])
    #expect(index.ranked[1...3].allSatisfy { index.reader.isFileLocal($0) })
    #expect(index.lookup("local").isNone)
  }

  @Test func otherABIsAreRefused() throws {
    for make in [true, false] {
      var main = ObjectBuilder()
      main.isMain = true
      if make { _ = main.add(.init("f", abi: 7)) } else { _ = main.refer(to: "f", abi: 7) }
      #expect(
        failure { _ = try HandmadeProgram(main: main).resolve() }
          == "failed(1): link: invalid symbol ABI: 7\n")
    }
  }

  // MARK: numbers

  @Test func symbolsAreNumberedPackageDefinitionsFirst() throws {
    var main = ObjectBuilder()
    main.isMain = true
    main.imports = [("part", 0)]
    _ = main.add(.init("named", data: [1]))
    _ = main.add(.init("own", data: [1]), .package_)
    _ = main.add(.init("", data: [1], hash: [UInt8](1...16)), .hashed)
    _ = main.add(.init("", data: [1], hash: [UInt8](1...8)), .hashed64)
    _ = main.refer(to: "undefined")
    _ = main.refer(to: "part.named")
    var part = ObjectBuilder()
    _ = part.add(.init("part.own", data: [1]), .package_)
    _ = part.add(.init("", data: [1]), .package_)
    _ = part.add(.init("", data: [1], hash: [UInt8](1...8)), .hashed64)
    _ = part.add(.init("part.named", data: [1]))
    _ = part.refer(to: "undefined")
    let index = try HandmadeProgram(["main": [main], "part": [part]]).resolve().index
    let (r, s) = (index.reader, index.ranked)
    #expect(
      s.dropFirst().map { r.name($0).string }
        == ["own", "part.own", "", "", "", "named", "part.named", "undefined"])
    #expect(index.firstExternal == s[8])
    #expect(r.isContentHashed(s[4]) && r.isContentHashed(s[5]) && !r.isContentHashed(s[3]))
    #expect(r.kind(s[8]) == .undefined && r.isExternal(s[8]))
    #expect(index.packagePath(s[2]) == "part" && index.packagePath(s[8]) == "")
  }

  /// Package definitions cannot be doubled; where two have one name, the last is found by it.
  @Test func packageDefinitionsDoNotCompete() throws {
    let index = try program(.init("s", data: [1]), .init("s", data: [2]), .package_).resolve().index
    #expect(index.symbolCount == 3)
    #expect(index.reader.data(index.lookup("s")).u8(0) == 2)
  }

  // MARK: references

  @Test func referencesGoWhereTheirListsSay() throws {
    // runtime.newobject is the first of the builtins (cmd/internal/goobj/builtinlist.go).
    var part = ObjectBuilder()
    _ = part.add(.init("part.zero", data: [1]), .package_)
    _ = part.add(.init("part.one", data: [1]), .package_)
    _ = part.add(.init("runtime.newobject", abi: 1, kind: 1, data: [1]))
    var main = ObjectBuilder()
    main.isMain = true
    main.imports = [("a.b/c.d", 0)]
    main.packages = ["a.b/c%2ed"]
    let short = main.add(.init("", data: [1], hash: [UInt8](1...8)), .hashed64)
    let long = main.add(.init("", data: [1], hash: [UInt8](1...16)), .hashed)
    let own = main.add(.init("own", data: [1]), .package_)
    let defined = main.refer(to: "named")
    let named = main.add(.init("named", data: [1]))
    let f = main.add(
      .init(
        "f",
        relocations: [
          short, long, own, defined, named, .init(.imported(package_: 1), 1), .init(.builtin, 0), .nothing,
        ]
        .map { .init(RelocType.addr, $0) }))
    #expect(f.index == 1)
    let index = try HandmadeProgram(["main": [main], "a.b/c.d": [part]]).resolve().index
    let r = index.reader
    let relocations = r.relocations(index.lookup("f"))
    let targets = (0..<relocations.count).map { r.target(relocations[$0], in: relocations) }
    #expect(
      targets.map { r.name($0).string } == [
        "", "", "own", "named", "named", "part.one", "runtime.newobject", "",
      ])
    #expect(targets[0] != targets[1] && !targets[0].isNone && !targets[1].isNone)
    #expect(targets[3] == targets[4] && targets[7].isNone)
    #expect(index.corruptObject == nil)
  }

  @Test(arguments: [
    ObjectBuilder.Handle(.named, 5), .init(.hashed64, 9), .init(.imported(package_: 1), 7),
    .init(.imported(package_: 9), 0), .init(.builtin, 5000), .init(.imported(package_: 0), 3),
  ])
  func impossibleReferencesAreALie(_ target: ObjectBuilder.Handle) throws {
    var main = ObjectBuilder()
    main.isMain = true
    main.imports = [("part", 0)]
    main.packages = ["part"]
    _ = main.add(.init("f", relocations: [.init(RelocType.addr, target)]))
    let index = try HandmadeProgram(["main": [main], "part": [ObjectBuilder()]]).resolve().index
    #expect(index.corruptObject == nil)
    let relocations = index.reader.relocations(index.lookup("f"))
    #expect(index.reader.target(relocations[0], in: relocations).isNone)
    #expect(index.corruptObject != nil)
  }

  @Test func referencedPackagesMustBeThere() throws {
    var main = ObjectBuilder()
    main.isMain = true
    main.packages = ["x/y"]
    #expect(
      failure { _ = try HandmadeProgram(main: main).resolve() }
        == "failed(1): link: main: reference to nonexistent package x/y\n")
  }

  @Test func referencesMakeOneUndefinedSymbolPerNameAndABI() throws {
    var main = ObjectBuilder()
    main.isMain = true
    for abi: UInt16 in [0, 0, 1] {
      _ = main.refer(to: "u", abi: abi, flags: abi == 1 ? [.local, .usedInIface] : [])
    }
    let index = try HandmadeProgram(main: main).resolve().index
    #expect(index.symbolCount == 3)
    #expect(index.attributes(index.lookup("u", version: 1)) == [.local, .usedInIface])
    #expect(index.attributes(index.lookup("u", version: 0)) == [])
  }

  // MARK: -strictdups

  @Test(
    arguments: [
      // Bytes and sizes of both definitions; what the message ends with.
      ([1, 2], 2, [1, 2], 2, nil), ([1, 2], 2, [1, 3], 2, "same length but different contents"),
      ([1, 2], 2, [1, 2, 3], 3, "new length 3 != old length 2"),
      ([], 8, [], 16, "different sizes: new size 16 != old size 8"),
      ([1], 8, [1], 4, "different sizes: new size 4 != old size 8"),
    ] as [([UInt8], Int, [UInt8], Int, String?)])
  func doublesThatDifferAreToldOf(
    _ old: [UInt8], _ oldSize: Int, _ new: [UInt8], _ newSize: Int, _ reason: String?
  ) throws {
    var options = SymbolResolver.Options()
    options.strictDups = true
    let program = program(
      .init("s", flags: .dupOK, size: oldSize, data: old), .init("s", flags: .dupOK, size: newSize, data: new)
    )
    let (index, warnings) = try program.resolve(options)
    let text = reason.map {
      "cmd/link: while reading object for 'part': duplicate symbol 's', previous def at 'main',"
        + " with mismatched payload: \($0)\n"
    }
    #expect(warnings == text ?? "")
    #expect(index.strictDupCount == (reason == nil ? 0 : 1))
    #expect(try program.resolve().warnings == "")
  }

  @Test(arguments: ["go:info.go.interface.x", "go:info.go.builtin.y", "go:debuglines"])
  func someDoublesAreToldOfButTolerated(_ name: String) throws {
    var options = SymbolResolver.Options()
    options.strictDups = true
    let (index, warnings) = try program(
      .init(name, flags: .dupOK, data: [1]), .init(name, flags: .dupOK, data: [2])
    ).resolve(options)
    #expect(warnings.contains("duplicate symbol '\(name)'"))
    #expect(index.strictDupCount == 0)
  }

  @Test func onlyDoublesThatMayBeAreCompared() throws {
    var options = SymbolResolver.Options()
    options.strictDups = true
    #expect(
      try program(.init("s", flags: .dupOK, data: [1]), .init("s", data: [2])).resolve(options).warnings == ""
    )
  }
}

extension SymbolIndex {
  /// The symbols by rank; none has rank 0.
  fileprivate var ranked: [SymbolID] { SymbolRanks(self).symbols }
}
