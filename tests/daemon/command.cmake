# The command line, from outside: what is said, where, and with which exit status.
find_program(python3 python3 PATHS /usr/bin NO_DEFAULT_PATH REQUIRED)
set(parts usage help)
# These record something first, and a sanitized shim is not built.
if(NOT CMAKE_CXX_FLAGS MATCHES sanitize)
  list(APPEND parts readers output trials schema)
endif()
foreach(part ${parts})
  add_test(NAME daemon.command.${part}
    COMMAND ${python3} ${CMAKE_CURRENT_LIST_DIR}/command_${part}.py $<TARGET_FILE:jitcorral_cli>)
  set_tests_properties(daemon.command.${part} PROPERTIES LABELS unit TIMEOUT 60)
endforeach()

add_executable(trials_tests ${CMAKE_CURRENT_LIST_DIR}/trials_test.cc)
target_link_libraries(trials_tests PRIVATE jitcorral_command GTest::gtest_main)
gtest_discover_tests(trials_tests PROPERTIES LABELS unit DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60)
