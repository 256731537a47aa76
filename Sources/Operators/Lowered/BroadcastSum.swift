import Kernels
import Tensors

/// y = activation(product + residual), repeated as Add does; the product may lie where y does if it is
/// as large.
func addBroadcast(
  _ product: UnsafePointer<Float>, shape: [Int], _ residual: TensorView,
  into y: MutableTensorView, activation: UnaryFunction
) {
  let result = y.elements(of: Float.self)
  guard let base = result.baseAddress,
    let left = Layout(contiguous: shape).broadcast(to: y.shape),
    let right = residual.layout.broadcast(to: y.shape)
  else { return }
  Broadcast.map(
    product, strides: left.strides, residual.pointer(of: Float.self), strides: right.strides,
    into: base, shape: y.shape
  ) { $0 + $1 }
  activation.apply(base, into: base, count: result.count)
}
