/// Operators that sample, crop or place regions of pictures. One line each.
package let visionOperators: [any Operator.Type] = [
  AffineGrid.self,
  CenterCropPad.self,
  Col2Im.self,
  DeformConv.self,
  Det.self,
  GridSample.self,
  MaxRoiPool.self,
  NonMaxSuppression.self,
  RoiAlign.self,
]
