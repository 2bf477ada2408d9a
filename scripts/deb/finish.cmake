# What Debian wants of the files that were installed, before they are packed. (file(INSTALL) would go
# through DESTDIR once more.)
set(usr ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr)
get_filename_component(here ${CMAKE_CURRENT_LIST_DIR} ABSOLUTE)
get_filename_component(top ${here}/../.. ABSOLUTE)
set(doc ${usr}/share/doc/jitcorral)

file(READ ${top}/LICENSE license)
string(REGEX REPLACE "\n\n" "\n.\n" license "${license}")
string(STRIP "${license}" license)
string(REGEX REPLACE "\n" "\n " license "${license}")
file(READ ${here}/copyright copyright)
file(WRITE ${doc}/copyright "${copyright} ${license}\n")

configure_file(${top}/README.md ${doc}/README.md COPYONLY)
configure_file(${top}/systemd/README.md ${doc}/README.systemd.md COPYONLY)
configure_file(${top}/CHANGELOG.md ${doc}/changelog COPYONLY)
execute_process(COMMAND date -uR OUTPUT_VARIABLE now OUTPUT_STRIP_TRAILING_WHITESPACE)
set(version ${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})
file(WRITE ${doc}/changelog.Debian "jitcorral (${version}) unstable; urgency=medium

  * Made by the project itself; its own changelog lies beside this one.

 -- ${CPACK_PACKAGE_CONTACT}  ${now}
")
file(GLOB compressed ${usr}/share/man/man*/* ${doc}/changelog*)
execute_process(COMMAND gzip -9nf ${compressed} COMMAND_ERROR_IS_FATAL ANY)
# CPack's folders are the umask's.
execute_process(COMMAND chmod -R u=rwX,go=rX ${CPACK_TEMPORARY_INSTALL_DIRECTORY} COMMAND_ERROR_IS_FATAL ANY)
