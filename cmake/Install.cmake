# `cmake --install`: the tool, the static library, the headers, the solvers' goals and the CMake package Hallmark.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Hallmark)
install(TARGETS hallmark EXPORT HallmarkTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS hallmark_tool RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(PROGRAMS ${PROJECT_BINARY_DIR}/checker/hallmark-check DESTINATION ${CMAKE_INSTALL_BINDIR} OPTIONAL)  # where built
if(NOT CMAKE_CROSSCOMPILING)
  install(FILES ${PROJECT_BINARY_DIR}/generated/hallmark.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
  install(FILES ${PROJECT_BINARY_DIR}/generated/completion.bash RENAME hallmark
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
endif()
install(DIRECTORY src/ DESTINATION include/hallmark
  FILES_MATCHING PATTERN "*.hpp" REGEX "/(cli|measure|ablation|league|study)$" EXCLUDE)
install(DIRECTORY contracts/ DESTINATION include/hallmark/contracts FILES_MATCHING PATTERN "*.hpp")
install(DIRECTORY contracts DESTINATION ${CMAKE_INSTALL_DATADIR}/hallmark  # what `hallmark smt` asks the solvers
  FILES_MATCHING PATTERN "*.smt2" PATTERN "manifest.json")
install(EXPORT HallmarkTargets NAMESPACE Hallmark:: DESTINATION ${package_dir})
configure_package_config_file(cmake/HallmarkConfig.cmake.in ${PROJECT_BINARY_DIR}/HallmarkConfig.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/HallmarkConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/HallmarkConfig.cmake ${PROJECT_BINARY_DIR}/HallmarkConfigVersion.cmake
  DESTINATION ${package_dir})
