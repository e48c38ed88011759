import LoaderCore
import TestSupport
import Testing

/// An exchange reads two versions of an object side by side: neither is to blame for not being the other.
@Suite struct ExchangeFaultTests {
  /// A function with its FuncInfo, or the same bytes' place with anything else.
  private func program(_ data: [UInt8], isFuncInfo: Bool) throws -> LoadedPackages {
    var scene = Scene()
    let function = scene.text("main.f", abi: 1)
    scene.link(scene.entry, .call(function))
    let info = scene.object.add(.init("main.info", kind: 3, data: data), .package_)
    if isFuncInfo { scene.object[function].auxiliaries = [(AuxKind.funcInfo, info)] }
    for k in 0..<40 { _ = scene.text("main.other\(k)", abi: 1) }
    var part = ObjectBuilder()
    for k in 0..<200 { _ = part.add(.init("part.other\(k)", abi: 1, kind: 1, data: [0xc3])) }
    scene.object.imports = [("part", 0)]
    return try HandmadeProgram(["main": [scene.object], "part": [part]]).load()
  }

  @Test(arguments: [0xff, 0x7f, 0x01] as [UInt8])
  func whatBecomesAFuncInfoWasAnything(byte: UInt8) throws {
    let before = try program([UInt8](repeating: byte, count: 24), isFuncInfo: false)
    let after = try program([UInt8](repeating: 0, count: 24), isFuncInfo: true)
    let resident = try ResidentProgram.resolve(before, profile: .go1_27_3, options: .init()).program
    #expect(resident.update(to: after, profile: .go1_27_3, options: .init()), "\(resident.refusal as Any)")
    for object in before.objects + after.objects { #expect(!object.isCorrupt) }
  }

  /// The compiler gives numbers to package definitions only; the real linker would take others.
  @Test(arguments: [0, 1])
  func aReferenceToWhatIsNoPackageDefinitionIsHandedBack(index: Int) throws {
    var scene = Scene()
    scene.object.imports = [("part", 0)]
    scene.object.packages = ["part"]
    scene.link(scene.entry, .call(.init(.imported(package_: 1), index)))
    var part = ObjectBuilder()
    _ = part.add(.init("part.f", abi: 1, kind: 1, data: [0xc3]), .package_)
    _ = part.add(.init("part.g", abi: 1, kind: 1, data: [0xc3]), .named)
    let packages = try HandmadeProgram(["main": [scene.object], "part": [part]]).load()
    let program = try ResidentProgram.resolve(packages, profile: .go1_27_3, options: .init()).program
    if index == 0 {
      #expect(try reachable(program.index) > 0)
    } else {
      let failure = #expect(throws: LinkFailure.self) { try reachable(program.index) }
      guard case .unsupported(let reason) = failure else {
        Issue.record("\(failure as Any)")
        return
      }
      #expect(reason.contains("no definition"))
    }
  }

  private func reachable(_ index: SymbolIndex) throws -> Int {
    let live = try Deadcode.run(index, initOrder: try InitOrder.schedule(index), options: .init())
    return live.count
  }
}
