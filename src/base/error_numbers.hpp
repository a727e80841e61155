// The numbers of the errors: one per way of being wrong, stable, listed for users in docs/errors.md. hallmark-check, a
// program of its own, has E0290, E0790, E0990 and E1090 besides.
#pragma once

namespace hallmark::error_number {

// Exit::internal: a bug, or a caller that broke an interface's rule.
inline constexpr int unexpected_exception = 100;  ///< one that nobody expected
inline constexpr int no_command_ran = 101;        ///< the command line was accepted and nothing was done
inline constexpr int compressor_failed = 102;     ///< a compressor does not read what it wrote
inline constexpr int writer_misuse = 110;         ///< a tensor not in the plan, of another size, twice or never
inline constexpr int too_many_outputs = 111;      ///< more simultaneous outputs than the signal registry holds
inline constexpr int conversion_arrays = 112;     ///< input and output of a conversion overlap or differ in length
inline constexpr int checker_failed = 113;        ///< hallmark-check ended without a verdict
inline constexpr int p_disagrees = 120;           ///< Boost.Math and the closed form differ
inline constexpr int ledger_misuse = 121;         ///< a body that is no JSON object on one line
inline constexpr int value_not_finite = 122;      ///< NaN or infinity about to be written
inline constexpr int site_order = 123;            ///< captured activations do not match the model

// Exit::usage: flags and configuration.
inline constexpr int command_line = 201;         ///< an unknown, missing or malformed command, flag or value
inline constexpr int no_input = 202;             ///< nothing to read
inline constexpr int no_output = 203;            ///< no file to write
inline constexpr int ranks_refused = 205;        ///< several ranks of a command that is one process
inline constexpr int pattern_malformed = 210;    ///< not a regular expression
inline constexpr int calibration_kind = 211;     ///< activations where Gram matrices are wanted, or the reverse
inline constexpr int no_calibration = 214;       ///< GPTQ without calibration
inline constexpr int rows_malformed = 215;       ///< --rows without --exact, or not a number of rows
inline constexpr int grid_unknown = 220;         ///< the name is that of no grid
inline constexpr int table_invalid = 221;        ///< points that are unsorted, not finite or too precise
inline constexpr int scale_rule_unknown = 222;   ///< the name is that of no scale rule
inline constexpr int scale_rule_refused = 223;   ///< not for this grid, or not to be asked for
inline constexpr int method_unknown = 224;       ///< the name is that of no method
inline constexpr int set_not_canonical = 225;    ///< a partial set without --output, or aimed at the canonical ledger
inline constexpr int set_invalid = 226;          ///< empty, repeated or negative seeds or N
inline constexpr int option_range = 227;         ///< block size, group size or damping out of range
inline constexpr int policy_unknown = 228;       ///< the name is that of no policy for contracts
inline constexpr int config_malformed = 229;     ///< a configuration file that is not one, or an unknown key
inline constexpr int rule_conflict = 230;        ///< a rule that contradicts itself, or that later rules undo
inline constexpr int file_format_unknown = 231;  ///< the name is that of no file format
inline constexpr int rotation_refused = 232;     ///< not with this grid, group size, method or given steps
inline constexpr int method_refused = 233;       ///< a method with other options that it does not take
inline constexpr int target_refused = 234;       ///< not with this method
inline constexpr int low_rank_refused = 235;     ///< not with this method, shape or given steps, or beyond its storage

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

// Exit::input: a checkpoint of PyTorch.
inline constexpr int pytorch_archive = 336;  ///< not the zip archive that torch.save writes, or not whole
inline constexpr int pytorch_pickle = 337;   ///< an opcode, a global or an argument that no state dict has
inline constexpr int pytorch_tensor = 338;   ///< a tensor that does not stand in its storage, or not in a row
inline constexpr int pytorch_dict = 339;     ///< something else than names and their tensors
inline constexpr int golf_dict = 399;  ///< parameter-golf: a dict of no layout that is read, or that contradicts itself

// Exit::input: scales, Gram matrices and activations handed to the library.
inline constexpr int given_scale = 321;            ///< of the wrong shape, or not positive and finite
inline constexpr int gram_malformed = 322;         ///< of another shape, not finite or not symmetric
inline constexpr int gram_impossible = 323;        ///< by an entry or a negative eigenvalue
inline constexpr int gram_misfit = 324;            ///< activations or Gram matrices of different widths
inline constexpr int activation_not_finite = 325;  ///< NaN or infinity

// Exit::input: words of `hallmark codec`.
inline constexpr int word_malformed = 328;  ///< no number, or no 16-bit word
inline constexpr int no_word = 329;         ///< nothing to convert

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

// Exit::input: a GGUF file.
inline constexpr int gguf_truncated = 352;  ///< the file ends before what it declares
inline constexpr int gguf_version = 353;    ///< not version 3, or of the other byte order
inline constexpr int gguf_name = 354;       ///< a key or a name that is empty, too long or not printable UTF-8
inline constexpr int gguf_twice = 355;      ///< two keys or two tensors with one name
inline constexpr int gguf_value = 356;      ///< metadata of an unknown type, or a value that its type has not
inline constexpr int gguf_tensor = 357;     ///< a rank, dimension, type or size that a tensor cannot have here
inline constexpr int gguf_layout = 358;     ///< an offset out of sequence, padding that is not 0, bytes at the end
inline constexpr int gguf_scales = 359;     ///< the blocks of one group have different scales

// Exit::input: the folder of a model in the layout of Hugging Face.
inline constexpr int llama_config = 326;     ///< config.json is not that of a llama, or asks for what is not written
inline constexpr int llama_tokenizer = 386;  ///< no tokenizer.model, or one that llama.cpp would read otherwise

// Exit::input: token shards.
inline constexpr int shard_malformed = 327;   ///< another magic, version or size than the header says
inline constexpr int pieces_malformed = 349;  ///< no model of sentencepiece, or one without a piece that is needed

// Exit::input: the packed artifact.
inline constexpr int artifact_malformed = 346;  ///< no artifact, cut short, or sizes that it cannot have
inline constexpr int artifact_data = 347;       ///< data of a tensor that its compressor did not write

// Exit::input: measured sensitivities.
inline constexpr int sensitivity_malformed = 348;  ///< not a file of `hallmark sensitivity`

// Exit::input: the quantized container.
inline constexpr int quantized_metadata = 360;  ///< not ours, or a metadata entry missing or malformed
inline constexpr int quantized_schema = 361;    ///< a schema version that this build does not know
inline constexpr int quantized_grid = 362;      ///< unknown grid
inline constexpr int quantized_tensors = 363;   ///< tensor map and tensors disagree
inline constexpr int quantized_shape = 364;     ///< codes or scales of the wrong dtype or shape
inline constexpr int quantized_code = 365;      ///< a code that is no point of the grid
inline constexpr int quantized_scale = 366;     ///< a scale that is not positive and finite
inline constexpr int quantized_low_rank = 389;  ///< a factor of a correction, or a number that it makes, is not finite
inline constexpr int quantized_rotated = 369;  ///< a mark that is neither 0 nor 1, or rotated points that are not exact

// Exit::input: the certificate.
inline constexpr int certificate_malformed = 367;  ///< not the layout of docs/certificate.md, or a value out of range
inline constexpr int certificate_version = 368;    ///< a version that this build does not know

// Exit::input: ledgers and what the ablation reads.
inline constexpr int ledger_torn = 370;        ///< the last line has no end, or the array is not closed
inline constexpr int sample_size = 371;        ///< the t test got samples of different sizes
inline constexpr int sample_not_finite = 372;  ///< NaN or infinity in a sample
inline constexpr int ledger_entry = 373;       ///< a line that is no entry: not an object, no prev, wrong fields
inline constexpr int ledger_chain = 374;       ///< prev is not the digest of the entry before
inline constexpr int cell_repeated = 375;      ///< two lines of a run for one cell
inline constexpr int cells_differ = 376;       ///< cells of one run disagree in what they must share
inline constexpr int no_complete_run = 377;    ///< no run with all nine cells
inline constexpr int checkpoint_seed = 378;    ///< the checkpoint was trained with another seed than its cell says
inline constexpr int validation_short = 379;   ///< fewer bytes of validation text than are to be evaluated

// Exit::input: the calibration file.
inline constexpr int calibration_entry = 380;         ///< a name or dtype or rank that is no calibration entry
inline constexpr int calibration_both = 381;          ///< activations and a Gram matrix for one weight
inline constexpr int calibration_gram = 382;          ///< not square, not symmetric, or a negative diagonal entry
inline constexpr int calibration_scale = 383;         ///< a given scale that is not positive and finite
inline constexpr int calibration_lonely_scale = 384;  ///< a scale without activations or Gram matrix
inline constexpr int calibration_empty = 385;         ///< activations, or a Gram matrix, of 0 tokens

// Exit::input: what Coq printed.
inline constexpr int theory_printed = 387;  ///< statements, assumptions or manifest malformed, or of other theorems
inline constexpr int headline_description = 388;  ///< coq/headline.json malformed, or not of exactly the theorems
inline constexpr int goal_manifest = 396;         ///< the manifest of the goals is not as Coq prints it
inline constexpr int goal_empty = 397;            ///< a goal without text
inline constexpr int goal_malformed = 398;        ///< no goal for the solvers

// Exit::input: text and model of the replay.
inline constexpr int text_unreadable = 390;  ///< the text folder cannot be read
inline constexpr int text_missing = 391;     ///< the text folder holds no regular file
inline constexpr int text_short = 392;       ///< too short to be split, calibrated with, evaluated or trained on
inline constexpr int model_config = 393;     ///< the file does not describe a model of the replay
inline constexpr int model_tensors = 394;    ///< the tensors are not those of the model's configuration
inline constexpr int splits_overlap = 395;   ///< one text in the train and in the validation split

// Exit::infeasible: what was asked for cannot be written.
inline constexpr int output_exists = 410;       ///< the output exists and --overwrite was not given
inline constexpr int output_is_input = 411;     ///< output and input are one file
inline constexpr int output_not_regular = 412;  ///< the output path names a folder or a device
inline constexpr int plan_name = 413;           ///< a name that the format cannot hold, or twice the same
inline constexpr int plan_size = 414;           ///< a shape or header that the format cannot hold
inline constexpr int calibration_shape = 415;   ///< calibration and weight have different numbers of columns or rows
inline constexpr int output_is_index = 417;     ///< an output whose name would be read as that of an index
inline constexpr int output_twice = 416;        ///< two outputs of one run are one file
inline constexpr int shards_many = 418;         ///< more shards than are written together

// Exit::infeasible: what was asked for cannot be quantized, or not be taken back.
inline constexpr int matrix_empty = 420;         ///< no rows or no columns
inline constexpr int no_exact_scale = 421;       ///< no scale by this rule makes the products exact in binary32
inline constexpr int pattern_unmatched = 430;    ///< a pattern that matches no 2-D tensor
inline constexpr int calibration_missing = 431;  ///< selected tensors have none
inline constexpr int nothing_selected = 432;     ///< nothing to quantize
inline constexpr int group_too_wide = 434;       ///< a group size beyond the columns
inline constexpr int zero_points_given = 435;    ///< given zero points without need, or none where the grid has them
inline constexpr int calibration_unused = 436;   ///< a calibration entry that fits no weight
inline constexpr int product_not_exact = 433;    ///< a product of scale and code needs more than binary32
inline constexpr int product_beyond = 437;       ///< a product of scale and code rounds to infinity in the dtype
inline constexpr int nothing_held_out = 438;     ///< too few tokens, or Gram matrices, where tokens are to be held out
inline constexpr int format_refuses = 439;       ///< numbers that the file format cannot hold unchanged
inline constexpr int pack_shards = 440;          ///< a container of several files
inline constexpr int budget_too_small = 445;     ///< the smallest artifact of the candidates has more bytes
inline constexpr int candidates_differ = 446;    ///< containers between which a budget cannot choose
inline constexpr int sensitivity_missing = 447;  ///< a damage that was not measured, or of other weights
inline constexpr int no_table_learned = 448;     ///< no matrix loses less under points of its own

// Exit::infeasible: a state (--state) that cannot be gone on with.
inline constexpr int state_not_empty = 441;  ///< it holds records and --resume was not given
inline constexpr int state_in_use = 442;     ///< another run has locked it
inline constexpr int state_foreign = 443;    ///< other files, or the state of another command

// Exit::infeasible: ranks that cannot work on one thing.
inline constexpr int ranks_differ = 450;  ///< one of them has other files, other options or another program

// Exit::numeric.
inline constexpr int not_positive_definite = 501;  ///< a pivot of the factorization is not positive
inline constexpr int gram_overflow = 502;          ///< the merged Gram matrix leaves binary64, or its tokens 2^64
inline constexpr int gptq_overflow = 503;          ///< the Hessian or a compensated weight overflows
inline constexpr int loss_not_finite = 510;        ///< of the evaluation or in training

// Exit::contract.
inline constexpr int loss_did_not_fall = 610;  ///< in training
inline constexpr int replay_disagrees = 611;   ///< trainer and replay differ on one checkpoint
inline constexpr int cell_check_failed = 620;  ///< a check of a cell of the ablation
inline constexpr int oracle_refuses = 621;     ///< exact arithmetic contradicts what is about to be written
inline constexpr int contract_violated = 630;  ///< a run-time contract

// Exit::mismatch.
inline constexpr int payload_digest = 710;       ///< the tensors are not those whose digest the file carries
inline constexpr int certificate_differs = 711;  ///< certificate and files disagree, in the header or a digest
inline constexpr int tensor_differs = 712;       ///< a tensor is not what its source and certificate give
inline constexpr int oracle_contradicts = 713;   ///< exact arithmetic finds a promise broken
inline constexpr int checker_rejects = 714;      ///< hallmark-check rejects a tensor
inline constexpr int verdict_differs = 720;      ///< the recorded verdict is not the one that the cells give
inline constexpr int solver_contradicts = 721;   ///< a solver says the opposite of what Coq proved
inline constexpr int goal_undecided = 722;       ///< a solver did not decide a goal
inline constexpr int witness_outdated = 723;     ///< a headline theorem without a witness, or with another than Coq's

// Exit::io: the operating system refused.
inline constexpr int cannot_read = 901;    ///< open, stat, map or read; standard output too
inline constexpr int file_changed = 902;   ///< a mapped file changed while in use
inline constexpr int cannot_create = 903;  ///< the temporary file beside the output
inline constexpr int cannot_write = 904;   ///< write, sync or rename
inline constexpr int disk_full = 905;      ///< no space, quota or file size limit
inline constexpr int cannot_run = 906;     ///< fork, pipe, or more output than is taken
inline constexpr int rank_lost = 907;      ///< MPI does not start, or a rank gives no sign of life
inline constexpr int lock_failed = 920;    ///< of a ledger or a state

// Exit::memory.
inline constexpr int out_of_memory = 1001;  ///< of the machine
inline constexpr int device_memory = 1302;  ///< of the CUDA device

// Exit::unavailable.
inline constexpr int simd_target = 1301;      ///< unknown, or not of this machine
inline constexpr int device_failed = 1303;    ///< the CUDA device failed half-way
inline constexpr int program_missing = 1304;  ///< a program that is to be run is not there
inline constexpr int cuda_not_built = 1305;   ///< --device cuda of a tool that was built without
inline constexpr int no_device = 1306;        ///< no driver, or no device
inline constexpr int mpi_not_built = 1307;    ///< several processes of a tool that was built without MPI

}  // namespace hallmark::error_number
