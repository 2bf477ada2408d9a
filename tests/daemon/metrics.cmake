# The metrics: what is counted under what, what is served, and what clients can do to the server.
find_package(Threads REQUIRED)
add_executable(metrics_tests ${CMAKE_CURRENT_LIST_DIR}/metrics_groups_test.cc
  ${CMAKE_CURRENT_LIST_DIR}/metrics_exposition_test.cc ${CMAKE_CURRENT_LIST_DIR}/metrics_address_test.cc
  ${CMAKE_CURRENT_LIST_DIR}/metrics_server_test.cc)
# gcc 12 takes std::regex for uninitialized under ASan (GCC PR 105562).
set_source_files_properties(${CMAKE_CURRENT_LIST_DIR}/metrics_exposition_test.cc PROPERTIES
  COMPILE_OPTIONS -Wno-maybe-uninitialized)
target_link_libraries(metrics_tests PRIVATE jitcorral_metrics GTest::gtest_main Threads::Threads)
gtest_discover_tests(metrics_tests PROPERTIES LABELS unit DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60)

# The same for the tools that people have: curl and promtool.
add_executable(metrics_sample ${CMAKE_CURRENT_LIST_DIR}/metrics_sample.cc)
target_link_libraries(metrics_sample PRIVATE jitcorral_metrics)
add_test(NAME daemon.metrics.tools
  COMMAND ${python3} ${CMAKE_CURRENT_LIST_DIR}/metrics_tools.py $<TARGET_FILE:metrics_sample>
    ${PROJECT_SOURCE_DIR}/build/promtool/usr/bin/promtool)
set_tests_properties(daemon.metrics.tools PROPERTIES LABELS unit TIMEOUT 60 SKIP_RETURN_CODE 77)
