import Foundation
import LinkDaemon
import Protocol
import TestSupport
import Testing

/// What fitted the stack in one link is not looked at in the next: unless it may not fit any more.
struct StackMemoryTests {
  /// Nosplit functions below one another with so many bytes on the stack each.
  private func source(_ chain: Int, _ deeper: Int, callsMore: Bool = false) -> String {
    """
    package part

    type T struct{ words []string }

    //go:noinline
    func New() *T { return &T{make([]string, \(callsMore ? "more" : "chain")(1))} }

    //go:noinline
    func (t *T) Say() string { return string(rune(len(t.words))) }

    //go:nosplit
    //go:noinline
    func more(n int) int { var x [200]byte; x[n&15] = 1; return chain(int(x[1])) }

    //go:nosplit
    //go:noinline
    func chain(n int) int { var x [\(chain)]byte; x[n&15] = 1; return deeper(int(x[1])) }

    //go:nosplit
    //go:noinline
    func deeper(n int) int { var x [\(deeper)]byte; x[n&15] = 2; return int(x[3]) }

    """
  }

  @Test(.enabled(if: RealToolchain.current != nil, "LINKD_TEST_GOROOT is not set"))
  func whatGrowsIsFound() throws {
    let program = try RealProgram(part: source(200, 200))
    let engine = engine()
    let steps: [(source: String, fits: Bool)] = [
      (source(200, 200), true), (source(208, 200), true), (source(208, 700), false), (source(200, 200), true),
      (source(700, 200), false), (source(200, 240), true), (source(280, 240), true),
      // Nobody needed the third function before.
      (source(280, 240, callsMore: true), true), (source(280, 280, callsMore: true), false),
      (source(100, 100, callsMore: true), true), (source(400, 280, callsMore: true), false),
    ]
    for (k, step) in steps.enumerated() {
      try program.takePart(of: try RealProgram(part: step.source))
      let place = URL(filePath: program.sandbox.path)
      let wanted = try program.go.run(program.go.linker, program.request().arguments, in: place)
      let bytes = program.linked
      #expect((wanted.exitCode == 0) == step.fits, "step \(k)")
      guard
        case .done(let exitCode, let stdout, let stderr, _) = engine.link(
          program.request(), control: LinkControl())
      else {
        Issue.record("step \(k): handed back")
        continue
      }
      #expect(exitCode == wanted.exitCode, "step \(k)")
      #expect(String(decoding: stdout, as: UTF8.self) == wanted.stdout, "step \(k)")
      #expect(String(decoding: stderr, as: UTF8.self) == wanted.stderr, "step \(k)")
      #expect(program.linked == bytes, "step \(k)")
    }
  }
}
