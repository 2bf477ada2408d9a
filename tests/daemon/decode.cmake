# Instructions and what they refer to, over assembled bytes.
file(GLOB decode_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/decode_*_test.cc)
add_executable(decode_tests ${decode_sources})
target_link_libraries(decode_tests PRIVATE jitcorral_decode GTest::gtest_main)
gtest_discover_tests(decode_tests TEST_PREFIX daemon. PROPERTIES LABELS unit)
