/// The cgo section of an object's text part: a JSON list of lists of strings (ld/go.go loadcgo).
package struct CgoDirectives: Sendable {
  package let directives: [[String]]

  /// Nil when the text is not such a list.
  init?(_ text: ByteView) {
    var scanner = Scanner(text: text)
    guard let lists = scanner.lists() else { return nil }
    directives = lists
  }

  private struct Scanner {
    let text: ByteView
    var at = 0

    mutating func lists() -> [[String]]? {
      guard take(0x5b) else { return nil }
      var out: [[String]] = []
      if take(0x5d) { return out }
      repeat {
        guard take(0x5b) else { return nil }
        var list: [String] = []
        if !take(0x5d) {
          repeat {
            guard let s = string() else { return nil }
            list.append(s)
          } while take(0x2c)
          guard take(0x5d) else { return nil }
        }
        out.append(list)
      } while take(0x2c)
      return take(0x5d) ? out : nil
    }

    private mutating func take(_ c: UInt8) -> Bool {
      while at < text.count, [0x20, 0x09, 0x0a, 0x0d].contains(text.u8(at)) { at += 1 }
      guard at < text.count, text.u8(at) == c else { return false }
      at += 1
      return true
    }

    /// Escapes other than of quotes and backslashes do not occur in symbol names: they end the scan.
    private mutating func string() -> String? {
      guard take(0x22) else { return nil }
      var bytes: [UInt8] = []
      while at < text.count {
        let c = text.u8(at)
        at += 1
        if c == 0x22 { return String(decoding: bytes, as: UTF8.self) }
        if c == 0x5c {
          let e = text.u8(at)
          guard [0x22, 0x5c, 0x2f].contains(e) else { return nil }
          at += 1
          bytes.append(e)
        } else {
          bytes.append(c)
        }
      }
      return nil
    }
  }
}
