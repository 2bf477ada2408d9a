# Reports and listings: plain values in, strings out.
add_executable(show_tests
  ${CMAKE_CURRENT_LIST_DIR}/show_html_test.cc ${CMAKE_CURRENT_LIST_DIR}/show_human_test.cc ${CMAKE_CURRENT_LIST_DIR}/show_json_test.cc
  ${CMAKE_CURRENT_LIST_DIR}/show_layout_test.cc ${CMAKE_CURRENT_LIST_DIR}/show_listing_test.cc
  ${CMAKE_CURRENT_LIST_DIR}/show_text_test.cc)
target_link_libraries(show_tests PRIVATE jitcorral_show GTest::gtest_main)
gtest_discover_tests(show_tests TEST_PREFIX daemon. PROPERTIES LABELS unit)
