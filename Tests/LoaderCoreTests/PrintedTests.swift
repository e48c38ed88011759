import LoaderCore
import Testing

@Suite struct PrintedTests {
  @Test func orderIsToldOnlyWhereItIsNotTheUsualOne() {
    var printed = Printed()
    #expect(printed.turns.isEmpty)
    printed.out("a")
    printed.out("b")
    printed.err("")
    printed.err("c")
    #expect(printed.turns.isEmpty)
    printed.out("d")
    #expect(printed.turns == [2, 1, 1])
    #expect(printed.stdout == "abd")
    #expect(printed.stderr == "c")
  }

  @Test func stderrMayComeFirst() {
    var printed = Printed()
    printed.err("é")
    printed.out("x")
    #expect(printed.turns == [0, 2, 1])
  }

  @Test func whatSomethingElsePrintedComesAfter() {
    var inner = Printed()
    inner.err("2")
    inner.out("3")
    var printed = Printed()
    printed.out("0")
    printed.err("1")
    printed.append(inner)
    #expect(printed.turns == [1, 2, 1])
    #expect(printed.stdout == "03")
    #expect(printed.stderr == "12")
  }

  @Test func aFailureKeepsWhatWasPrintedBefore() {
    var before = Printed()
    before.err("first\n")
    var own = Printed()
    own.out("second\n")
    guard
      case .exit("too many", let printed) = LinkFailure.exit(message: "too many", printed: own).after(before)
    else {
      Issue.record("another failure")
      return
    }
    #expect(printed.turns == [0, 6, 7])
  }
}
