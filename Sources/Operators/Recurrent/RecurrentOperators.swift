/// Recurrent networks. One line each.
package let recurrentOperators: [any Operator.Type] = [
  GRU.self,
  LSTM.self,
  RNN.self,
]
