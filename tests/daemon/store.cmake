# The database, on real files: kill -9, other users, full and read-only disks are made, not imagined.
find_package(PkgConfig REQUIRED)
pkg_check_modules(sqlite REQUIRED IMPORTED_TARGET sqlite3)
set(store_sources)
foreach(name scratch encoding_test rows_test batch_test processes_test opening_test reading_test hostile_test image_test)
  list(APPEND store_sources ${CMAKE_CURRENT_LIST_DIR}/store_${name}.cc)
endforeach()
add_executable(store_tests ${store_sources})
target_link_libraries(store_tests PRIVATE jitcorral_store PkgConfig::sqlite GTest::gtest_main)
gtest_discover_tests(store_tests PROPERTIES LABELS unit DISCOVERY_MODE PRE_TEST
  DISCOVERY_TIMEOUT 60)
