import Foundation
import Protocol
import Testing

@Suite struct LocationsTests {
  private let build = BuildIdentity(name: "0123456789abcdef")

  private func locations(_ environment: [String: String]) -> Locations {
    Locations(build: build, environment: { environment[$0] }, userID: 7)
  }

  @Test func followsTheDirectorySpecification() {
    let found = locations([
      "XDG_RUNTIME_DIR": "/run/user/7", "XDG_CACHE_HOME": "/c", "XDG_STATE_HOME": "/s", "HOME": "/h",
    ])
    #expect(found.socket == "/run/user/7/linkd/0123456789abcdef.sock")
    #expect(found.runtimeDirectory == "/run/user/7/linkd")
    #expect(found.cacheDirectory == "/c/linkd")
    #expect(found.stateDirectory == "/s/linkd")
    #expect(found.log == "/s/linkd/linkd.log")
  }

  @Test func hasDefaults() {
    let home = locations(["HOME": "/h"])
    #expect(home.socket == "/tmp/linkd-7/0123456789abcdef.sock")
    #expect(home.cacheDirectory == "/h/.cache/linkd")
    #expect(home.stateDirectory == "/h/.local/state/linkd")
    let nothing = locations(["TMPDIR": "/elsewhere"])
    #expect(nothing.runtimeDirectory == "/tmp/linkd-7")
    #expect(nothing.cacheDirectory == "/tmp/linkd-7/cache")
    #expect(nothing.stateDirectory == "/tmp/linkd-7/state")
  }

  @Test func ignoresRelativePaths() {
    let found = locations(["XDG_RUNTIME_DIR": "run", "XDG_CACHE_HOME": "", "LINKD_SOCKET": "x", "HOME": "/h"])
    #expect(found.socket == "/tmp/linkd-7/0123456789abcdef.sock")
    #expect(found.cacheDirectory == "/h/.cache/linkd")
  }

  @Test func aGivenSocketWins() {
    let found = locations(["XDG_RUNTIME_DIR": "/run", "LINKD_SOCKET": "/my/socket"])
    #expect(found.socket == "/my/socket")
    #expect(found.runtimeDirectory == nil)
  }

  @Test func longDirectoriesGetAShortSocket() {
    let one = locations(["XDG_RUNTIME_DIR": "/" + String(repeating: "x", count: 80)])
    let other = locations(["XDG_RUNTIME_DIR": "/" + String(repeating: "y", count: 80)])
    #expect(one.socket.utf8.count <= Syscalls.longestSocketPath)
    #expect(one.socket.hasPrefix("/tmp/linkd-7/"))
    #expect(one.socket != other.socket)
  }

  private func withDirectory(_ body: (String) throws -> Void) throws {
    let path = "/tmp/linkd-test-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(path)
  }

  @Test func buildsAreToldApart() throws {
    try withDirectory { directory in
      let path = "\(directory)/linkd"
      _ = FileManager.default.createFile(atPath: path, contents: Data("one".utf8))
      let first = try BuildIdentity(executable: path)
      #expect(try BuildIdentity(executable: path) == first)
      #expect(first.name.utf8.count == 16)
      try FileManager.default.createSymbolicLink(atPath: "\(directory)/link", withDestinationPath: path)
      #expect(try BuildIdentity(executable: "\(directory)/link") == first)
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSince1970: 1000)], ofItemAtPath: path)
      let touched = try BuildIdentity(executable: path)
      #expect(touched != first)
      #expect(throws: SystemError.self) { try BuildIdentity(executable: "\(directory)/none") }
    }
  }

  @Test func privateDirectoriesAreMadeAndChecked() throws {
    try withDirectory { directory in
      let path = "\(directory)/d"
      try Locations.preparePrivateDirectory(path)
      let status = try Syscalls.status(of: path)
      #expect(status.kind == .directory)
      #expect(status.permissions == 0o700)
      try Locations.preparePrivateDirectory(path)
      #expect(throws: UnsafeLocation.self) {
        try Locations.preparePrivateDirectory(path, userID: Syscalls.userID + 1)
      }
      try FileManager.default.createSymbolicLink(atPath: "\(directory)/s", withDestinationPath: path)
      #expect(throws: UnsafeLocation.self) { try Locations.preparePrivateDirectory("\(directory)/s") }
      _ = FileManager.default.createFile(atPath: "\(directory)/f", contents: nil)
      #expect(throws: UnsafeLocation.self) { try Locations.preparePrivateDirectory("\(directory)/f") }
      #expect(throws: UnsafeLocation.self) { try Locations.preparePrivateDirectory("\(directory)/no/where") }
      for mode in [0o750, 0o701, 0o777] {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        #expect(throws: UnsafeLocation.self) { try Locations.preparePrivateDirectory(path) }
      }
    }
  }

  @Test func makesParents() throws {
    try withDirectory { directory in
      try Locations.makeDirectories("\(directory)/a/b/c")
      try Locations.makeDirectories("\(directory)/a/b/c")
      #expect(try Syscalls.status(of: "\(directory)/a/b/c").kind == .directory)
    }
  }
}
