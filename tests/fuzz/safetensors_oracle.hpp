// What must hold for every input of the safetensors reader, whatever its bytes.
#pragma once

#include <string_view>

namespace hallmark::test {

/// nullptr when all is well, else what is wrong:
/// the reader and the second checker agree on whether the bytes are a valid file, and on its content; what is accepted
/// can be written again, and the written file has the same content.
const char* safetensors_disagreement(std::string_view bytes);

}  // namespace hallmark::test
