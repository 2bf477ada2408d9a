# Where things go, and files that name the prefix: it is known for certain only when they are installed.
include(GNUInstallDirs)
# lib/<triplet> wherever the compiler has one, whatever the prefix: shims of two ISAs live side by side.
if(CMAKE_LIBRARY_ARCHITECTURE)
  set(JITCORRAL_LIBDIR lib/${CMAKE_LIBRARY_ARCHITECTURE})
else()
  set(JITCORRAL_LIBDIR ${CMAKE_INSTALL_LIBDIR})
endif()
# Where systemd looks below a prefix: never in lib64 or lib/<triplet>.
set(JITCORRAL_UNITS lib/systemd CACHE STRING "folder of the systemd units, below the prefix")

# install_with_prefix(FILE DESTINATION): FILE.in with @PREFIX@ and the folders below it filled in; also
# made in the build folder as for CMAKE_INSTALL_PREFIX.
function(install_with_prefix file destination)
  set(folders "
    set(LIBDIR [[${JITCORRAL_LIBDIR}]])
    set(SBINDIR [[${CMAKE_INSTALL_SBINDIR}]])
    set(INCLUDEDIR [[${CMAKE_INSTALL_INCLUDEDIR}]])
    set(VERSION [[${PROJECT_VERSION}]])
    set(DESCRIPTION [[${PROJECT_DESCRIPTION}]])")
  cmake_language(EVAL CODE "${folders}")
  set(PREFIX ${CMAKE_INSTALL_PREFIX})
  configure_file(${CMAKE_CURRENT_SOURCE_DIR}/${file}.in ${CMAKE_CURRENT_BINARY_DIR}/${file} @ONLY)
  # Straight to its place: two installations of one build may go on at a time.
  install(CODE "${folders}
    set(PREFIX \"\${CMAKE_INSTALL_PREFIX}\")
    get_filename_component(name [[${file}]] NAME)
    set(file \"\${CMAKE_INSTALL_PREFIX}/${destination}/\${name}\")
    message(STATUS \"Installing: \$ENV{DESTDIR}\${file}\")
    configure_file([[${CMAKE_CURRENT_SOURCE_DIR}/${file}.in]] \"\$ENV{DESTDIR}\${file}\" @ONLY)
    list(APPEND CMAKE_INSTALL_MANIFEST_FILES \"\${file}\")")
endfunction()
