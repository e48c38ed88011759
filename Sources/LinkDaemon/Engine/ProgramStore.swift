import ImageWriter
import LoaderCore
import Protocol
import Synchronization

/// A program between links, and what the passes keep of the last one.
package final class ResidentLink: Sendable {
  package let program: ResidentProgram
  package let memory = LinkMemory()

  package init(_ program: ResidentProgram) { self.program = program }

  /// Bytes of private memory, roughly.
  package var byteCount: Int { program.byteCount + memory.byteCount }
}

/// The programs linked last, resolved and ready to take changed objects in. A link takes the one that is
/// nearest to what it needs out, and puts it back when it is done: two links never share one, and one that
/// fails leaves nothing behind.
package final class ProgramStore: Sendable {
  private struct Entry {
    let key: Int
    let link: ResidentLink
    let use: Int
  }

  private struct State {
    var entries: [Entry] = []
    var clock = 0
    var bytes = 0
  }

  private let state = Mutex(State())
  /// Bytes.
  private let budget: Int

  package init(budget: Int) { self.budget = budget }

  /// What programs of the same packages have in common: their paths, whatever the order. The same in each process.
  package static func key(_ request: PackageLoader.Request) -> Int {
    request.packageFiles.keys.reduce(request.packageFiles.count) { key, path in
      var hash = FNV1a()
      hash.add(path.utf8)
      return key ^ Int(truncatingIfNeeded: hash.value)
    }
  }

  /// Takes the program with the fewest objects to exchange out.
  package func take(_ key: Int, for packages: LoadedPackages) -> ResidentLink? {
    state.withLock { s in
      var best: (index: Int, distance: Int)?
      for (i, e) in s.entries.enumerated() where e.key == key {
        guard let d = e.link.program.distance(to: packages), d < best?.distance ?? .max else { continue }
        best = (i, d)
      }
      guard let best else { return nil }
      let taken = s.entries.remove(at: best.index).link
      s.bytes -= taken.byteCount
      return taken
    }
  }

  /// Puts a program (back) in; the ones used longest ago go when the budget is passed.
  package func keep(_ link: ResidentLink, _ key: Int) {
    state.withLock { s in
      s.clock += 1
      s.entries.append(Entry(key: key, link: link, use: s.clock))
      s.bytes += link.byteCount
      while s.bytes > budget, s.entries.count > 1 {
        guard let oldest = s.entries.indices.min(by: { s.entries[$0].use < s.entries[$1].use }) else { break }
        s.bytes -= s.entries.remove(at: oldest).link.byteCount
      }
    }
  }

  var counts: (programs: Int, bytes: Int) { state.withLock { ($0.entries.count, $0.bytes) } }

  func removeAll() {
    state.withLock { s in
      s.entries = []
      s.bytes = 0
    }
  }
}
