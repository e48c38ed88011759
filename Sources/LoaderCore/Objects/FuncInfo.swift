/// What an object says of one function (cmd/internal/goobj/funcinfo.go): frame sizes, file list and the
/// tree of inlined calls. A view of the auxiliary symbol's data.
package struct FuncInfo {
  package let data: ByteView
  package let object: UnsafePointer<LoadedObject>
  package let fileCount: Int
  package let inlineCount: Int
  private let inlineStart: Int

  package struct InlineNode {
    package let parent: Int32
    /// Index into the compilation unit's file list.
    package let file: UInt32
    package let line: Int32
    package let function: SymbolRef
    package let parentPC: Int32
  }

  /// - Parameter isCertain: whether something says that the data are a FuncInfo: then it is the object's fault if they
  ///   are none.
  package init?(data: ByteView, object: UnsafePointer<LoadedObject>, isCertain: Bool = true) {
    guard data.count >= 24 else { return nil }
    self.data = data
    self.object = object
    fileCount = Int(data.u32(16))
    let inlineCountAt = 20 + 4 * fileCount
    guard data.fits(inlineCountAt, 4) else {
      if isCertain { object.pointee.view.noteFault() }
      return nil
    }
    inlineCount = Int(data.u32(inlineCountAt))
    inlineStart = inlineCountAt + 4
    guard data.fits(inlineStart, inlineCount * 24) else {
      if isCertain { object.pointee.view.noteFault() }
      return nil
    }
  }

  /// Bytes of arguments.
  package var args: UInt32 { data.u32(0) }
  /// Bytes of the frame.
  package var locals: UInt32 { data.u32(4) }
  package var funcID: UInt8 { data.u8(8) }
  package var funcFlag: UInt8 { data.u8(9) }
  package var startLine: Int32 { Int32(bitPattern: data.u32(12)) }
  /// abi.FuncFlagTopFrame.
  package var isTopFrame: Bool { funcFlag & 1 != 0 }

  @inline(__always) package func file(_ k: Int) -> UInt32 { data.u32(20 + 4 * k) }

  @inline(__always) package func inlineNode(_ k: Int) -> InlineNode {
    let at = inlineStart + 24 * k
    return InlineNode(
      parent: Int32(bitPattern: data.u32(at)), file: data.u32(at + 4),
      line: Int32(bitPattern: data.u32(at + 8)),
      function: SymbolRef(package_: data.u32(at + 12), index: data.u32(at + 16)),
      parentPC: Int32(bitPattern: data.u32(at + 20)))
  }
}
