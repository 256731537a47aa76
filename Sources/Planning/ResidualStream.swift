package import GraphIR
package import Operators
import Tensors

/// A chain of values h₀ … h_L of one shape, each the last plus a branch.
package struct ResidualStream: Sendable {
  /// Along which axis of a point the features lie that a replacement mixes.
  package enum Layout: Sendable, Hashable {
    /// `[N, T, d]`, `[N, d]` and the like.
    case lastAxis
    /// `[N, d, H, W]`: axis 1.
    case channels
  }

  /// The work between two consecutive points.
  package struct Step: Sendable {
    /// What the branch does.
    package enum Kind: String, Sendable, Hashable, Codable {
      case attention, mlp, convolution, other
    }

    package let kind: Kind
    /// What goes if the later point is computed from the earlier one in another way.
    package let removal: Removal

    package init(kind: Kind, removal: Removal) {
      self.kind = kind
      self.removal = removal
    }
  }

  /// h₀ … h_L.
  package let points: [ValueID]
  /// One for each pair of consecutive points.
  package let steps: [Step]
  /// The points' type at a batch of one.
  package let type: ArrayType
  package let layout: Layout
  /// The input [N, T] that is zero at tokens which are padding, if the graph has one.
  package var mask: ValueID?

  package init(
    points: [ValueID], steps: [Step], type: ArrayType, layout: Layout, mask: ValueID? = nil
  ) {
    precondition(steps.count == points.count - 1, "a stream has one step less than points")
    self.points = points
    self.steps = steps
    self.type = type
    self.layout = layout
    self.mask = mask
  }

  /// The number of features at one position: d.
  package var width: Int { layout == .channels ? type.shape[1] : type.shape[type.shape.count - 1] }

  /// Bytes of so many numbers in the type of the stream, in which replacements are stored.
  package func byteCount(ofParameters count: Int) -> Int {
    type.elementType.byteCount(elements: count) ?? .max
  }

  /// Whether the steps alternate between attention and MLP, so that a block is two of them.
  package var hasPairedSteps: Bool {
    steps.count >= 2
      && steps.enumerated().allSatisfy { index, step in
        step.kind == (index % 2 == 0 ? .attention : .mlp)
      }
  }

  /// What people call a point: the number of whole blocks before it, with `.5` between a block's
  /// attention and its MLP.
  package func label(of point: Int) -> String {
    guard hasPairedSteps else { return "\(point)" }
    return point % 2 == 0 ? "\(point / 2)" : "\(point / 2).5"
  }

  /// The point that people call `label`.
  package func point(labelled label: some StringProtocol) -> Int? {
    points.indices.first { self.label(of: $0) == label }
  }
}
