/// How many links are made again by Go's own linker and compared: `always`, or a share such as `5%`.
package struct VerificationShare: JSONConvertible, Equatable {
  /// 0 to 100.
  package let percent: Double

  package init?(_ text: String) {
    switch text {
    case "always": percent = 100
    case "never": percent = 0
    default:
      // Digits and a point only: Double reads more than people mean.
      let number = text.hasSuffix("%") ? text.dropLast() : text[...]
      guard !number.isEmpty, number.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x2E }),
        let value = Double(number), value <= 100
      else { return nil }
      percent = value
    }
  }

  /// Whether this link is one of them.
  package func takesOne() -> Bool { percent >= 100 || Double.random(in: 0..<100) < percent }

  package init(json: JSONValue) throws(JSONShapeError) {
    guard let share = VerificationShare(try String(json: json)) else {
      throw JSONShapeError(problem: "expected always, never or a percentage")
    }
    self = share
  }

  package var json: JSONValue {
    if percent >= 100 { return .string("always") }
    let whole = Int(percent)
    return .string(Double(whole) == percent ? "\(whole)%" : "\(percent)%")
  }
}
