import Foundation
import LoaderCore

/// Packages whose objects were made by hand, on their way to a symbol index. Package "main" is the program.
package struct HandmadeProgram {
  /// Members of each package's archive.
  package var packages: [String: [ObjectBuilder]] = [:]

  package init(main: ObjectBuilder...) { packages["main"] = main }

  package init(_ packages: [String: [ObjectBuilder]]) { self.packages = packages }

  /// The closure of packages as the loader finds it.
  ///
  /// - Parameter change: last changes to the request; package files are named "PATH.a" with dots for slashes.
  package func load(_ change: (inout PackageLoader.Request) -> Void = { _ in }) throws -> LoadedPackages {
    let folder = try ScratchFolder()
    defer { withExtendedLifetime(folder) {} }
    var files: [String: String] = [:]
    for (path, objects) in packages {
      let members = objects.enumerated().map { k, o in (name: k == 0 ? "_go_.o" : "asm\(k).o", bytes: o.bytes)
      }
      files[path] = try folder.write(
        path.replacingOccurrences(of: "/", with: ".") + ".a", ArchiveBuilder.bytes(members))
    }
    let main = files.removeValue(forKey: "main") ?? ""
    var request = PackageLoader.Request(mainObject: main, packageFiles: files, expectedHeader: nil)
    change(&request)
    return try PackageLoader.load(request, from: Files())
  }

  /// The program's symbols, and what -strictdups says of them.
  package func resolve(
    _ options: SymbolResolver.Options = .init()
  ) throws -> (index: SymbolIndex, warnings: String) {
    let (program, warnings) = try ResidentProgram.resolve(load(), profile: .go1_27_3, options: options)
    return (program.index, warnings)
  }

  private struct Files: ArchiveSource {
    func archive(at path: String) throws(ArchiveError) -> Archive { try Archive.open(path) }
  }
}

/// How a step ended that was to fail, in one line: "exit: …", "failed(code): …", "unsupported: …",
/// "corrupt: …" with the folder of a file left out; nil when it did not fail.
package func failure(_ body: () throws -> Void) -> String? {
  do {
    try body()
    return nil
  } catch LinkFailure.exit(let message, _) {
    return "exit: " + withoutFolder(message)
  } catch LinkFailure.failed(let stderr, let code, _) {
    return "failed(\(code)): " + withoutFolder(stderr)
  } catch LinkFailure.unsupported(let reason) {
    return "unsupported: " + withoutFolder(reason)
  } catch LinkFailure.corrupt(let file, let detail) {
    return "corrupt: " + withoutFolder("\(file): \(detail)")
  } catch {
    return "\(error)"
  }
}

/// The text without the places of scratch folders.
private func withoutFolder(_ text: String) -> String {
  text.replacing(/\/tmp\/linkd-[0-9A-F]{8}\//, with: "")
}
