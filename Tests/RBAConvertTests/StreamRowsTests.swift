import GraphIR
import Operators
import Planning
import Tensors
import Testing

@testable import RBAConvert

@Suite struct StreamRowsTests {
  private func stream(_ layout: ResidualStream.Layout, _ shape: [Int]) -> ResidualStream {
    ResidualStream(
      points: [ValueID(0)], steps: [], type: ArrayType(.float, shape), layout: layout)
  }

  @Test func featuresOfTheLastAxisAreRowsAsTheyLie() {
    let values = (0..<24).map(Float.init)
    let tensor = Tensor(values, shape: [2, 3, 4])
    let stream = stream(.lastAxis, [1, 3, 4])
    #expect(stream.rows(of: tensor) == values)
    #expect(stream.tensor(fromRows: values, like: tensor).isIdentical(to: tensor))
  }

  /// Every element of [N, d, H, W] stands in row (n, h, w), column c.
  @Test(arguments: [[2, 3, 2, 5], [1, 1, 4, 4], [3, 7, 1, 1], [0, 3, 2, 2]])
  func channelsBecomeColumns(shape: [Int]) {
    let (channels, positions) = (shape[1], shape[2] * shape[3])
    let tensor = Tensor((0..<shape.reduce(1, *)).map(Float.init), shape: shape)
    let stream = stream(.channels, [1, channels, shape[2], shape[3]])
    let rows = stream.rows(of: tensor)
    let expected = (0..<shape[0] * positions * channels).map { index in
      let (row, channel) = (index / channels, index % channels)
      let (sample, position) = (row / positions, row % positions)
      return Float((sample * channels + channel) * positions + position)
    }
    #expect(rows == expected)
    #expect(stream.rowTensor(of: tensor).elements(as: Float.self) == rows)
    #expect(stream.tensor(fromRows: rows, like: tensor).isIdentical(to: tensor))
  }
}
