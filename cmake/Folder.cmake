# hallmark_folder(TARGET NAME files...): sources of a library, with HALLMARK_UNITY compiled as one file with all others of this NAME. CMake
# leaves out files that have options of their own; files that each define the same names stay outside, and registers, which
# examples/extending replaces.
function(hallmark_folder target name)
  target_sources(${target} PRIVATE ${ARGN})
  set_source_files_properties(${ARGN} TARGET_DIRECTORY ${target} PROPERTIES UNITY_GROUP ${name})
endfunction()
