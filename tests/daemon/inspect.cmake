# Executables and their libraries, looked at without running them.
add_executable(inspect_tests engine_version_test.cc inspect_elf_test.cc inspect_linker_test.cc inspect_program_test.cc
  inspect_diagnose_test.cc)
target_link_libraries(inspect_tests PRIVATE jitcorral_inspect GTest::gtest_main)
target_compile_options(inspect_tests PRIVATE -Wno-missing-field-initializers)  # samples name what they hold
gtest_discover_tests(inspect_tests PROPERTIES LABELS unit DISCOVERY_MODE PRE_TEST
  DISCOVERY_TIMEOUT 60)
