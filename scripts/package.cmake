# The Debian package: `cpack -G DEB` in a build folder; scripts/deb/ has its maintainer scripts.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME jitcorral)
set(CPACK_PACKAGE_VENDOR "")
set(JITCORRAL_MAINTAINER "the jitcorral authors <maintainer@jitcorral.invalid>" CACHE STRING
  "who answers for packages made here, as Debian writes it")
set(CPACK_PACKAGE_CONTACT ${JITCORRAL_MAINTAINER})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "keep JIT code and data within reach of each other")
set(CPACK_STRIP_FILES ON)
# The prefix must be the true one: units and jitcorral.pc name it.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/scripts/deb/finish.cmake)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"A just-in-time compiler's code and data must lie within 2 GiB of each other,
or it aborts, panics or runs wrong code. jitcorral keeps them in one window, in
unmodified programs (Numba, LLVM, Cranelift, Julia, PostgreSQL), by a preloaded
library, and records and judges every placement.
.
Installing it changes nothing: no program is put under it until somebody says
so, by the command or by a drop-in of a systemd unit. The daemon jitcorrald
listens for programs that are.")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION TRUE)
set(deb ${PROJECT_SOURCE_DIR}/scripts/deb)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${deb}/postinst ${deb}/prerm ${deb}/postrm ${deb}/conffiles)
include(CPack)
