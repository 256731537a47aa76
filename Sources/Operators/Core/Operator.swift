package import GraphIR
package import Tensors

/// Which operator an implementation is of.
package struct OperatorSignature: Sendable, Hashable {
  /// `""` is ONNX's default domain.
  package let domain: String
  package let name: String
  /// The versions of the domain's operator set it holds for.
  package let versions: ClosedRange<Int>
  package let inputs: ClosedRange<Int>
  package let outputs: ClosedRange<Int>
  /// Inputs that may be left out although others follow that may not.
  package let optional: Set<Int>

  /// - Parameters:
  ///   - since: the first operator set version of this meaning.
  ///   - through: the last; the newest where absent.
  package init(
    _ name: String, domain: String = "", since: Int = 1, through: Int = .max,
    inputs: ClosedRange<Int>, outputs: ClosedRange<Int> = 1...1, optional: Set<Int> = []
  ) {
    self.domain = domain
    self.name = name
    self.versions = since...through
    self.inputs = inputs
    self.outputs = outputs
    self.optional = optional
  }
}

/// The types of a node's outputs, as far as its inputs tell.
package enum Inference: Sendable {
  case types([ArrayType])
  /// The shapes depend on the contents of an input that is not constant.
  case dependsOnContents
}

/// What one ONNX operator means, for the attributes of one node.
///
/// The caller has checked the number of inputs and outputs against the signature; `nil` stands for an
/// optional input that is absent. Implementations are values without state: workers share them.
package protocol Operator: Sendable {
  static var signature: OperatorSignature { get }

  /// Reads the node's attributes. `opset` is the imported version of the operator's domain.
  init(_ node: Node, opset: Int) throws(OperatorError)

  /// Types of the outputs. Everything `evaluate` relies on is checked here: it never traps on a node
  /// that passed.
  func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference

  /// Computes the outputs, which have the inferred types.
  ///
  /// Inputs are contiguous unless `acceptsStrides` says otherwise. `scratch` has at least as many bytes
  /// as `scratchByteCount` asked for, 64-byte aligned, contents undefined.
  func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError)

  /// Working memory that evaluation needs beside its outputs.
  func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int

  /// Whether `evaluate` takes a view of this layout at that input without a copy.
  func acceptsStrides(_ layout: Layout, at input: Int) -> Bool

  /// Inputs over whose buffer the first output may be written, if it has the same size.
  var overwritableInputs: [Int] { get }

  /// Multiply-adds that evaluation takes; zero for operators that are not dominated by them, the
  /// largest `Int` where their number overflows.
  func multiplyAdds(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int

  /// Whether equal inputs give equal outputs.
  var isDeterministic: Bool { get }
}

extension Operator {
  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int { 0 }
  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool { false }
  package var overwritableInputs: [Int] { [] }
  package func multiplyAdds(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int { 0 }
  package var isDeterministic: Bool { true }
}

/// An operator that moves elements, whatever they are: `Concat`.
///
/// `infer` may let packed elements pass: `evaluate(tensors:)` spreads them to one a byte around
/// `evaluate`, which sees bytes.
package protocol MovementOperator: Operator {}

/// An operator that only looks at its first input in another way: `Reshape`, `Transpose`, `Slice`.
///
/// The executor asks for views first and evaluates, copying, where it gets none.
package protocol ViewOperator: MovementOperator {
  /// The layout of each output inside the first input's buffer, or `nil` where a copy is needed.
  func views(of input: Layout, _ operands: [Operand?]) -> [Layout]?
}

/// An operator whose output shapes only evaluation can tell: `NonZero`.
///
/// `infer` answers `dependsOnContents` and `evaluate` is never called.
package protocol DataDependentOperator: Operator {
  /// Bytes that the results take at most.
  func largestByteCount(_ inputs: [ArrayType?]) -> Int

  func evaluate(_ inputs: [Tensor?]) throws(OperatorError) -> [Tensor]
}

extension DataDependentOperator {
  /// What the first input takes: for operators that choose among its elements.
  package func largestByteCount(_ inputs: [ArrayType?]) -> Int { inputs[0]!.byteCount }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    throw OperatorError(.unsupported, "\(Self.signature.name) has no shape before evaluation")
  }
}

/// The domain of operators that exist only in graphs lowered for execution and are never written.
package let loweredDomain = "rba-convert.lowered"
