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
    let reader = index.reader
    var placed = Bitmap(count: index.count)
    var functions: [SymbolID] = []
    for runtimeFirst in [true, false] {
      for k in libraries {
        let library = index.libraries[k]
        guard Self.runtimePackages.contains(library.path) == runtimeFirst else { continue }
        var shared: [SymbolID] = []
        for o in library.objects {
          Self.collect(ObjectID(o), reader, live, &placed, &functions, &shared)
        }
        for s in shared where !placed[s.index] {
          placed[s.index] = true
          functions.append(s)
        }
      }
    }
    self.functions = functions
  }

  /// An object's own live functions go to `own`; those that other packages may hold too wait in `shared`.
  private static func collect(
    _ o: ObjectID, _ reader: SymbolReader, _ live: borrowing LiveSet, _ placed: inout Bitmap,
    _ own: inout [SymbolID], _ shared: inout [SymbolID]
  ) {
    let object = reader.object(o)
    let view = object.pointee.view
    let symbols = object.pointee.symbols
    let classes = object.pointee.classes
    for i in 0..<view.definitions {
      let kind = SymbolClass(rawValue: classes[i])
      guard kind.contains(.text) else { continue }
      let s = SymbolID(symbols[i])
      guard live.contains(s) else { continue }
      let place = reader.place(s)
      if place.object != o.raw || place.local != UInt32(i)
        || kind.contains(.dupOK)
      {
        shared.append(s)
      } else if !placed[s.index] {
        placed[s.index] = true
        own.append(s)
      }
    }
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
