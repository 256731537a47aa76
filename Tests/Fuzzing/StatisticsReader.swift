import RBAConvert

extension FuzzedReader {
  /// Merges a statistics file with itself, and the result with the file: pairs and rows are to add up.
  func mergeStatistics(_ bytes: [UInt8], _ folder: Scratch) throws -> Verdict {
    let input = try folder.write(bytes, name: "input.safetensors")
    let (twice, thrice) = (folder.path("twice.safetensors"), folder.path("thrice.safetensors"))
    let merged: StatisticsReport
    do throws(Failure) {
      merged = try StatisticsMerging(inputs: [input, input], output: twice, overwriting: true)
        .run(.silent)
    } catch { return verdict(of: error) }
    do throws(Failure) {
      let again = try StatisticsMerging(inputs: [twice, input], output: thrice, overwriting: true)
        .run(.silent)
      return again.pairs == merged.pairs && again.samples.fit * 2 == merged.samples.fit * 3
        ? .accepted : .broken("what was merged holds something else")
    } catch {
      // Counts and sums have an end.
      return error.message.contains("more rows than can be counted")
        || error.message.contains("expected finite sums")
        ? .accepted : .broken("what was merged is refused: \(error.message)")
    }
  }
}
