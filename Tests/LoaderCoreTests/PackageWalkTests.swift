import LoaderCore
import TestSupport
import Testing

/// Loading from what an earlier load came to gives what loading gives: the same packages, or the same words.
@Suite struct PackageWalkTests {
  @Test(arguments: 1...12 as ClosedRange<UInt64>)
  func aRepeatedWalkComesToWhatAWalkComesTo(_ seed: UInt64) throws {
    var world = try ImportingWorld(seed: seed)
    var last: PackageWalk?
    var (repeated, failed) = (0, 0)
    for step in 0..<150 {
      let request = world.request
      let again = last?.repeated(request, from: world.cache)
      var walk: PackageWalk?
      let words = failure { walk = try PackageLoader.walk(request, from: world.cache) }
      let wordsAfterLast = failure {
        _ = try PackageLoader.walk(request, from: world.cache, last: last)
      }
      let place = "seed \(seed), step \(step)"
      #expect(words == wordsAfterLast, "\(place)")
      if let again {
        let fresh = try #require(walk, "\(place): \(words ?? "")")
        #expect(Outcome(again.packages) == Outcome(fresh.packages), "\(place)")
        repeated += 1
      }
      if words != nil { failed += 1 }
      // A link that fails leaves nothing, and one that may start from the last one is left to.
      last = again ?? walk ?? last
      world.edit()
    }
    #expect(repeated > 30 && failed > 5, "seed \(seed): \(repeated) repeated, \(failed) failed")
  }

  @Test func anExportThatChangedUnderAnImporterIsToldOf() throws {
    var world = try ImportingWorld(seed: 1, isCalm: true)
    let walk = try PackageLoader.walk(world.request, from: world.cache)
    world.change(3) { $0.fingerprint = 77 }
    #expect(walk.repeated(world.request, from: world.cache) == nil)
    let words = failure { _ = try PackageLoader.walk(world.request, from: world.cache, last: walk) }
    #expect(words?.hasPrefix("exit: fingerprint mismatch: p3 has 4d00000000000000") == true, "\(words ?? "")")
    // Once all importers know of it, it is an edit like any other.
    world.followFingerprints()
    let again = try #require(walk.repeated(world.request, from: world.cache))
    #expect(Outcome(again.packages) == Outcome(try PackageLoader.load(world.request, from: world.cache)))
  }

  @Test func whatIsNotAsItWasIsWalkedAnew() throws {
    var world = try ImportingWorld(seed: 2, isCalm: true)
    let walk = try PackageLoader.walk(world.request, from: world.cache)
    let first = world
    func isRepeated(_ change: (inout PackageLoader.Request) -> Void = { _ in }) -> Bool {
      var request = world.request
      change(&request)
      return walk.repeated(request, from: world.cache) != nil
    }
    #expect(isRepeated())
    #expect(!isRepeated { $0.trace = true })
    #expect(!isRepeated { $0.ignorePackageData = true })
    #expect(!isRepeated { $0.expectedHeader = nil })
    #expect(!isRepeated { $0.packageFiles["p3"] = nil })
    #expect(!isRepeated { $0.packageFiles["runtime"] = "" })
    #expect(!isRepeated { $0.mainObject = "nowhere" })
    let changes: [(inout ObjectBuilder) -> Void] = [
      { $0.header += "x" }, { $0.isMain = true }, { $0.flags = ObjectBuilder.unlinkable },
      { $0.textSections = "$$  // cgo\n[[\"cgo_export_static\",\"f\"]]\n$$\n" }, { $0.fingerprint = 0 },
      { $0.imports.append((path: "p4", fingerprint: $0.imports.first?.fingerprint ?? 1)) },
    ]
    for (k, change) in changes.enumerated() {
      world = first
      world.change(3, change)
      #expect(!isRepeated(), "change \(k)")
    }
    world = first
    world.change(3) { _ = $0.add(.init("another", data: [1])) }
    #expect(isRepeated())
  }
}

private struct Outcome: Equatable {
  var text: [String]
  var objects: [ObjectIdentifier]

  init(_ packages: LoadedPackages) {
    text = packages.libraries.map { "\($0.path) \($0.file) \($0.isMain) \($0.imports) \($0.objects)" }
    text += [packages.printed.stdout, packages.printed.stderr, "\(packages.errorCount)"]
    text.append("\(packages.libraryOfObject)")
    objects = packages.objects.map(ObjectIdentifier.init)
  }
}

/// Packages "p1" to "p7" and the runtime that import each other, and are edited at random.
private struct ImportingWorld {
  private var random: SeededGenerator
  private var objects: [[ObjectBuilder]] = []
  private(set) var request: PackageLoader.Request
  let cache: KeptArchives
  private static let runtime = 8

  /// - Parameter isCalm: whether fingerprints are all known and agree.
  init(seed: UInt64, isCalm: Bool = false) throws {
    random = SeededGenerator(seed: seed)
    cache = try KeptArchives()
    request = PackageLoader.Request(
      mainObject: "", packageFiles: [:], expectedHeader: "go object linux amd64 test\n")
    for p in 0...Self.runtime {
      var o = ObjectBuilder()
      o.isMain = p == 0
      o.fingerprint = UInt64(100 + p)
      objects.append([o])
      let others = (1..<Self.runtime).filter { q in
        q > p && (isCalm || Int.random(in: 0..<3, using: &random) > 0)
      }
      objects[p][0].imports = others.map { (path: "p\($0)", fingerprint: 0) }
    }
    // Assembly imports nothing.
    objects[2].append(ObjectBuilder())
    followFingerprints()
    for p in objects.indices { write(p) }
  }

  private func path(_ p: Int) -> String { p == 0 ? "main" : p == Self.runtime ? "runtime" : "p\(p)" }

  private mutating func write(_ p: Int) {
    let members = objects[p].enumerated().map { k, o in (k == 0 ? "_go_.o" : "asm\(k).o", o.bytes) }
    let file = cache.write(p, members)
    if p == 0 { request.mainObject = file } else { request.packageFiles[path(p)] = file }
  }

  /// Changes the compiled object of a package.
  mutating func change(_ p: Int, _ change: (inout ObjectBuilder) -> Void) {
    change(&objects[p][0])
    write(p)
  }

  /// All that import a package are compiled again with the fingerprint that it has.
  mutating func followFingerprints() {
    for p in objects.indices {
      let old = objects[p][0].imports
      let new = old.map { i in
        let known = objects.indices.first { path($0) == i.path }.map { objects[$0][0].fingerprint }
        return (path: i.path, fingerprint: known ?? i.fingerprint)
      }
      guard !zip(old, new).allSatisfy({ $0.1 == $1.1 }) else { continue }
      objects[p][0].imports = new
      write(p)
    }
  }

  mutating func edit() {
    let calm = Int.random(in: 0..<4, using: &random) > 0
    for _ in 0..<Int.random(in: 0...3, using: &random) { edit(isCalm: calm) }
    if calm { mend() }
  }

  /// What makes links fail goes again.
  private mutating func mend() {
    for p in objects.indices where !isSound(p) {
      change(p) { o in
        o.header = "go object linux amd64 test"
        o.flags = 0
        o.isMain = p == 0
        o.textSections = ""
        if o.fingerprint == 0 { o.fingerprint = UInt64(100 + p) }
        o.imports.removeAll { $0.path == "nothing" }
      }
    }
    for p in objects.indices.dropFirst() where request.packageFiles[path(p)] == nil { write(p) }
    followFingerprints()
  }

  private func isSound(_ p: Int) -> Bool {
    let o = objects[p][0]
    return o.header.hasSuffix("test") && o.flags == 0 && o.isMain == (p == 0) && o.textSections.isEmpty
      && o.fingerprint != 0 && !o.imports.contains { $0.path == "nothing" }
  }

  private mutating func edit(isCalm: Bool) {
    func n(_ k: Int) -> Int { Int.random(in: 0..<k, using: &random) }
    let p = n(objects.count)
    let number = UInt64(n(1000))
    let shuffled = objects[p][0].imports.shuffled(using: &random)
    switch isCalm ? n(6) : n(16) {
    case 0, 1: change(p) { _ = $0.add(.init("s\(number)", data: [1])) }
    case 2: change(p) { $0.fingerprint = 100 + number }
    case 3 where p > 0 && n(3) == 0: change(p) { $0.imports = shuffled }
    case 4 where n(3) == 0 && p < 7: change(p) { $0.imports.append((path: "p7", fingerprint: 107)) }
    case 5: write(p)
    case 6: change(p) { $0.header += "x" }
    case 7: change(p) { $0.isMain.toggle() }
    case 8: change(p) { $0.flags = ObjectBuilder.unlinkable }
    case 9: change(p) { $0.fingerprint = 0 }
    case 10: change(p) { $0.textSections = "$$  // cgo\n[[\"cgo_export_static\",\"f\"]]\n$$\n" }
    case 11: request.packageFiles[path(p)] = nil
    case 12: change(p) { $0.imports.append((path: "nothing", fingerprint: 1)) }
    case 13:
      change(p) { o in
        for k in o.imports.indices where k % 2 == 0 { o.imports[k].fingerprint = 0 }
      }
    case 14: objects[p].append(ObjectBuilder())
    default: change(p) { $0.fingerprint = 100 + number }
    }
  }
}
