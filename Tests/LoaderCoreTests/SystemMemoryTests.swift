import LoaderCore
import Testing

@Suite struct SystemMemoryTests {
  @Test func kernelTextsAreRead() {
    let text = "MemTotal:       24683632 kB\nMemFree:         1234 kB\nMemAvailable:   23972516 kB\n"
    #expect(SystemMemory.parseAvailable(text) == 23_972_516 << 10)
    #expect(SystemMemory.parseAvailable("MemTotal: 1 kB\n") == nil)
    #expect(SystemMemory.parseAvailable("MemAvailable: much\n") == nil)
    #expect(SystemMemory.parseLimit("2147483648\n") == 2 << 30)
    #expect(SystemMemory.parseLimit("max\n") == nil && SystemMemory.parseLimit("") == nil)
    #expect(SystemMemory.parseGroup("3:cpu:/a\n0::/user.slice/x\n") == "/user.slice/x")
    #expect(SystemMemory.parseGroup("3:cpu:/a\n") == nil)
  }

  @Test func thisMachineHasMemory() {
    #expect(SystemMemory.size > 64 << 20)
    if let available = SystemMemory.available { #expect(available > 1 << 20) }
  }
}
