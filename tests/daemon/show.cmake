# Reports and listings: plain values in, strings out.
file(GLOB show_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/show_*_test.cc)
add_executable(show_tests ${show_sources})
target_link_libraries(show_tests PRIVATE jitcorral_show GTest::gtest_main)
gtest_discover_tests(show_tests TEST_PREFIX daemon. PROPERTIES LABELS unit)
