// write_attacks FOLDER: the catalogue of bad files as the seed corpus of safetensors_fuzz, one file each.
#include <fstream>
#include <iostream>

#include "../attacks/attacks.hpp"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: write_attacks FOLDER\n";
    return 2;
  }
  for (const hallmark::test::Attack& attack : hallmark::test::attacks()) {
    std::ofstream file(std::string(argv[1]) + "/" + attack.name, std::ios::binary);
    file.write(attack.bytes.data(), static_cast<std::streamsize>(attack.bytes.size()));
    if (!file.flush()) {
      std::cerr << "cannot write " << attack.name << "\n";
      return 9;
    }
  }
}
