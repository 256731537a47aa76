/// Operators of neural networks: products, convolutions, pooling, normalisations, resizing. One line each.
package let networkOperators: [any Operator.Type] = [
  AveragePool.self,
  BatchNormalization.self,
  Conv.self,
  ConvTranspose.self,
  GeneralMatrixProduct.self,
  GlobalPool<GlobalAverage>.self,
  GlobalPool<GlobalMaximum>.self,
  LayerNormalization.self,
  MatMul.self,
  MaxPool.self,
  ResizeOperator.self,
  SoftmaxOperator<LogSoftmaxKind>.self,
  SoftmaxOperator<SoftmaxKind>.self,
]
