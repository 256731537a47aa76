/// Spectra, windows and filters of signals. One line each.
package let signalOperators: [any Operator.Type] = []
