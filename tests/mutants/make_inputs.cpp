// make_inputs FOLDER: W and C for the mutants, in which every planted fault can show: exact ties, subnormal points, a
// row of zeros, a dead column, more tokens than one chunk; a wide layer with more columns than a block of the
// factorization, and a narrow one in which round-to-nearest wins some rows.
#include <cmath>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "io/safetensors.hpp"

using namespace hallmark;

namespace {

struct Layer {
  std::string name;
  std::size_t rows, cols;
  float scale;  // of matrix-max
};

const std::vector<Layer> layers{{"wide", 50, 260, 1.0F}, {"narrow", 200, 30, 1.25F}};
constexpr std::size_t tokens = 600, dead = 17;

class Uniform {
 public:
  float next() { return static_cast<float>(static_cast<double>(generator_()) * 0x1p-31 - 1); }
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(generator_()) % n; }

 private:
  std::mt19937 generator_{20260101};
};

// A tie of GF16 with the layer's scale; where that is no power of two one ulp above it, so that the rounded quotient w
// / s is the tie and only its remainder tells the side.
float tie(const Layer& layer, Uniform& random) {
  const float middle = (static_cast<float>(512 + random.below(400)) + 0.5F) * 0x1p-10F * layer.scale;
  return layer.scale == 1 ? middle : std::nextafter(middle, 2.0F);
}

std::vector<float> weights(const Layer& layer, Uniform& random) {
  std::vector<float> W(layer.rows * layer.cols);
  for (std::size_t i = 0; i < layer.rows; ++i)
    for (std::size_t j = 0; j < layer.cols; ++j) {
      float& w = W[i * layer.cols + j];
      if (i == 5) w = 0;
      else if (i % 4 == 1) w = tie(layer, random);
      else if (i % 4 == 2)
        w = std::ldexp(random.next(), -static_cast<int>(random.below(40)));  // down to the subnormals
      else w = random.next();
    }
  W[3] = layer.scale;  // the largest, and so the scale of matrix-max
  return W;
}

std::vector<float> activations(const Layer& layer, Uniform& random) {
  std::vector<float> X(tokens * layer.cols);
  for (std::size_t t = 0; t < tokens; ++t) {
    const float common = 0.1F * random.next();
    for (std::size_t j = 0; j < layer.cols; ++j)
      X[t * layer.cols + j] = j == dead ? 0.0F : (random.next() + common) * (j % 7 == 0 ? 10.0F : 1.0F);
  }
  return X;
}

template <class Values>
bool write(const std::string& path, const std::string& suffix, bool by_token, const Values& values) {
  std::vector<TensorPlan> plan;
  for (const Layer& layer : layers)
    plan.push_back({layer.name + suffix, DType::F32, {by_token ? tokens : layer.rows, layer.cols}});
  auto writer = SafeTensorsWriter::create(path, true, plan, {});
  bool good = static_cast<bool>(writer);
  Uniform random;
  for (std::size_t k = 0; good && k < layers.size(); ++k) {
    const std::vector<float> numbers = values(layers[k], random);
    good = static_cast<bool>(writer->write(plan[k].name, std::span<const float>(numbers)));
  }
  good = good && writer->commit();
  if (!good) std::fprintf(stderr, "make_inputs: cannot write %s\n", path.c_str());
  return good;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::string folder = argv[1];
  return write(folder + "/w.safetensors", "", false, weights) &&
                 write(folder + "/c.safetensors", ".activations", true, activations)
             ? 0
             : 1;
}
