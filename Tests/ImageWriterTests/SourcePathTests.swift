import ImageWriter
import LoaderCore
import Testing

@Suite struct SourcePathTests {
  private func expand(_ raw: [UInt8], goroot: String) -> [UInt8] {
    let arena = Arena()
    return raw.withUnsafeBytes { b in
      let paths = SourcePath(goroot: goroot)
      return Array(paths.expand(ByteView(b.baseAddress, b.count), in: arena).buffer)
    }
  }

  private func expand(_ raw: String, goroot: String = "/usr/go") -> String {
    String(decoding: expand(Array(raw.utf8), goroot: goroot), as: UTF8.self)
  }

  @Test(arguments: [
    ("$GOROOT/src/fmt/print.go", "/usr/go/src/fmt/print.go"),
    ("gofile..$GOROOT/src/fmt/print.go", "/usr/go/src/fmt/print.go"),
    ("gofile../nest/me/main.go", "/nest/me/main.go"),
    ("/nest/me/main.go", "/nest/me/main.go"),
    ("$GOROOT", "$GOROOT"),
    ("$GOROOTS/x.go", "$GOROOTS/x.go"),
    ("$GOROOT\\src\\x.go", "/usr/go/\\src\\x.go"),
    ("$GOROOT/src/../pkg//a/./b.go", "/usr/go/pkg/a/b.go"),
    ("$GOROOT/a..b/...go", "/usr/go/a..b/...go"),
    ("$GOROOT/", "/usr/go"),
    ("", ""),
  ])
  func expandsTheRoot(_ raw: String, _ want: String) {
    #expect(expand(raw) == want)
  }

  @Test func aRootIsCleaned() {
    #expect(expand("$GOROOT/src/a.go", goroot: "/opt/./go/x/../") == "/opt/go/src/a.go")
    #expect(expand("$GOROOT/src/a.go", goroot: "/") == "/src/a.go")
  }

  @Test func withoutARootTheNameStays() {
    #expect(expand("$GOROOT/src/a.go", goroot: "") == "$GOROOT/src/a.go")
  }

  @Test func bytesThatAreNoTextSurvive() {
    let raw = Array("$GOROOT/./".utf8) + [0xff, 0xfe, 0xc3]
    #expect(expand(raw, goroot: "/g") == Array("/g/".utf8) + [0xff, 0xfe, 0xc3])
  }
}
