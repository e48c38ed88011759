import LoaderCore
import TestSupport
import Testing

/// Who may refer to what by name (loader.go checkLinkname).
@Suite struct LinknameTests {
  /// "std/def" defines "std/def.x"; "user" refers to it.
  private struct Case {
    var definition = ObjectBuilder.Symbol("std/def.x", kind: 1, data: [1])
    var definer = ObjectBuilder.std
    var name = "std/def.x"
    var user = "user"
    var userFlags: UInt32 = 0
    var reference: SymbolFlags = .linkname
    /// A second definition, in another object of the definer.
    var wrapper: ObjectBuilder.Symbol?

    func refusal(checked: Bool = true) -> String? {
      var main = ObjectBuilder()
      main.isMain = true
      main.imports = [("std/def", 0), (user, 0)]
      var def = ObjectBuilder()
      def.flags = definer
      _ = def.add(definition)
      var members = [def]
      if let wrapper {
        var other = ObjectBuilder()
        other.flags = ObjectBuilder.std
        _ = other.add(wrapper)
        members.append(other)
      }
      var object = ObjectBuilder()
      object.flags = userFlags
      _ = object.refer(to: name, flags: reference)
      var packages = ["main": [main], "std/def": members]
      packages[user, default: []].append(object)
      var options = SymbolResolver.Options()
      options.checkLinkname = checked
      return failure { _ = try HandmadeProgram(packages).resolve(options) }
    }
  }

  private let refused = "failed(1): link: user: invalid reference to std/def.x\n"

  @Test func aPullNeedsAPush() {
    #expect(Case().refusal() == refused)
    #expect(Case(definition: .init("std/def.x", kind: 1, flags: .linkname, data: [1])).refusal() == nil)
    #expect(Case().refusal(checked: false) == nil)
  }

  @Test func plainReferencesAreNotChecked() {
    #expect(Case(reference: []).refusal() == nil)
    // Those of assembly are: they may be anything.
    #expect(Case(userFlags: ObjectBuilder.fromAssembly, reference: []).refusal() == refused)
  }

  @Test func onlyTheStandardLibraryIsProtected() {
    #expect(Case(definer: 0).refusal() == nil)
  }

  @Test func aPackageMayReferToItsOwn() {
    #expect(Case(user: "std/def").refusal() == nil)
  }

  @Test func undefinedSymbolsMayBeReferredTo() {
    #expect(Case(name: "std/def.y").refusal() == nil)
  }

  @Test func aPushWithinTheStandardLibraryStaysThere() {
    let pushed = ObjectBuilder.Symbol("std/def.x", kind: 1, flags: .linknameStd, data: [1])
    #expect(Case(definition: pushed).refusal() == refused)
    #expect(Case(definition: pushed, userFlags: ObjectBuilder.std).refusal() == nil)
    #expect(Case(definition: pushed, reference: .linknameStd).refusal() == refused)
    let both = ObjectBuilder.Symbol("std/def.x", kind: 1, flags: [.linkname, .linknameStd], data: [1])
    #expect(Case(definition: both).refusal() == nil)
  }

  @Test func assemblyDefinitions() {
    let assembly = ObjectBuilder.std | ObjectBuilder.fromAssembly
    #expect(Case(definer: assembly).refusal() == refused)
    // Pushed by name to the package that uses it; and names without a dot are nobody's.
    #expect(
      Case(definition: .init("user.f", kind: 1, data: [1]), definer: assembly, name: "user.f").refusal()
        == nil)
    #expect(
      Case(definition: .init("crosscall2", kind: 1, data: [1]), definer: assembly, name: "crosscall2")
        .refusal()
        == nil)
    // Else the other ABI's wrapper decides.
    func wrapper(_ flags: SymbolFlags) -> ObjectBuilder.Symbol {
      .init("std/def.x", abi: 1, kind: 1, flags: flags, data: [1])
    }
    #expect(Case(definer: assembly, wrapper: wrapper(.linkname)).refusal() == nil)
    #expect(Case(definer: assembly, wrapper: wrapper([])).refusal() == refused)
    #expect(Case(definer: assembly, wrapper: wrapper(.linknameStd)).refusal() == refused)
    #expect(
      Case(definer: assembly, userFlags: ObjectBuilder.std, wrapper: wrapper(.linknameStd)).refusal() == nil)
  }

  @Test(
    arguments: [
      ("crypto/internal/fips140/check", nil), ("crypto/internal/fips140/v1.0.0/check", nil),
      ("user", "failed(1): link: user: invalid reference to go:fipsinfo\n"),
      (
        "crypto/internal/fips140/v1.0.0/other",
        "failed(1): link: crypto/internal/fips140/v1.0.0/other: invalid reference to go:fipsinfo\n"
      ),
      (
        "crypto/internal/fips140/v1",
        "failed(1): link: crypto/internal/fips140/v1: invalid reference to go:fipsinfo\n"
      ),
    ] as [(String, String?)])
  func someNamesAreForAFew(_ user: String, _ refusal: String?) {
    // Whether somebody defines them or not, pushed or not.
    let pushed = ObjectBuilder.Symbol("go:fipsinfo", flags: .linkname, data: [1])
    #expect(Case(definition: pushed, name: "go:fipsinfo", user: user).refusal() == refusal)
    #expect(Case(name: "go:fipsinfo", user: user).refusal() == refusal)
  }

  @Test func aVariableWithoutContentIsAPullToo() {
    var main = ObjectBuilder()
    main.isMain = true
    main.imports = [("std/def", 0)]
    _ = main.add(.init("std/def.v", kind: 9, flags: .linkname, size: 8))
    var def = ObjectBuilder()
    def.flags = ObjectBuilder.std
    let v = def.add(.init("std/def.v", kind: 7, size: 8, data: [1]))
    func refusal() -> String? {
      failure { _ = try HandmadeProgram(["main": [main], "std/def": [def]]).resolve() }
    }
    #expect(refusal() == "failed(1): link: main: invalid reference to std/def.v\n")
    def[v].flags = .linkname
    #expect(refusal() == nil)
  }
}
