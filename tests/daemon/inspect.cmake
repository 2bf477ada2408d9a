# Executables and their libraries: what finds an engine's version in its file.
add_executable(inspect_tests engine_version_test.cc)
target_link_libraries(inspect_tests PRIVATE jitcorral_inspect GTest::gtest_main)
gtest_discover_tests(inspect_tests PROPERTIES LABELS unit DISCOVERY_MODE PRE_TEST
  DISCOVERY_TIMEOUT 60)
