// The numbers of the errors of src/io: one per way of being wrong, stable, listed for users in docs/errors.md.
#pragma once

namespace hallmark::error_number {

// Exit::input: a safetensors file that breaks a rule of the format, in the order in which the rules are checked.
inline constexpr int header_too_small = 301;      ///< fewer than 8 bytes
inline constexpr int header_too_large = 302;      ///< declared header length above the cap
inline constexpr int header_truncated = 303;      ///< declared header length goes beyond the file
inline constexpr int header_not_utf8 = 304;       ///< header is not UTF-8
inline constexpr int header_start = 305;          ///< header does not begin with {
inline constexpr int header_end = 306;            ///< header ends in something else than } and spaces
inline constexpr int header_not_json = 307;       ///< JSON syntax
inline constexpr int header_nesting = 308;        ///< an object or array where the format has none
inline constexpr int header_duplicate_key = 309;  ///< two entries, or two fields of an entry, with one name
inline constexpr int header_field = 310;          ///< field missing, unknown or of the wrong type
inline constexpr int header_integer = 311;        ///< a size or offset that is no unsigned integer of 64 bits
inline constexpr int header_dtype = 312;          ///< unknown dtype
inline constexpr int header_metadata = 313;       ///< __metadata__ is not an object of strings
inline constexpr int range_reversed = 314;        ///< begin > end
inline constexpr int range_hole = 315;            ///< bytes between two tensors, or before the first
inline constexpr int range_overlap = 316;         ///< two tensors share bytes
inline constexpr int size_overflow = 317;         ///< shape times element size leaves 64 bits
inline constexpr int size_bits = 318;             ///< a sub-byte tensor does not fill whole bytes
inline constexpr int size_mismatch = 319;         ///< shape and dtype disagree with the byte range
inline constexpr int data_truncated = 330;        ///< the file ends before the last tensor
inline constexpr int data_trailing = 331;         ///< bytes after the last tensor
inline constexpr int name_invalid = 332;          ///< empty, too long, or with a control character
inline constexpr int too_many_tensors = 333;      ///< more than the cap
inline constexpr int rank_too_large = 334;        ///< more dimensions than the cap
inline constexpr int size_too_large = 335;        ///< a dimension or an offset of 2^48 or more

// Exit::input: model.safetensors.index.json.
inline constexpr int index_invalid = 340;         ///< not an object with one weight_map of strings
inline constexpr int index_duplicate = 341;       ///< a tensor twice in the map
inline constexpr int index_path = 342;            ///< a shard outside the folder of the index
inline constexpr int index_missing_shard = 343;   ///< a shard file that is not there
inline constexpr int index_missing_tensor = 344;  ///< the shard lacks a tensor that the map places in it
inline constexpr int index_extra_tensor = 345;    ///< a shard holds a tensor that the map places elsewhere or nowhere

// Exit::input: values.
inline constexpr int not_finite = 350;         ///< NaN or infinity in weights or activations
inline constexpr int dtype_unsupported = 351;  ///< the dtype cannot be read as numbers here

// Exit::input: the quantized container.
inline constexpr int quantized_metadata = 360;  ///< not ours, or a metadata entry missing or malformed
inline constexpr int quantized_schema = 361;    ///< a schema version that this build does not know
inline constexpr int quantized_grid = 362;      ///< unknown grid
inline constexpr int quantized_tensors = 363;   ///< tensor map and tensors disagree
inline constexpr int quantized_shape = 364;     ///< codes or scales of the wrong dtype or shape
inline constexpr int quantized_code = 365;      ///< a code that is no point of the grid
inline constexpr int quantized_scale = 366;     ///< a scale that is not positive and finite

// Exit::input: the certificate.
inline constexpr int certificate_malformed = 367;  ///< not the layout of docs/certificate.md, or a value out of range
inline constexpr int certificate_version = 368;    ///< a version that this build does not know

// Exit::input: the calibration file.
inline constexpr int calibration_entry = 380;         ///< a name or dtype or rank that is no calibration entry
inline constexpr int calibration_both = 381;          ///< activations and a Gram matrix for one weight
inline constexpr int calibration_gram = 382;          ///< not square, not symmetric, or a negative diagonal entry
inline constexpr int calibration_scale = 383;         ///< a given scale that is not positive and finite
inline constexpr int calibration_lonely_scale = 384;  ///< a scale without activations or Gram matrix
inline constexpr int calibration_empty = 385;         ///< activations, or a Gram matrix, of 0 tokens

// Exit::infeasible: what was asked for cannot be written.
inline constexpr int output_exists = 410;       ///< the output exists and --overwrite was not given
inline constexpr int output_is_input = 411;     ///< output and input are one file
inline constexpr int output_not_regular = 412;  ///< the output path names a folder or a device
inline constexpr int plan_name = 413;           ///< a name that the format cannot hold, or twice the same
inline constexpr int plan_size = 414;           ///< a shape or header that the format cannot hold
inline constexpr int calibration_shape = 415;   ///< calibration and weight have different numbers of columns or rows
inline constexpr int output_twice = 416;        ///< two outputs of one run are one file

// Exit::contract.
inline constexpr int oracle_refuses = 621;  ///< exact arithmetic contradicts what is about to be written

// Exit::mismatch.
inline constexpr int payload_digest = 710;       ///< the tensors are not those whose digest the file carries
inline constexpr int certificate_differs = 711;  ///< certificate and files disagree, in the header or a digest
inline constexpr int tensor_differs = 712;       ///< a tensor is not what its source and certificate give
inline constexpr int oracle_contradicts = 713;   ///< exact arithmetic finds a promise broken
inline constexpr int checker_rejects = 714;      ///< hallmark-check rejects a tensor

// Exit::io: the operating system refused.
inline constexpr int cannot_read = 901;    ///< open, stat, map or read
inline constexpr int file_changed = 902;   ///< a mapped file changed while in use
inline constexpr int cannot_create = 903;  ///< the temporary file beside the output
inline constexpr int cannot_write = 904;   ///< write, sync or rename
inline constexpr int disk_full = 905;      ///< no space, quota or file size limit
inline constexpr int cannot_run = 906;     ///< fork, pipe, or more output than is taken

// Exit::unavailable.
inline constexpr int program_missing = 1304;  ///< a program that is to be run is not there

// Exit::internal: the caller broke an interface's rule.
inline constexpr int writer_misuse = 110;     ///< a tensor not in the plan, of another size, twice or never
inline constexpr int checker_failed = 113;    ///< hallmark-check ended without a verdict
inline constexpr int too_many_outputs = 111;  ///< more simultaneous outputs than the signal registry holds

}  // namespace hallmark::error_number
