/// A resident program on its way from one life of the daemon to the next: index and graph as tables. Objects are the
/// caller's to name and to find again; what the linker's own symbols were is made anew in every link.
extension ResidentProgram {
  /// Writes the program, as its inputs left it.
  ///
  /// - Returns: false, with nothing written, when it is not in a state to be written.
  package func write(to writer: SnapshotWriter) -> Bool {
    guard isReusable, graph.isSettled, packages.objects.allSatisfy({ !$0.isCorrupt }) else { return false }
    // The next link of the program would begin with this.
    index.rewind()
    writer.texts(packages.libraries.map(\.path))
    writer.array(packages.libraryOfObject)
    writer.numbers(options.checkLinkname ? 1 : 0, options.strictDups ? 1 : 0)
    index.write(to: writer)
    graph.write(to: writer)
    return true
  }

  /// The program that an earlier life of the daemon left.
  ///
  /// - Parameters:
  ///   - packages: says what the libraries of such a program are.
  ///   - objects: those that the snapshot was made of, in their order.
  /// - Returns: nil when the snapshot is of other packages, or makes no sense.
  package static func restore(
    _ reader: inout SnapshotReader, like packages: LoadedPackages, objects: [GoObject],
    profile: ReleaseProfile
  ) -> ResidentProgram? {
    let paths = reader.views()
    let libraryOfObject: [UInt32] = reader.array()
    let flags = reader.numbers(2)
    guard reader.isGood, libraryOfObject == packages.libraryOfObject, libraryOfObject.count == objects.count,
      paths.count == packages.libraries.count, !objects.isEmpty,
      zip(paths, packages.libraries).allSatisfy({ $0.string == $1.path })
    else { return nil }
    var options = SymbolResolver.Options()
    options.checkLinkname = flags[0] != 0
    options.strictDups = flags[1] != 0
    let old = LoadedPackages(packages, objects: objects)
    let index = SymbolIndex(
      &reader, libraries: old.libraries, objects: objects, builtinNames: profile.builtins)
    guard index.readObjects(&reader, old) else { return nil }
    let graph = EdgeGraph(&reader)
    guard reader.isGood, graph.symbolCount == index.count else { return nil }
    return ResidentProgram(old, index, graph, profile, options)
  }
}

extension SymbolIndex {
  fileprivate func write(to writer: SnapshotWriter) {
    writer.table(symbols)
    writer.table(classes)
    writer.table(alignments)
    names.write(to: writer)
    writer.table(builtins)
    writer.array(packageStarts)
    writer.array(othersStarts)
    writer.array(undefinedStarts)
    writer.numbers(Int(firstExternal.raw))
    writer.views(externals.buffer.map(\.name))
    writer.array(externals.buffer.map(\.version))
    for o in loaded.buffer.dropFirst(2) {
      writer.bytes(UnsafeRawBufferPointer(start: o.symbols, count: 4 * o.view.symbolCount))
      writer.bytes(UnsafeRawBufferPointer(start: o.packages, count: 4 * o.packageCount))
    }
  }

  /// - Returns: false when the tables do not fit the objects.
  fileprivate func readObjects(_ reader: inout SnapshotReader, _ packages: LoadedPackages) -> Bool {
    guard reader.isGood, symbols.count > 0, classes.count == symbols.count, alignments.count == symbols.count,
      builtins.count == max(builtinNames.count, 1), othersStarts.count == objects.count + 3,
      packageStarts.count == objects.count + 3, undefinedStarts.count == objects.count + 3,
      areRising(packageStarts + othersStarts.dropFirst(2) + undefinedStarts.dropFirst(2)),
      let first = objects.first
    else { return false }
    for k in 0..<2 {
      appendLoaded(first, .allocate(capacity: 1), .allocate(capacity: 1), 0, isExternal: k == 1)
    }
    for (k, o) in objects.enumerated() {
      let ids = reader.memory(of: UInt32.self)
      let places = reader.memory(of: UInt32.self)
      guard ids.count == o.view.symbolCount, places.count == o.packages.count else { return false }
      appendLoaded(
        o, ids.baseAddress ?? .allocate(capacity: 1), places.baseAddress ?? .allocate(capacity: 1),
        packages.libraryOfObject[k], version: Int32(10 + k), packageCount: places.count)
    }
    countFree()
    seal()
    return true
  }

  private func areRising(_ starts: [UInt32]) -> Bool {
    zip(starts, starts.dropFirst()).allSatisfy { $0 <= $1 } && starts.last ?? 0 <= UInt32(symbols.count)
  }

  private func appendLoaded(
    _ o: GoObject, _ symbols: UnsafeMutablePointer<UInt32>, _ packages: UnsafeMutablePointer<UInt32>,
    _ library: UInt32, version: Int32 = 0, packageCount: Int = 0, isExternal: Bool = false
  ) {
    loaded.append(
      LoadedObject(
        view: o.view, symbols: symbols, packages: packages, packageCount: packageCount,
        nameHashes: o.nameHashes, traits: o.traits, classes: o.classes, version: version, library: library,
        isExternal: isExternal))
  }
}
