# The analysis (pure), and the table that it leans on.
add_executable(analyze_tests analyze_address_space_test.cc analyze_pairs_test.cc
  analyze_replay_test.cc analyze_engines_test.cc analyze_verdict_test.cc analyze_hostile_test.cc
  analyze_placements_test.cc binding_test.cc)
target_link_libraries(analyze_tests PRIVATE jitcorral_analyze GTest::gtest_main)
gtest_discover_tests(analyze_tests PROPERTIES LABELS unit DISCOVERY_MODE PRE_TEST
  DISCOVERY_TIMEOUT 60)
