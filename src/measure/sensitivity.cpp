#include "measure/sensitivity.hpp"

#include "artifact/dequantized.hpp"
#include "method/rtn.hpp"

namespace hallmark {

Expected<std::map<std::string, double>> damages_alone(const Model& model, const Divergence& before,
                                                      const QuantizedModel& quantized,
                                                      const std::function<void(const std::string& matrix)>& measured) {
  if (const Status exact = exact_in_binary32(quantized); !exact) return exact.error();
  std::map<std::string, double> damages;
  for (const QuantizedMatrix& matrix : quantized.header().matrices) {
    const Expected<Matrix<Code>> codes = quantized.codes(matrix);
    if (!codes) return codes.error();
    const Expected<Steps> steps = quantized.steps(matrix);
    if (!steps) return steps.error();
    Matrix<float> values = dequantize(*codes, *steps, matrix.options.grid);
    if (matrix.transposed) values = Matrix<float>(values.transpose());
    const Expected<Model> changed = model.with_weights({{matrix.name, values}});
    if (!changed) return changed.error();
    const Expected<double> damage = before.of(*changed);
    if (!damage) return damage.error();
    damages[matrix.name] = *damage;
    measured(matrix.name);
  }
  return damages;
}

}  // namespace hallmark
