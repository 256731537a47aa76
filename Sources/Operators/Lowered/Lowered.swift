import GraphIR

/// The lowered domain.
package enum LoweredDomain: OperatorDomain { package static let name = loweredDomain }

/// An operator of the default domain under the lowered one, where no operator set's version bars it.
package typealias Lowered<Base: Operator> = Transplanted<LoweredDomain, Base>
