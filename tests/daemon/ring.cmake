# The ring from both of its ends, and what the recorder makes of processes. The shim's sources are
# compiled again, so that the asan and tsan presets see inside.
set(shim ${PROJECT_SOURCE_DIR}/preload)
file(GLOB ring_sources ${CMAKE_CURRENT_LIST_DIR}/ring_*_test.cc
     ${CMAKE_CURRENT_LIST_DIR}/collect_*_test.cc)
find_package(Threads REQUIRED)
add_executable(ring_tests ${ring_sources} ${shim}/ring_writer.cc ${shim}/ring_file.cc
  ${shim}/record.cc ${shim}/record_sites.cc ${shim}/modules.cc ${shim}/succession.cc)
target_compile_definitions(ring_tests PRIVATE JITCORRAL_BUILDING)
# A fence is more than TSan follows; what it orders are atomics.
if(CMAKE_CXX_FLAGS MATCHES "sanitize=thread")
  set_source_files_properties(${shim}/succession.cc PROPERTIES COMPILE_OPTIONS -Wno-tsan)
endif()
target_include_directories(ring_tests PRIVATE ${shim})
target_link_libraries(ring_tests PRIVATE jitcorral_collect jitcorral_include GTest::gtest_main
  Threads::Threads ${CMAKE_DL_LIBS})
gtest_discover_tests(ring_tests PROPERTIES LABELS unit DISCOVERY_MODE PRE_TEST
  DISCOVERY_TIMEOUT 60)
