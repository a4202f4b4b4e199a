# find_package(terrace) for users of the library: headers keep their place below sim/.
include(CMakePackageConfigHelpers)

install(TARGETS terrace_lib EXPORT terrace_targets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
        INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/terrace)
install(TARGETS terrace terrace-calibrate RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY sim DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/terrace
        FILES_MATCHING PATTERN "*.hpp" PATTERN "app" EXCLUDE)

set(terrace_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/terrace)
install(EXPORT terrace_targets NAMESPACE terrace:: FILE terrace-targets.cmake
        DESTINATION ${terrace_package_dir})
configure_package_config_file(cmake/terrace-config.cmake.in
                              ${PROJECT_BINARY_DIR}/terrace-config.cmake
                              INSTALL_DESTINATION ${terrace_package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/terrace-config-version.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/terrace-config.cmake
              ${PROJECT_BINARY_DIR}/terrace-config-version.cmake
        DESTINATION ${terrace_package_dir})
