# Cores, sound and hostile, made byte by byte; their crashes.
file(GLOB autopsy_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/autopsy_*_test.cc)
add_executable(autopsy_tests ${autopsy_sources})
target_link_libraries(autopsy_tests PRIVATE jitcorral_autopsy GTest::gtest_main)
gtest_discover_tests(autopsy_tests TEST_PREFIX daemon. PROPERTIES LABELS unit DISCOVERY_MODE PRE_TEST
  DISCOVERY_TIMEOUT 60)
