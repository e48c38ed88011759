import LinkDaemon
import Testing

@Suite struct MemoryBudgetTests {
  @Test func aQuarterIsKeptAndAnEighthInNeed() {
    let budget = MemoryBudget(configured: 0, machine: 16 << 30)
    #expect(budget.most == 4 << 30)
    #expect(budget.now(available: 8 << 30) == 4 << 30 && budget.now(available: nil) == 4 << 30)
    #expect(budget.now(available: 1 << 30) == 2 << 30)
  }

  @Test func whatIsConfiguredHolds() {
    let budget = MemoryBudget(configured: 100 << 20, machine: 16 << 30)
    #expect(budget.most == 100 << 20 && budget.now(available: 0) == 100 << 20)
  }

  @Test func aSmallMachineKeepsSomething() {
    let budget = MemoryBudget(configured: 0, machine: 512 << 20)
    #expect(budget.most == 256 << 20 && budget.now(available: 0) == 256 << 20)
  }
}
