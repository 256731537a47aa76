import GraphIR
import ONNXFormat
import Tensors
import Testing

@Suite struct TensorFileTests {
  private static let tensor =
    Wire.number(1, 1) + Wire.number(2, 1) + Wire.part(8, "t") + Wire.part(9, [0, 0, 0, 0])

  @Test func tensorsComeBack() throws {
    let folder = try TemporaryFolder()
    let tensor = Tensor([Float](arrayLiteral: 1, -2, .infinity), shape: [3, 1])
    try ONNXFile.writeTensor(tensor, name: "x", to: folder.path("x.pb"), overwriting: false)
    let read = try ONNXFile.readTensor(path: folder.path("x.pb"))
    #expect(read.name == "x" && read.tensor.isIdentical(to: tensor))
  }

  /// A tag may take more bytes than it needs, and each its own number of them.
  @Test(arguments: [[0x25], [0xA5, 0x00], [0xA5, 0x80, 0x80, 0x80, 0x00]] as [[UInt8]])
  func aTagOfAnyWidthIsNoPartOfTheNumber(_ tag: [UInt8]) throws {
    let numbers: [[UInt8]] = [[0, 0, 0xC0, 0x3F], [0, 0, 0, 0xC0], [0, 0, 0, 0]]
    let tags: [[UInt8]] = [tag, tag, [0x25]]
    var message: [UInt8] = Wire.number(1, 3) + Wire.number(2, 1) + Wire.part(8, "t")
    for (tag, number) in zip(tags, numbers) { message += tag + number }
    let read = try ONNXFile.decodeTensor(
      ByteRegion(copying: message), external: NoExternalTensors())
    #expect(read.tensor.elements(as: Float.self) == [1.5, -2, 0])
  }

  @Test(
    arguments: [
      (
        Wire.part(1, "s") + Wire.number(2, 1) + Wire.part(3, tensor) + Wire.part(3, tensor),
        "a sequence"
      ),
      (
        Wire.part(1, "o") + Wire.number(2, 1) + Wire.part(3, tensor),
        "an optional value or a sequence of one"
      ),
      (Wire.number(2, 1) + Wire.part(3, tensor), "an optional value or a sequence of one"),
      (Wire.part(1, "e") + Wire.number(2, 1), "an empty sequence or optional value"),
      (
        Wire.part(1, "m") + Wire.number(2, 7) + Wire.number(3, 5)
          + Wire.part(5, Wire.part(3, tensor)), "a map"
      ),
      (
        Wire.part(1, "m") + Wire.number(2, 8) + Wire.part(4, "k")
          + Wire.part(5, Wire.part(3, tensor)), "a map"
      ),
    ] as [([UInt8], String)])
  func otherValuesAreCalledByTheirName(_ bytes: [UInt8], _ kind: String) throws {
    let error = try #require(throws: FormatError.self) {
      try ONNXFile.decodeTensor(ByteRegion(copying: bytes), external: NoExternalTensors())
    }
    #expect(error.code == .notATensor)
    #expect(error.message == "expected a tensor, got what seems to be \(kind)")
  }

  @Test func aTensorWithoutANameIsOne() throws {
    let bytes = Wire.number(1, 2) + Wire.number(2, 6) + Wire.part(5, [1, 2])
    let read = try ONNXFile.decodeTensor(
      ByteRegion(copying: bytes), external: NoExternalTensors())
    #expect(read.name == "" && read.tensor.elements(as: Int32.self) == [1, 2])
  }
}
