/// Spectra, windows and filters of signals. One line each.
package let signalOperators: [any Operator.Type] = [
  DFT.self,
  MelWeightMatrix.self,
  STFT.self,
  WindowFunction<BlackmanWindow>.self,
  WindowFunction<HammingWindow>.self,
  WindowFunction<HannWindow>.self,
]
