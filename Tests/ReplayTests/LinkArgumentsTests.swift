import Replay
import Testing

@Suite struct LinkArgumentsTests {
  @Test func takesArgumentsApartAndTogether() {
    let words = [
      "-o", "out", "-s", "--w=true", "-X", "main.a=-o x", "-importcfg=cfg", "-v=2", "main.a", "-o", "late",
    ]
    let arguments = LinkArguments(words)
    #expect(arguments.words == words)
    #expect(arguments.value("o") == "out", "what follows the operand is no flag")
    #expect(arguments.value("importcfg") == "cfg")
    #expect(arguments.value("X") == "main.a=-o x")
    #expect(arguments.operands == ["main.a", "-o", "late"])
    #expect(arguments.has("s") && arguments.has("w") && !arguments.has("c"))
  }

  @Test func theLastMentionCounts() {
    let arguments = LinkArguments(["-o", "a", "-o=b", "-s", "-s=false", "x"])
    #expect(arguments.value("o") == "b")
    #expect(!arguments.has("s"))
  }

  @Test func aFlagWithoutItsValue() {
    #expect(LinkArguments(["-o"]).words == ["-o"])
    #expect(LinkArguments(["-o"]).value("o") == nil)
    #expect(LinkArguments(["-"]).operands == ["-"])
    #expect(LinkArguments(["--", "-s"]).operands == ["-s"])
    #expect(LinkArguments([]).words == [])
  }

  @Test func changesKeepTheForm() {
    var arguments = LinkArguments(["-o", "a", "--o=b", "-importcfg", "c", "main.a"])
    arguments.replaceValues(of: "o") { _ in "new" }
    arguments.replaceOperands { $0 + "!" }
    arguments.append("s", "false")
    arguments.prepend("e", "x")
    #expect(
      arguments.words == ["-e", "x", "-o", "new", "--o=new", "-importcfg", "c", "-s=false", "main.a!"])
  }

  @Test func expandsResponseFiles() {
    let files = ["one": "-s '@two words' @two", "two": "-w\n\"a b\"", "loop": "@loop"]
    func read(_ name: String) -> [UInt8]? { files[name].map { Array($0.utf8) } }
    #expect(LinkArguments.expand(["-o", "x", "@two", "y"], read: read) == ["-o", "x", "-w", "a b", "y"])
    #expect(LinkArguments.expand(["@loop"], read: read) == nil)
    #expect(LinkArguments.expand(["@none"], read: read) == nil)
    #expect(LinkArguments.expand(["@one"], read: read) == nil, "a quoted @ is one all the same")
  }
}
