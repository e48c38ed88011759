import Foundation
import LoaderCore
import Testing

@Suite struct MappedFileTests {
  /// Maps a file, lets `change` do something to it and asks whether the mapping still shows what was mapped.
  private func mayBeOverwritten(after change: (URL) throws -> Void) throws -> Bool {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let url = directory.appendingPathComponent("x.a")
    try Data("as it was".utf8).write(to: url)
    let file = try MappedFile.open(url.path).get()
    // The clock behind time stamps has a grain of some milliseconds.
    Thread.sleep(forTimeInterval: 0.05)
    try change(url)
    return file.mayBeOverwritten
  }

  @Test func anUntouchedFileIsAsItWas() throws {
    #expect(try !mayBeOverwritten { _ in })
  }

  @Test func aFileWrittenOverInPlaceIsNot() throws {
    let overwrite: (URL) throws -> Void = { url in
      let handle = try FileHandle(forWritingTo: url)
      try handle.write(contentsOf: Data("as it is!".utf8))
      try handle.close()
    }
    #expect(try mayBeOverwritten(after: overwrite))
    // Nor when its old time stamp is put back.
    let stale = try mayBeOverwritten { url in
      let attributes = try FileManager.default.attributesOfItem(atPath: url.path)
      try overwrite(url)
      let times = attributes.filter { $0.key == .modificationDate }
      try FileManager.default.setAttributes(times, ofItemAtPath: url.path)
    }
    #expect(stale)
  }

  /// Whoever named the file by a link may take that away, while the file is written to.
  @Test func aFileWhoseLinkWentIsStillWatched() throws {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let (url, link) = (directory.appendingPathComponent("x.a"), directory.appendingPathComponent("link.a"))
    try Data("as it was".utf8).write(to: url)
    try FileManager.default.createSymbolicLink(at: link, withDestinationURL: url)
    let file = try MappedFile.open(link.path).get()
    #expect(file.path == link.path)
    Thread.sleep(forTimeInterval: 0.05)
    try FileManager.default.removeItem(at: link)
    #expect(!file.mayBeOverwritten)
    let handle = try FileHandle(forWritingTo: url)
    try handle.write(contentsOf: Data("as it is!".utf8))
    try handle.close()
    #expect(file.mayBeOverwritten)
  }

  @Test func aShortenedFileIsNot() throws {
    let shortened = try mayBeOverwritten { url in
      let handle = try FileHandle(forWritingTo: url)
      try handle.truncate(atOffset: 0)
      try handle.close()
    }
    #expect(shortened)
  }

  @Test func aDeletedOrReplacedFileLivesOn() throws {
    #expect(try !mayBeOverwritten { try FileManager.default.removeItem(at: $0) })
    let replaced = try mayBeOverwritten { url in
      let other = url.appendingPathExtension("new")
      try Data("another".utf8).write(to: other)
      try FileManager.default.removeItem(at: url)
      try FileManager.default.moveItem(at: other, to: url)
    }
    #expect(!replaced)
  }
}
