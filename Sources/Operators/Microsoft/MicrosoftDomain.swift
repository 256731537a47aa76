/// The domain of operators that onnxruntime's optimiser writes.
package enum MicrosoftDomain: OperatorDomain { package static let name = "com.microsoft" }

/// An operator of the default domain that `com.microsoft` has too.
package typealias Microsoft<Base: Operator> = Transplanted<MicrosoftDomain, Base>
