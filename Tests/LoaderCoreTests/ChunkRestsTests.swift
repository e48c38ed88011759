import LoaderCore
import Testing

@Suite struct ChunkRestsTests {
  @Test func aRestIsTheNextWriters() {
    var rests = ChunkRests()
    rests.giveBack((position: 100, count: 500, epoch: rests.epoch))
    let none = rests.take(501)
    let room = rests.take(500)
    let more = rests.take(1)
    #expect(none == nil && more == nil)
    #expect(room?.position == 100 && room?.count == 500 && room?.epoch == rests.epoch)
  }

  @Test func whatIsTooSmallOrFreedIsNobodys() {
    var rests = ChunkRests()
    rests.giveBack((position: 1, count: 3, epoch: rests.epoch))
    let small = rests.take(1)
    rests.giveBack((position: 2, count: 300, epoch: rests.epoch))
    let before = rests.epoch
    rests.removeAll()
    let freed = rests.take(1)
    // By a writer that was there before all chunks were freed.
    rests.giveBack((position: 3, count: 300, epoch: before))
    let late = rests.take(1)
    #expect(small == nil && freed == nil && late == nil)
  }
}
