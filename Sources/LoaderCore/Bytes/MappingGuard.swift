internal import Synchronization

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Survives inputs that shrink while they are mapped.
///
/// Reading a mapped page behind the end of its file raises SIGBUS, which would end the daemon with all its
/// links. The handler here lays zeroed pages over the rest of that mapping, marks it as torn and lets the read
/// go on; the link that used it finds the mark and fails. Faults anywhere else end the process as ever.
///
/// The handler runs between any two instructions of any thread, so it only reads and writes the table of
/// mappings below, which is laid out before the first mapping and never moves, and calls `mmap`.
package enum MappingGuard {
  /// A row of the table.
  struct Place: Sendable { fileprivate let row: Int }

  private struct Row: ~Copyable {
    /// Addresses; 0 in both for a free row.
    let start = Atomic<UInt>(0)
    let end = Atomic<UInt>(0)
    let torn = Atomic(false)
  }

  private struct Rows: @unchecked Sendable {
    let base: UnsafeMutablePointer<Row>?
  }

  /// More inputs than any program has.
  private static let capacity = 1 << 16

  private static let rows = Rows(base: makeRows())
  /// Rows that were used and are free again, and the number of rows ever used.
  private static let free = Mutex((rows: [Int](), used: 0))
  private static let usedRows = Atomic(0)

  /// Fresh pages are zero, which is a free row; those of rows never used are never touched.
  private static func makeRows() -> UnsafeMutablePointer<Row>? {
    let bytes = capacity * MemoryLayout<Row>.stride
    let p = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0)
    return p == MAP_FAILED ? nil : p?.bindMemory(to: Row.self, capacity: capacity)
  }

  /// Enters a mapping, which must be forgotten before it is unmapped; nil when the table is full.
  static func watch(_ start: UnsafeMutableRawPointer, _ count: Int) -> Place? {
    guard let base = rows.base else { return nil }
    let row: Int? = free.withLock { f in
      if let again = f.rows.popLast() { return again }
      guard f.used < capacity else { return nil }
      f.used += 1
      usedRows.store(f.used, ordering: .releasing)
      return f.used - 1
    }
    guard let row else { return nil }
    let r = base + row
    r.pointee.torn.store(false, ordering: .relaxed)
    r.pointee.end.store(UInt(bitPattern: start) + UInt(count), ordering: .relaxed)
    r.pointee.start.store(UInt(bitPattern: start), ordering: .releasing)
    return Place(row: row)
  }

  static func forget(_ place: Place) {
    guard let base = rows.base else { return }
    let r = base + place.row
    r.pointee.start.store(0, ordering: .relaxed)
    r.pointee.end.store(0, ordering: .releasing)
    free.withLock { $0.rows.append(place.row) }
  }

  static func isTorn(_ place: Place) -> Bool {
    rows.base?[place.row].torn.load(ordering: .acquiring) ?? false
  }

  // MARK: the handler

  /// Takes over SIGBUS, for the whole process; once is enough.
  package static func install() { _ = isInstalled }

  private static let isInstalled: Bool = {
    _ = rows
    _ = pageSize
    var action = sigaction()
    let handler: @convention(c) (Int32, UnsafeMutablePointer<siginfo_t>?, UnsafeMutableRawPointer?) -> Void =
      {
        _, info, _ in
        let saved = errno
        if !MappingGuard.repair(MappingGuard.faultAddress(info)) {
          // Not ours: back at the same instruction, the process ends as it would have.
          signal(SIGBUS, SIG_DFL)
        }
        errno = saved
      }
    #if canImport(Darwin)
      action.__sigaction_u.__sa_sigaction = handler
    #else
      action.__sigaction_handler.sa_sigaction = handler
    #endif
    action.sa_flags = Int32(SA_SIGINFO) | Int32(SA_RESTART)
    return sigaction(SIGBUS, &action, nil) == 0
  }()

  private static let pageSize = UInt(sysconf(Int32(_SC_PAGESIZE)))

  private static func faultAddress(_ info: UnsafeMutablePointer<siginfo_t>?) -> UInt {
    #if canImport(Darwin)
      UInt(bitPattern: info?.pointee.si_addr)
    #else
      UInt(bitPattern: info?.pointee._sifields._sigfault.si_addr)
    #endif
  }

  /// Zeros from the page of `address` to the end of its mapping.
  ///
  /// - Returns: whether the address lies in a watched mapping.
  private static func repair(_ address: UInt) -> Bool {
    guard let base = rows.base else { return false }
    for i in 0..<usedRows.load(ordering: .acquiring) {
      let r = base + i
      let start = r.pointee.start.load(ordering: .acquiring)
      let end = r.pointee.end.load(ordering: .acquiring)
      // The row may be changing hands; the mapping that is being read is not.
      guard start != 0, start <= address, address < end,
        r.pointee.start.load(ordering: .acquiring) == start
      else { continue }
      let page = address & ~(pageSize - 1)
      let p = mmap(
        UnsafeMutableRawPointer(bitPattern: page), Int(end - page), PROT_READ,
        MAP_PRIVATE | MAP_ANON | MAP_FIXED, -1, 0)
      guard p != MAP_FAILED else { return false }
      r.pointee.torn.store(true, ordering: .releasing)
      return true
    }
    return false
  }
}
