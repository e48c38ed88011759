import LoaderCore

/// The order of functions: packages in dependency order, the runtime's first
/// (cmd/link/internal/ld/lib.go postorder; loader/loader.go AssignTextSymbolOrder).
package struct TextOrder: Sendable {
  /// Indices of the index's libraries, each after what it imports.
  package let libraries: [Int]
  /// Functions of the inputs, each in the first package of that order that contains it.
  package let functions: [SymbolID]

  /// Packages whose text comes first (cmd/internal/objabi/pkgspecial.go, runtimePkgs).
  private static let runtimePackages: Set<String> = [
    "runtime", "internal/runtime/atomic", "internal/runtime/cgroup", "internal/runtime/exithook",
    "internal/runtime/gc", "internal/runtime/gc/scan", "internal/runtime/maps", "internal/runtime/math",
    "internal/runtime/sys", "internal/runtime/syscall/linux", "internal/runtime/syscall/windows",
    "internal/abi", "internal/bytealg", "internal/byteorder", "internal/chacha8rand",
    "internal/coverage/rtcov", "internal/cpu", "internal/goarch", "internal/godebugs",
    "internal/goexperiment", "internal/goos", "internal/profilerecord", "internal/strconv",
    "internal/stringslite",
  ]

  /// - Throws: `LinkFailure.unsupported` for an import cycle, at which the real linker panics.
  package init(_ index: SymbolIndex, _ live: borrowing LiveSet) throws(LinkFailure) {
    libraries = try Self.postorder(index.libraries)
    let found = Self.collect(index, live)
    let placed = Bitmap(count: index.count)
    var functions: [SymbolID] = []
    functions.reserveCapacity(found.reduce(0) { $0 + $1.own.count + $1.shared.count })
    func place(_ list: [SymbolID]) {
      for s in list where !placed[s.index] {
        placed[s.index] = true
        functions.append(s)
      }
    }
    let isRuntime = index.libraries.map { Self.runtimePackages.contains($0.path) }
    for runtimeFirst in [true, false] {
      for k in libraries where isRuntime[k] == runtimeFirst {
        let objects = index.libraries[k].objects
        for o in objects { place(found[Int(o)].own) }
        for o in objects { place(found[Int(o)].shared) }
      }
    }
    self.functions = functions
  }

  /// The live functions that an object defines.
  private struct ObjectFunctions: Sendable {
    var own: [SymbolID] = []
    /// What other packages may hold too.
    var shared: [SymbolID] = []
  }

  /// By object.
  private static func collect(_ index: SymbolIndex, _ live: borrowing LiveSet) -> [ObjectFunctions] {
    let reader = index.reader
    let results = PartialResults<ObjectFunctions>(count: index.objectCount, empty: ObjectFunctions())
    let (reachable, limit) = (live.reachableBits, live.limit)
    Chunks.run(index.objects.count, grain: 8) { range in
      for k in range {
        let o = ObjectID(UInt32(k) + ObjectID.firstInput.raw)
        let object = reader.object(o)
        let (symbols, classes) = (object.pointee.symbols, object.pointee.classes)
        var found = ObjectFunctions()
        for i in index.objects[k].functions {
          let s = SymbolID(symbols[Int(i)])
          guard s.index < limit, reachable[s.index] & 1 != 0 else { continue }
          let place = reader.place(s)
          if place.object != o.raw || place.local != i
            || SymbolClass(rawValue: classes[Int(i)]).contains(.dupOK)
          {
            found.shared.append(s)
          } else {
            found.own.append(s)
          }
        }
        results.set(o.index, found)
      }
    }
    return results.all
  }

  private static func postorder(_ libraries: [Library]) throws(LinkFailure) -> [Int] {
    var order: [Int] = []
    order.reserveCapacity(libraries.count)
    // 0 new, 1 on the path, 2 done.
    var state = [UInt8](repeating: 0, count: libraries.count)
    for root in libraries.indices where state[root] == 0 {
      var path: [(library: Int, next: Int)] = [(root, 0)]
      state[root] = 1
      while let (k, next) = path.last {
        guard next < libraries[k].imports.count else {
          state[k] = 2
          order.append(k)
          path.removeLast()
          continue
        }
        path[path.count - 1].next += 1
        let i = libraries[k].imports[next]
        if state[i] == 1 {
          throw .unsupported(reason: "import cycle through \(libraries[i].path)")
        }
        if state[i] == 0 {
          state[i] = 1
          path.append((i, 0))
        }
      }
    }
    return order
  }
}
