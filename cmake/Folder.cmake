# hallmark_folder(NAME files...): sources of the library, with HALLMARK_UNITY compiled as one file with all others of this NAME. CMake
# leaves out files that have options of their own; files that each define the same names stay outside, and registers, which
# examples/extending replaces.
function(hallmark_folder name)
  target_sources(hallmark PRIVATE ${ARGN})
  set_source_files_properties(${ARGN} TARGET_DIRECTORY hallmark PROPERTIES UNITY_GROUP ${name})
endfunction()
