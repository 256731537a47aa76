/// Operators that make, move, select or reshape elements. One line each.
package let tensorOperators: [any Operator.Type] = [
  Concat.self,
  Constant.self,
  ConstantOfShape.self,
  Expand.self,
  Flatten.self,
  Gather.self,
  Identity.self,
  RangeOperator.self,
  Reshape.self,
  Shape.self,
  Size.self,
  Slice.self,
  Split.self,
  Squeeze.self,
  Transpose.self,
  Unsqueeze.self,
]
