internal import Tensors

extension ElementType {
  /// The name the format gives this type; `nil` for types it does not have.
  var safetensorsName: String? { Self.names.first { $0.type == self }?.name }

  /// The type of the format's name; `nil` for names it does not have.
  init?(safetensorsName name: String) {
    guard let type = Self.names.first(where: { $0.name == name })?.type else { return nil }
    self = type
  }

  /// Types of the format that no tensor can hold.
  static let unsupportedSafetensorsNames = ["F6_E2M3", "F6_E3M2"]

  private static let names: [(name: String, type: ElementType)] = [
    ("BOOL", .bool),
    ("U8", .uint8), ("I8", .int8), ("U16", .uint16), ("I16", .int16),
    ("U32", .uint32), ("I32", .int32), ("U64", .uint64), ("I64", .int64),
    ("F16", .float16), ("BF16", .bfloat16), ("F32", .float), ("F64", .double), ("C64", .complex64),
    ("F8_E4M3", .float8e4m3fn), ("F8_E5M2", .float8e5m2), ("F8_E8M0", .float8e8m0),
    ("F8_E4M3FNUZ", .float8e4m3fnuz), ("F8_E5M2FNUZ", .float8e5m2fnuz), ("F4", .float4e2m1),
  ]
}
