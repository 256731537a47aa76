import Tensors
import Testing

@Suite struct TensorTests {
  @Test func slicesShareMemory() {
    let tensor = Tensor([Float](arrayLiteral: 0, 1, 2, 3, 4, 5), shape: [3, 2])
    let rows = tensor.slice(1..<3)
    #expect(rows.shape == [2, 2])
    #expect(rows.elements(as: Float.self) == [2, 3, 4, 5])
    #expect(rows.region.storage === tensor.region.storage)
    #expect(tensor.slice(1..<1).count == 0)
  }

  @Test func elementsAreReadAtAnyAlignment() throws {
    let storage = ByteRegion(copying: [9, 0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]).storage
    let tensor = try Tensor(.float, shape: [2], region: ByteRegion(storage, offset: 1))
    #expect(tensor.elements(as: Float.self) == [1, -2])
  }

  @Test(arguments: [
    (ElementType.float, [-1], TensorError.Code.negativeDimension),
    (.float, [0, -1], .negativeDimension),
    (.float, [1 << 40, 1 << 40], .shapeOverflow),
    (.double, [1 << 60, 7], .unsizedElements),
    (.float, [3], .byteCountMismatch),
    (.string, [1], .unsizedElements),
  ])
  func shapesThatDoNotFit(_ type: ElementType, _ shape: [Int], _ code: TensorError.Code) throws {
    let error = try #require(throws: TensorError.self) {
      try Tensor(type, shape: shape, region: ByteRegion(copying: [0, 0, 0, 0]))
    }
    #expect(error.code == code)
  }

  @Test(arguments: [
    (ElementType.int4, 3, 2), (.uint2, 5, 2), (.float4e2m1, 0, 0), (.bool, 3, 3),
    (.bfloat16, 3, 6), (.complex128, 2, 32),
  ])
  func packedSizes(_ type: ElementType, _ count: Int, _ bytes: Int) {
    #expect(type.byteCount(elements: count) == bytes)
  }

  @Test func identityLooksAtEveryByte() {
    let tensor = Tensor([Float](arrayLiteral: 0, .nan))
    #expect(tensor.isIdentical(to: Tensor([Float](arrayLiteral: 0, .nan))))
    #expect(!tensor.isIdentical(to: Tensor([Float](arrayLiteral: -0.0, .nan))))
    #expect(!tensor.isIdentical(to: tensor.reshaped([2, 1])))
  }
}
