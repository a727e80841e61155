// Prints the vectors for docs/spec-gf16.md; test_spec_vectors checks that the page has them.
#include <cstdio>

#include "spec_vectors.hpp"

int main() { std::fputs(hallmark::spec_vectors().c_str(), stdout); }
