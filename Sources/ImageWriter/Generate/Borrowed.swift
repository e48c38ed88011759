/// What cannot be captured by the workers' closure, for the time they run.
struct Borrowed<T: ~Copyable>: @unchecked Sendable {
  let pointer: UnsafePointer<T>
  var pointee: UnsafePointer<T>.Pointee {
    _read { yield pointer.pointee }
  }
}

func withBorrowed<A: ~Copyable, B: ~Copyable>(
  _ a: borrowing A, _ b: borrowing B, _ body: (Borrowed<A>, Borrowed<B>) -> Void
) {
  withUnsafePointer(to: a) { pa in
    withUnsafePointer(to: b) { pb in body(Borrowed(pointer: pa), Borrowed(pointer: pb)) }
  }
}

func withBorrowed<A: ~Copyable>(_ a: borrowing A, _ body: (Borrowed<A>) -> Void) {
  withUnsafePointer(to: a) { body(Borrowed(pointer: $0)) }
}
