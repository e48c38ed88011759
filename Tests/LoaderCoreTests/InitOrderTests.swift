import LoaderCore
import TestSupport
import Testing

/// The order of package initialisers (cmd/link/internal/ld/inittask.go).
@Suite struct InitOrderTests {
  /// A program with tasks: name, bytes, names of the tasks of its imports.
  private func program(_ tasks: [(String, Int, [String])], header: Bool = false) throws -> SymbolIndex {
    var o = ObjectBuilder()
    o.isMain = true
    var handles: [String: ObjectBuilder.Handle] = [:]
    for (name, size, _) in tasks {
      handles[name] = o.add(.init(name, kind: 5, data: [UInt8](repeating: 0, count: size)))
    }
    for (name, _, imports) in tasks {
      guard let h = handles[name] else { continue }
      o[h].relocations = imports.map { .init(RelocType.initOrder, handles[$0] ?? .nothing, size: 0) }
    }
    if header {
      _ = o.add(.init("runtime.runtime_inittasks", kind: 7, data: [UInt8](repeating: 1, count: 24)))
    }
    return try HandmadeProgram(main: o).resolve().index
  }

  private func names(_ list: SymbolID, _ index: SymbolIndex) -> [String] {
    let relocations = index.reader.relocations(list)
    return (0..<relocations.count).map {
      index.reader.name(index.reader.target(relocations[$0], in: relocations)).string
    }
  }

  private func order(_ tasks: [(String, Int, [String])]) throws -> [String] {
    let index = try program(tasks)
    let list = try InitOrder.schedule(index).mainTasks
    #expect(index.reader.size(list) == Int64(8 * names(list, index).count))
    return names(list, index)
  }

  @Test func importsComeFirstAndTheRestByName() throws {
    #expect(
      try order([
        ("main..inittask", 16, ["z..inittask", "a..inittask"]), ("z..inittask", 16, []),
        ("a..inittask", 16, ["m..inittask"]), ("m..inittask", 16, []), ("unused..inittask", 16, []),
      ]) == ["m..inittask", "a..inittask", "z..inittask", "main..inittask"])
  }

  @Test func aPackageComesAsSoonAsItCan() throws {
    // "b" is ready only after "y"; by then "c" waits too, and loses.
    #expect(
      try order([
        ("main..inittask", 16, ["b..inittask", "z..inittask"]), ("b..inittask", 16, ["y..inittask"]),
        ("y..inittask", 16, []), ("z..inittask", 16, []),
      ]) == ["y..inittask", "b..inittask", "z..inittask", "main..inittask"])
  }

  @Test func tasksWithNothingToDoOnlyOrder() throws {
    #expect(
      try order([
        ("main..inittask", 8, ["a..inittask"]), ("a..inittask", 8, ["z..inittask"]), ("z..inittask", 9, []),
      ]) == ["z..inittask"])
  }

  @Test func aProgramWithoutTasksHasNoList() throws {
    #expect(try InitOrder.schedule(try program([])).mainTasks.isNone)
  }

  @Test func circlesAreNamed() throws {
    let index = try program([
      ("main..inittask", 16, ["a..inittask"]), ("a..inittask", 16, ["main..inittask"]),
    ])
    let words = failure { _ = try InitOrder.schedule(index) }
    #expect(words?.hasPrefix("exit: inittask for ") == true)
    #expect(words?.hasSuffix(" is not schedulable 1") == true)
  }

  @Test func theRuntimesOwnComeInAListOfTheirs() throws {
    let index = try program(
      [
        ("main..inittask", 16, ["runtime..inittask"]), ("runtime..inittask", 16, ["abi..inittask"]),
        ("abi..inittask", 16, []),
      ], header: true)
    _ = try InitOrder.schedule(index)
    let header = index.lookup("runtime.runtime_inittasks")
    #expect(names(header, index) == ["go:runtime.inittasks"])
    let d = index.reader.data(header)
    #expect([d.u64(8), d.u64(16)] == [2, 2])
    #expect(index.reader.size(header) == 24)
    #expect(index.reader.kind(header) == .noptrData)
    let list = index.reader.target(index.reader.relocations(header)[0], in: index.reader.relocations(header))
    #expect(names(list, index) == ["abi..inittask", "runtime..inittask"])
  }
}
