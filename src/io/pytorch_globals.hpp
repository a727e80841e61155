// The globals of a state dict's pickle: what is read, and what is written.
#pragma once

#include <array>
#include <string_view>

#include "io/safetensors.hpp"

namespace hallmark::pytorch {

enum class Role : std::uint8_t { dict, tensor, parameter, storage };

struct Global {
  std::string_view module, name;
  Role role;
  DType dtype = DType::F32;  ///< of a storage
};

inline constexpr std::array<Global, 13> globals = {{{"collections", "OrderedDict", Role::dict},
                                                    {"torch._utils", "_rebuild_tensor_v2", Role::tensor},
                                                    {"torch._utils", "_rebuild_parameter", Role::parameter},
                                                    {"torch", "FloatStorage", Role::storage, DType::F32},
                                                    {"torch", "BFloat16Storage", Role::storage, DType::BF16},
                                                    {"torch", "HalfStorage", Role::storage, DType::F16},
                                                    {"torch", "DoubleStorage", Role::storage, DType::F64},
                                                    {"torch", "CharStorage", Role::storage, DType::I8},
                                                    {"torch", "ByteStorage", Role::storage, DType::U8},
                                                    {"torch", "ShortStorage", Role::storage, DType::I16},
                                                    {"torch", "IntStorage", Role::storage, DType::I32},
                                                    {"torch", "LongStorage", Role::storage, DType::I64},
                                                    {"torch", "BoolStorage", Role::storage, DType::BOOL}}};

}  // namespace hallmark::pytorch
